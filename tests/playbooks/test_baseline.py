"""The shipped baseline on a real host: it finds, converges, stays, and finds again."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from opskit.app import App
from opskit.core.errors import ExitCode
from opskit.core.hosts import Verdict
from opskit.core.transcript import Mode
from opskit.fleet.apply import Applied, Options, apply
from opskit.fleet.execute import execute
from opskit.fleet.model import Run
from opskit.fleet.plan import plan_of
from opskit.outside.files import content_root
from tests.fleet.repository import Checked, Repository
from tests.rig import hosts
from tests.rig.hosts import Fleet, Host
from tests.rig.plugin import require

# What somebody does by hand on a host, and the control that must notice.
BY_HAND = {
    "OPS-SSH-02": "rm /etc/ssh/sshd_config.d/00-opskit-root-login.conf",
    "OPS-SSH-04": "echo 'Ciphers +3des-cbc' >/etc/ssh/sshd_config.d/00-opskit-algorithms.conf",
    "OPS-UPD-02": "sed -i s/false/true/ /etc/apt/apt.conf.d/52opskit-signatures",
    "OPS-KRN-05": "chmod 666 /etc/security/limits.d/99-opskit-core.conf",
    "OPS-FILE-01": "chmod o+w /etc/passwd",
    "OPS-FILE-02": "chown root:root /etc/shadow",
    "OPS-FILE-04": "chmod 777 /etc/cron.d",
    "OPS-NOTE-01": "echo welcome >>/etc/motd",
}
OVERRIDE = "/etc/ssh/sshd_config.d/00-aaa.conf"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Return a host for this module alone: the baseline changes all of it."""
    require(hosts.available())
    with Fleet(("web1",), tmp_path_factory.mktemp("fleet")) as running:
        yield running["web1"]


@pytest.fixture(scope="module")
def place(host: Host, lay_out: Callable[..., Repository]) -> Repository:
    shared = host.login.inventory({host.name: host.address})
    here = lay_out(shared, "")
    shutil.copytree(content_root() / "playbooks", here.root / "playbooks", dirs_exist_ok=True)
    here.write(
        "opskit.yaml", "standard: playbooks/baseline.yml\ninventory: [inventory/hosts.ini]\n"
    )
    return here


@contextmanager
def opened(place: Repository) -> Iterator[App]:
    """Open the repository as the command line does, in this process."""
    app = App.find(place.root, place.environment)
    try:
        yield app
    finally:
        app.database.close()


# The steps of the host's life, each built on the one before.


@pytest.fixture(scope="module")
def fresh(place: Repository) -> Checked:
    return place.apply()


@pytest.fixture(scope="module")
def again(place: Repository, fresh: Checked) -> Run:
    """By its Python door: the command looks first, and would not even start."""
    with opened(place) as app:
        everything = app.request(limit="", tags=(), variables={})
        return execute(app.workplace, everything, Mode.APPLY, lambda _: None)


@pytest.fixture(scope="module")
def by_hand(place: Repository, host: Host, again: Run) -> Checked:
    for command in BY_HAND.values():
        assert host.run(("sh", "-c", command)).returncode == 0
    return place.check()


@pytest.fixture(scope="module")
def mended(place: Repository, by_hand: Checked) -> Applied:
    with opened(place) as app:
        tags = tuple(f"control:{control}" for control in BY_HAND)
        request = app.request(limit="", tags=tags, variables={})
        before = execute(app.workplace, request, Mode.CHECK, lambda _: None)
        plan = plan_of(before)
        return apply(app.workplace, request, plan, Options(), lambda _: None, before=before)


@pytest.fixture(scope="module")
def overridden(place: Repository, host: Host, mended: Applied) -> Checked:
    host.write(OVERRIDE, "MaxAuthTries 60\n")
    return place.check("-t", "control:OPS-SSH-07")


def first_look(place: Repository) -> tuple[dict[str, str], list[str]]:
    """Return the verdicts of the very first check, and the controls it found drifted."""
    end = place.entries("run.finished")[0]
    found = [json.loads(entry.data) for entry in place.entries("drift.found")]
    controls = [one["control"] for one in found if one["run"] == end.subject]
    return json.loads(end.data)["hosts"], controls


def test_a_host_never_converged_drifts_and_does_not_fail(fresh: Checked, place: Repository) -> None:
    verdicts, controls = first_look(place)
    assert verdicts == {"web1": "drifted"}
    assert set(controls) > set(BY_HAND) - {"OPS-FILE-01", "OPS-FILE-02"}


def test_the_host_converges(fresh: Checked) -> None:
    assert fresh.code == 0, fresh.finished.err
    assert fresh.verdicts == {"web1": "compliant"}
    assert not fresh.data["problem"]
    assert fresh.not_evaluated("web1") == []


def test_a_second_apply_changes_nothing(again: Run) -> None:
    assert again.drift == ()
    assert again.problem == ""
    assert again.counts[Verdict.COMPLIANT] == 1


@pytest.mark.parametrize("control", BY_HAND)
def test_what_was_changed_by_hand_is_found(by_hand: Checked, control: str) -> None:
    found = [drift for drift in by_hand.host("web1")["drift"] if drift["control"] == control]
    assert found
    assert all(drift["last_good_at"] for drift in found)


def test_nothing_else_is_found(by_hand: Checked) -> None:
    assert {drift["control"] for drift in by_hand.host("web1")["drift"]} == set(BY_HAND)
    assert by_hand.code == 1


def test_it_is_mended(mended: Applied, host: Host) -> None:
    (batch,) = mended.batches
    assert {drift.control.id for drift in batch.change.drift} == set(BY_HAND)
    assert not batch.surprises
    assert mended.exit_code is ExitCode.OK
    assert host.read("/etc/motd").count("welcome") == 0
    assert host.run(("stat", "-c", "%U:%G", "/etc/shadow")).stdout.strip() == "root:shadow"


def test_another_file_that_overrides_the_standard_is_a_failure_with_a_reason(
    overridden: Checked,
) -> None:
    assert overridden.code == 3
    assert overridden.verdicts == {"web1": "failed"}
    assert "maxauthtries 4" in overridden.host("web1")["reason"]


def test_every_control_of_the_readme_is_a_tag_and_the_other_way_round() -> None:
    playbooks = content_root() / "playbooks"
    tasks = "".join(path.read_text() for path in (playbooks / "roles").rglob("tasks/*.yml"))
    tagged = set(re.findall(r"control:(OPS-[A-Z]+-\d+)", tasks))
    listed = set(
        re.findall(r"^\| (OPS-[A-Z]+-\d+) \|", (playbooks / "README.md").read_text(), re.MULTILINE)
    )
    assert tagged == listed
