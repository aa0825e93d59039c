"""Access while opskit serves: what is due is done, whatever else goes wrong, by who leads alone."""

from __future__ import annotations

import io
import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opskit.access.deciding import Word, decide
from opskit.access.requesting import request
from opskit.app import App
from opskit.core.clock import DAY, FrozenClock, Instant, SystemClock
from opskit.core.errors import ExitCode, OutsideError
from opskit.outside.eventlog import EventLog
from opskit.serve.settler import Settler
from tests.access.world import ask
from tests.monitor.live import rows, soon
from tests.monitor.servers import Server, page
from tests.serve.live import Serving, lay_out, probe_of, service

FILES = {
    "people": {
        "people": {
            "alice": {"name": "Alice", "team": "web"},
            "bob": {"name": "Bob", "team": "platform"},
        },
        "teams": {"web": {"purpose": "Web."}, "platform": {"purpose": "Platform."}},
    },
    "roles": {
        "roles": {
            "nginx-operator": {
                "purpose": "Restart nginx.",
                "owners": ["platform"],
                "targets": ["web"],
                "linux": {"login": "none", "groups": ["adm"]},
            }
        }
    },
    "targets": {"targets": {"web": {"kind": "linux", "hosts": "web"}}},
    "policy": {
        "approvals": {"default": {"all_of": [{"among": ["owners"]}], "signed": False}},
        "rules": [{"name": "web-team", "who": ["web"]}],
    },
}


@pytest.fixture
def target() -> Iterator[Server]:
    with Server(page()) as server:
        yield server


@pytest.fixture
def root(tmp_path: Path, target: Server) -> Path:
    """Lay out an ops repository with the office's access."""
    found = lay_out(tmp_path / "ops", {"shop": service(probe_of(target.address))})
    (found / "access").mkdir()
    for name, content in FILES.items():
        (found / "access" / f"{name}.yaml").write_text(json.dumps(content))
    return found


def asked(root: Path, at: int, *, answer: str = "") -> None:
    """Write a request of alice's, made at some time, and what bob said to it."""
    app = replace(App.find(root, {"PATH": "/usr/bin:/bin"}), clock=FrozenClock(Instant(at)))
    for user in ("alice", *(["bob"] if answer else [])):
        work = replace(app.granting, user=user).workplace
        if user == "alice":
            request(work, ask())
        else:
            decide(work, 1, Word("bob", "approve"))
    app.database.close()


def state_of(root: Path, table: str) -> list[tuple[object, ...]]:
    return rows(root, f"SELECT state FROM access_{table}")


# The thread


class _Broken:
    """Stands for an app whose access fails as told."""

    def __init__(self, *troubles: Exception) -> None:
        self._troubles = list(troubles)

    @property
    def config(self) -> object:
        raise self._troubles.pop(0) if len(self._troubles) > 1 else self._troubles[0]


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (OutsideError("no route to the database"), "no route to the database"),
        (ZeroDivisionError("oops"), "a bug in opskit: ZeroDivisionError: oops"),
    ],
)
def test_an_error_is_told_once_and_the_next_round_comes(trouble: Exception, told: str) -> None:
    out = io.StringIO()
    settler = Settler(_Broken(trouble), EventLog(stream=out), every=0.01)  # type: ignore[arg-type]  # stands for one
    soon(lambda: settler.rounds > 3, "several rounds")
    settler.close()
    assert out.getvalue().count("access.failed") == 1
    assert told in out.getvalue()


# The process


def test_serving_does_what_is_due_and_says_so(root: Path) -> None:
    now = SystemClock().now()
    asked(root, now - 3 * DAY, answer="approve")
    assert state_of(root, "grants") == [("scheduled",)]
    with Serving(root) as serving:
        serving.says("access.moved grant=g1 state=revoked")  # it was not started in time
        serving.says("seen=up")
        assert serving.end(signal.SIGTERM) == ExitCode.OK
    kinds = rows(root, "SELECT kind FROM ledger WHERE subject = 'g1' ORDER BY seq")
    assert [kind for (kind,) in kinds] == ["grant.created", "grant.expired"]


def test_files_with_a_mistake_stop_neither_ending_nor_watching(root: Path) -> None:
    now = SystemClock().now()
    asked(root, now - 3 * DAY)
    (root / "access" / "roles.yaml").write_text("roles: [")
    with Serving(root) as serving:
        soon(lambda: state_of(root, "requests") == [("lapsed",)], "the request lapsed")
        serving.says("seen=up")


def test_files_that_never_held_are_told_and_the_watching_goes_on(root: Path) -> None:
    (root / "access" / "roles.yaml").write_text("roles: [")
    with Serving(root) as serving:
        serving.says("access.failed")
        serving.says("seen=up")


def test_only_who_leads_does_it(root: Path) -> None:
    now = SystemClock().now()
    with Serving(root) as first:
        first.says("seen=up")
        with Serving(root) as second:
            second.says("standby")
            first.send(signal.SIGSTOP)
            asked(root, now - 3 * DAY)
            assert state_of(root, "requests") == [("pending",)]
            first.send(signal.SIGKILL)
            second.says("leading")
            soon(lambda: state_of(root, "requests") == [("lapsed",)], "the new leader did it")
