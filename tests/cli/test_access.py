"""Access from the command line: asking, deciding, seeing, ending; what is said and the code."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from opskit.cli.access import access as group
from opskit.core.clock import HOUR, FrozenClock, SystemClock
from opskit.core.errors import ExitCode
from opskit.granting import Granting
from tests.access.world import OFFICE, PLACES, Obedient
from tests.cli.inside import Inside, inside
from tests.conftest import Finished

Run = Callable[..., Finished]


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Obedient:
    """Put a target in memory in the place of every kind."""
    found = Obedient(SystemClock())
    monkeypatch.setattr(Granting, "_kind", lambda _self, _registry, _name: found)
    monkeypatch.setattr(Granting, "_places", lambda _self, _registry, name: PLACES[name])
    return found


@pytest.fixture
def access(
    ops: Path, kind: Obedient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run `opskit access` as somebody of the office."""
    shutil.copytree(OFFICE, ops / "access")
    call: Inside = inside(ops, monkeypatch, capsys)

    def run(who: str, *arguments: str) -> Finished:
        monkeypatch.setattr("opskit.outside.process.account", lambda: who)
        return call("access", *arguments)

    return run


REQUEST = ("request", "nginx-operator", "--on", "web", "--for", "2h", "--reason", "OPS-412")


def test_from_asking_to_handing_back(access: Run, kind: Obedient) -> None:
    asked = access("alice", *REQUEST)
    assert asked.code == 0
    assert "bob, charlie, dora" in asked.out
    assert "next: one of the approvers: opskit access approve r1" in asked.err
    approved = access("bob", "approve", "r1", "--yes")
    assert approved.code == 0, approved.err
    assert "g1 (nginx-operator for alice) is in force until" in approved.err
    assert kind.opens("web1", "alice")
    listed = access("alice", "list")
    assert "expiry-time" in listed.out
    assert access("alice", "return", "g1").code == 0
    assert not kind.opens("web1", "alice")
    assert "no grants" in access("alice", "list").err


def test_a_refusal_names_the_rule_and_the_way_and_ends_with_5(access: Run) -> None:
    found = access(
        "alice", "request", "nginx-operator", "--on", "web", "--for", "9h", "--reason", "x"
    )
    assert found.code == 5
    assert "rule web-team" in found.err
    assert "ask for 8 h or less" in found.err


def test_a_dry_run_asks_for_nothing(access: Run) -> None:
    found = access("alice", *REQUEST, "--dry-run", "--json")
    assert found.code == 0
    data = json.loads(found.out)
    assert data["format_version"] == 1
    assert data["check"]["verdict"] == "needs approval"
    assert data["check"]["approval"][0]["eligible"] == ["bob", "charlie", "dora"]
    assert "no requests" in access("alice", "list", "--requests", "--all").err


def test_without_a_terminal_nobody_is_asked(access: Run) -> None:
    access("alice", *REQUEST)
    found = access("bob", "approve", "r1")
    assert found.code == 5
    assert "--yes" in found.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("approve", "g1", "--yes"), "is no request"),
        (("show", "x1"), "neither a request nor a grant"),
        (("show", "r9"), "there is no request r9"),
        (("show", "g9"), "there is no grant g9"),
        (("revoke", "r1", "--reason", "x", "--yes"), "is no grant"),
        (("review", "show", "g1"), "is no review"),
        (("review", "decide", "v1", "g1"), "say --keep or --revoke"),
        (("request", "--for", "1h", "--reason", "x"), "name a role"),
        ((*REQUEST[:-3], "soon", *REQUEST[-2:]), "--for"),
        ((*REQUEST, "--start", "later"), "--start"),
    ],
)
def test_a_mistake_is_told_with_the_next_step(
    access: Run, arguments: tuple[str, ...], words: str
) -> None:
    found = access("alice", *arguments)
    assert found.code == 2, found.err
    assert words in found.err
    assert "next:" in found.err


def test_a_stranger_is_told_to_be_entered(access: Run) -> None:
    found = access("mallory", *REQUEST)
    assert found.code == 5
    assert "enter yourself there, with account: mallory" in found.err


def test_what_is_shown_of_a_request_and_a_grant_is_stable_json(access: Run) -> None:
    access("alice", *REQUEST)
    access("bob", "approve", "r1", "--yes", "--reason", "looked at it")
    request = json.loads(access("alice", "show", "r1", "--json").out)
    assert (request["state"], request["grant"]) == ("approved", "g1")
    assert request["decisions"][0]["approver"] == "bob"
    grant = json.loads(access("alice", "show", "g1", "--json").out)
    assert [one["place"] for one in grant["places"]] == ["web1", "web2"]
    assert {one["enforced_by"] for one in grant["places"]} == {"expiry-time"}
    assert "looked at it" in access("alice", "show", "r1").out


def test_a_host_that_is_away_leaves_a_revocation_owed(access: Run, kind: Obedient) -> None:
    access("alice", *REQUEST)
    access("bob", "approve", "r1", "--yes")
    kind.unreachable.add("web2")
    found = access("charlie", "revoke", "g1", "--reason", "left", "--yes")
    assert found.code == 3
    assert "could not be taken from all its targets yet" in found.err
    assert "no route to host" in access("charlie", "show", "g1").out


@pytest.mark.parametrize("gone", [False, True])
def test_broken_files_keep_nobodys_access_alive(
    access: Run, kind: Obedient, ops: Path, gone: bool
) -> None:
    access("alice", *REQUEST)
    access("bob", "approve", "r1", "--yes")
    (ops / "access" / "policy.yaml").write_text("rules: [{name: x}]\n")
    if gone:
        (ops / "access" / "policy.yaml").unlink()
    assert access("alice", *REQUEST).code == 2
    assert access("charlie", "revoke", "g1", "--reason", "left", "--yes").code == 0
    assert not kind.opens("web1", "alice")


def test_an_emergency_is_told_and_shown_until_it_is_reviewed(access: Run) -> None:
    found = access(
        "alice", "break-glass", "open", "web-admin", "--for", "30m", "--reason", "shop is down"
    )
    assert found.code == 0, found.err
    assert "has to be reviewed" in found.err
    assert "to review" in access("bob", "list").out
    assert access("bob", "break-glass", "review", "g1", "--says", "fine").code == 0
    assert "no grants" in access("bob", "list", "--reviews").err


def test_a_review_from_opening_to_closing(access: Run) -> None:
    access("alice", *REQUEST)
    access("bob", "approve", "r1", "--yes")
    opened = access("charlie", "review", "open")
    assert opened.code == 0
    assert "nobody can tell whether it is used" in opened.out
    assert access("charlie", "review", "show", "v1").code == 1
    assert access("bob", "review", "decide", "v1", "g1", "--keep").code == 0
    assert access("charlie", "review", "close", "v1").code == 0
    assert "v1" in access("charlie", "review", "list").out


def test_settling_says_what_is_due(
    access: Run, kind: Obedient, monkeypatch: pytest.MonkeyPatch
) -> None:
    access("alice", *REQUEST)
    access("bob", "approve", "r1", "--yes")
    assert "nothing is due" in access("bob", "settle").err
    later = FrozenClock(SystemClock().now())
    later.advance(3 * HOUR)
    monkeypatch.setattr(SystemClock, "now", lambda _self: later.at)
    assert "is gone from all its targets" in access("bob", "settle").err


def test_settling_tells_of_what_waits_for_its_next_try(access: Run, kind: Obedient) -> None:
    kind.unreachable.add("web2")
    access("alice", *REQUEST)
    access("bob", "approve", "r1", "--yes")
    kind.unreachable.clear()
    early = access("bob", "settle")
    assert early.code == ExitCode.UNDETERMINED
    assert "nothing is due" in early.err
    assert "g1 (nginx-operator for alice) is in force on some targets only" in early.err


def test_an_export_is_written_for_its_owner_only(access: Run, ops: Path) -> None:
    access("alice", *REQUEST)
    assert access("charlie", "export", "audit").code == 0
    assert (ops / "audit" / "verify.sh").stat().st_mode & 0o777 == 0o600
    assert access("charlie", "export", "audit").code == 2


def test_machines_get_instants_in_utc_and_lengths_in_seconds(access: Run) -> None:
    asked = json.loads(access("alice", *REQUEST, "--json").out)
    assert asked["ask"]["duration_seconds"] == 7200
    assert INSTANT.fullmatch(asked["lapses_at"])
    access("bob", "approve", "r1", "--yes")
    shown = json.loads(access("alice", "show", "g1", "--json").out)
    assert INSTANT.fullmatch(shown["ends_at"])
    assert {INSTANT.fullmatch(one["fence_until"]) is not None for one in shown["places"]} == {True}
    offers = json.loads(access("alice", "explain", "--json").out)["offers"]
    assert all(one["at_most_seconds"] >= 3600 for one in offers)
    access("charlie", "review", "open")
    (review,) = json.loads(access("charlie", "review", "list", "--json").out)["reviews"]
    assert INSTANT.fullmatch(review["due_at"])


INSTANT = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.mark.parametrize(
    ("zone", "name"), [("UTC", "UTC"), ("Asia/Tokyo", "JST"), ("America/Bogota", "-05")]
)
def test_people_are_told_which_zone_a_time_is_in(
    access: Run, ops: Path, zone: str, name: str
) -> None:
    settings = (ops / "opskit.yaml").read_text()
    (ops / "opskit.yaml").write_text(f"timezone: {zone}\n{settings}")
    asked = access("alice", *REQUEST)
    assert re.search(rf"r1 waits until \S+ \d\d:\d\d {name}$", asked.err, re.MULTILINE)
    assert re.search(rf" \d\d:\d\d {name} ", access("alice", "list", "--requests").out)


def test_a_command_that_is_needed_is_answered_with_the_role_that_gives_it(access: Run) -> None:
    need = ("--need", "/usr/bin/systemctl restart nginx", *REQUEST[2:], "--dry-run")
    done = access("alice", "request", *need)
    assert done.out.startswith("nginx-operator gives alice on web")
    assert "needs 1 of owners: " in done.out
    assert "nothing was asked for" in done.err


def test_what_keeps_two_hosts_is_said_once(access: Run, kind: Obedient) -> None:
    kind.unreachable |= {"web1", "web2"}
    access("alice", *REQUEST)
    approved = access("bob", "approve", "r1", "--yes")
    assert "putting g1 on web ..." in approved.err
    shown = access("bob", "show", "g1").out
    assert shown.count("no route to host") == 1
    assert "web1, web2: no route to host" in shown


def test_the_listing_has_each_verb_in_one_part(access: Run) -> None:
    lines = access("alice", "--help").out.partition("Options:")[2].splitlines()
    listed = [line.split()[0] for line in lines if re.match(r"  [a-z][a-z-]+ ", line)]
    assert listed == list(group.lazy)
    assert len([line for line in lines if re.fullmatch(r"\w.*:", line)]) == len(group.parts)
