"""What is well formed in `services.yaml` and still odd is named where it stands."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent
from zoneinfo import ZoneInfo

import pytest

from opskit.core.findings import Finding
from opskit.monitor import lint
from opskit.monitor.catalogue import Catalogue, Target
from opskit.monitor.settings import ProbeSettings
from opskit.outside.documents import parse
from opskit.outside.files import content_root
from opskit.outside.models import validate
from tests.cli.inside import Inside

UTC = ZoneInfo("UTC")
HOSTS = frozenset({"web1", "web2", "db1"})


def found(path: Path, text: str, hosts: frozenset[str] | None = HOSTS) -> list[Finding]:
    """Return what is odd in a catalogue."""
    path.write_text(text)
    document = parse(path, name="services.yaml")
    catalogue = validate(document, Catalogue)
    assert catalogue is not None, document.findings
    return list(lint.findings(catalogue, document.place, UTC, hosts))


def service(name: str = "shop", more: str = "", probe: str = "", port: int = 1) -> str:
    """Return a service that nothing is odd about, but for what is added to it."""
    settings = probe or f"kind: tcp, address: 'shop:{port}'"
    lines = [f"{name}:", "  owner: web", *indent(dedent(more), "  ").splitlines()]
    return indent("\n".join([*lines, "  probes:", f"    - {{{settings}}}"]), "  ") + "\n"


def catalogue(*services: str, more: str = "") -> str:
    return "services:\n" + "".join(services or [service()]) + dedent(more)


ODD = {
    "looks too far apart": (
        catalogue(service(more='objective: {availability: "99.99%"}')),
        ("monitor-too-coarse", 4, "looks 1 min apart cannot show 99.99 %"),
    ),
    "customers without a runbook": (
        catalogue(service(more='kind: customer-facing\nobjective: {availability: "99%"}')),
        ("monitor-no-runbook", 2, "has no runbook"),
    ),
    "customers without an objective": (
        catalogue(service(more="kind: customer-facing\nrunbook: https://wiki/shop")),
        ("monitor-no-objective", 2, "has no objective"),
    ),
    "hours that are all maintenance": (
        catalogue(
            service(more='hours: [{days: [sun], from: "02:00", to: "03:00"}]'),
            more="maintenance: [{schedule: 0 1 * * sun, length: 3h}]",
        ),
        ("monitor-hours-never", 4, "lie in planned maintenance"),
    ),
    "a weight that never counts": (
        catalogue(
            service(
                more="""\
                hours: [{from: "08:00", to: "18:00"}]
                objective:
                  availability: "99%"
                  weighted: [{from: "19:00", to: "20:00", weight: 2}]
                """
            )
        ),
        ("monitor-weight-never", 7, "never in service"),
    ),
    "a need that another brings": (
        catalogue(
            service("db", port=2),
            service("api", "depends_on: [db]", port=3),
            service("shop", "depends_on:\n  - api\n  - db"),
        ),
        ("monitor-need-again", 15, "depends_on db says nothing new: api needs it already"),
    ),
    "a need that is named twice": (
        catalogue(service("db", port=2), service("shop", "depends_on:\n  - db\n  - db")),
        ("monitor-need-again", 10, "it is named twice"),
    ),
    "a timeout that fills the interval": (
        catalogue(service(probe="kind: tcp, address: 'shop:1', timeout: 6s, interval: 10s")),
        ("monitor-timeout-long", 5, "timeout 6 s is more than half of its interval 10 s"),
    ),
    "a password in the clear": (
        catalogue(service(probe="kind: http, url: 'http://shop/?password=secret'")),
        ("monitor-secret-in-clear", 5, "in the clear"),
    ),
    "maintenance without an end": (
        catalogue(more="maintenance:\n  - {schedule: 0 2 * * *, length: 1d}"),
        ("monitor-maintenance-endless", 7, "it never ends"),
    ),
    "two probes that are one": (
        catalogue(service("shop"), service("mail")),
        ("monitor-same-probe", 9, "the very same probe as shop/tcp"),
    ),
    "an unknown host": (
        catalogue(more="confirm_from: {hosts: [web1, web3]}"),
        ("monitor-unknown-host", 6, "there is no host 'web3'"),
    ),
    "an unknown host of a service": (
        catalogue(service(more="confirm_from: {hosts: [bd1]}")),
        ("monitor-unknown-host", 4, "there is no host 'bd1'"),
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_is_named_where_it_stands_and_nothing_else(tmp_path: Path, name: str) -> None:
    text, (rule, line, says) = ODD[name]
    (one,) = found(tmp_path / "services.yaml", text)
    assert one.location is not None
    assert (one.rule, one.location.line) == (rule, line)
    assert says in one.message
    assert one.fix


FINE = {
    "nothing said": catalogue(),
    "a secret that stays here": catalogue(
        service(probe="kind: http, url: 'http://127.0.0.1/?password=secret'")
    ),
    "a secret that is hidden": catalogue(
        service(probe="kind: http, url: 'https://shop/?password=secret'")
    ),
    "needs of which one is enough": catalogue(
        service("db", port=2),
        service("api", "depends_on: [{any_of: [db, shop]}]", port=3),
        service("mail", "depends_on: [api, db]", port=4),
        service("shop"),
    ),
    "hours that maintenance shortens": catalogue(
        service(more='hours: [{days: [sun], from: "02:00", to: "06:00"}]'),
        more="maintenance: [{schedule: 0 1 * * sun, length: 3h}]",
    ),
    "hosts there are": catalogue(more="confirm_from: {hosts: [web1, db1], needed: 3}"),
}


@pytest.mark.parametrize("name", FINE)
def test_what_is_as_it_should_be_is_left_alone(tmp_path: Path, name: str) -> None:
    assert found(tmp_path / "services.yaml", FINE[name]) == []


def test_an_inventory_that_cannot_be_read_says_nothing_of_its_hosts(tmp_path: Path) -> None:
    text, _ = ODD["an unknown host"]
    assert found(tmp_path / "services.yaml", text, None) == []


def test_what_is_shipped_is_not_odd(tmp_path: Path) -> None:
    text = (content_root() / "services.yaml").read_text()
    assert found(tmp_path / "services.yaml", text) == []


def test_two_jobs_that_call_in_under_one_name_are_named(tmp_path: Path) -> None:
    class Beat(ProbeSettings):
        beat: str = "backup"

    class Two(Catalogue):
        def targets(self, services: tuple[str, ...] = ()) -> tuple[Target, ...]:
            return tuple(
                Target(f"{name}/beat", name, self.services[name].probes[0]) for name in services
            )

    text = catalogue(service("shop"), service("mail", port=2))
    (tmp_path / "services.yaml").write_text(text)
    document = parse(tmp_path / "services.yaml")
    plain = validate(document, Two)
    assert plain is not None
    beats = (Beat(kind="heartbeat"), Beat(kind="heartbeat", interval="30s"))
    services = {
        name: one.model_copy(update={"probes": (beat,)})
        for (name, one), beat in zip(plain.services.items(), beats, strict=True)
    }
    both = plain.model_copy(update={"services": services})
    (one,) = lint.findings(both, document.place, UTC, None)
    assert one.message == "waits for the same call as shop/beat: backup"


def test_check_asks_the_inventory_which_hosts_there_are(ops: Path, inside: Inside) -> None:
    (ops / "access").mkdir()
    (ops / "access" / "people.yaml").write_text("teams:\n  web:\n    purpose: Builds it.\n")
    text = catalogue(more="confirm_from: {hosts: [web1, web9], needed: 2}")
    (ops / "services.yaml").write_text(text)
    done = inside("check")
    assert done.code == 1
    assert "there is no host 'web9' in the inventory" in " ".join(done.out.split())
    assert "web1'" not in done.out.replace("did you mean 'web1'", "")
