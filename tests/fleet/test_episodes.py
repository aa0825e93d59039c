"""A deviation from the check that found it to the check that saw it gone, and no other check."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from opskit.core.clock import HOUR, FrozenClock, Instant
from opskit.core.errors import Conflict, ExitCode, Refused
from opskit.core.hosts import Verdict
from opskit.core.transcript import Outcome, Transcript
from opskit.fleet import store
from opskit.fleet.apply import Options, apply
from opskit.fleet.check import check
from opskit.fleet.execute import Interrupted
from opskit.fleet.model import Delta, Provenance, Run, RunState
from opskit.fleet.plan import Plan
from opskit.fleet.workplace import Request, Workplace
from opskit.outside.ansible import door
from opskit.outside.database import Database, sqlite_url
from opskit.records.leases import Leases
from opskit.records.ledger import Ledger, entries
from opskit.records.messages import Message
from opskit.records.outbox import Outbox
from tests.fleet.transcripts import Results, transcript

MADE_OF = Provenance("site.yml", "", "", "", (), "", "")
OK, CHANGED, FAILED = Outcome.OK, Outcome.CHANGED, Outcome.FAILED
SKIPPED, UNSUPPORTED = Outcome.SKIPPED, Outcome.UNSUPPORTED
A, B, X, Y = ("A", ""), ("B", ""), ("Loop", "x"), ("Loop", "y")


class Sent:
    """A channel that keeps what it is given."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, object]] = []

    def send(self, message: Message) -> None:
        """Keep the message's body."""
        self.bodies.append(json.loads(message.body))


class Story:
    """A fleet whose runs happen as told, one hour after the other."""

    def __init__(
        self, place: Workplace, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.place = place
        self._clock = clock
        self._told: list[Transcript] = []
        monkeypatch.setattr(door, "run", lambda *_: self._told.pop(0))
        playbook = place.root / "site.yml"
        playbook.touch()
        self.request = Request(playbook, (playbook,))

    def check(
        self, told: Transcript | None = None, *, tags: tuple[str, ...] = (), **hosts: Results
    ) -> Run:
        """Return what a check makes of these outcomes."""
        self._clock.advance(HOUR)
        self._told.append(told or transcript(hosts))
        return check(self.place, replace(self.request, tags=tags), lambda _: None)

    def apply(self, changed: Transcript, observed: Transcript) -> tuple[Run, Run, ExitCode]:
        """Return the change, the second look, and what both end with."""
        self._clock.advance(HOUR)
        self._told += [changed, changed, observed]
        plan = Plan("plan-1", self._clock.now(), "person:a", MADE_OF, (), ())
        hosts, careless = changed.hosts or ("web1",), Options(strict=False)
        done = apply(self.place, self.request, plan, careless, lambda _: None, hosts=hosts)
        (batch,) = done.batches
        return batch.change, done.observed, done.exit_code

    def open(self) -> set[tuple[str, str, str]]:
        """Return (host, task, item) of every deviation that is open."""
        with self.place.database.read() as connection:
            hosts = ("web1", "web2")
            return {(e.host, e.task, e.item) for e in store.episodes.still_open(connection, hosts)}

    def said(self, *kinds: str) -> list[str]:
        """Return the ledger's entries of these kinds, in short."""
        with self.place.database.read() as connection:
            return [
                f"{entry.kind} {entry.subject} {json.loads(entry.data).get('task', '')}".strip()
                for entry in entries(connection)
                if entry.kind in kinds
            ]


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated database that nothing was written to."""
    path = tmp_path_factory.mktemp("empty") / "opskit.db"
    Database.open(sqlite_url(path)).close()
    return path


def told_in(directory: Path, empty: Path, clock: FrozenClock, patch: pytest.MonkeyPatch) -> Story:
    shutil.copy(empty, directory / "opskit.db")
    database = Database.open(sqlite_url(directory / "opskit.db"))
    place = Workplace(
        database=database,
        ledger=Ledger(clock, "person:tester"),
        leases=Leases(clock),
        clock=clock,
        environment={},
        root=directory,
        state_directory=directory,
        outbox=Outbox(database, clock),
        channels=("webhook",),
    )
    return Story(place, clock, patch)


@pytest.fixture
def story(
    tmp_path: Path, empty: Path, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Story]:
    told = told_in(tmp_path, empty, clock, monkeypatch)
    with closing(told.place.database):
        yield told


def test_a_deviation_is_found_once(story: Story) -> None:
    first = story.check(web1={A: CHANGED})
    second = story.check(web1={A: CHANGED})
    (key,) = first.standing
    assert story.said("drift.found") == ["drift.found web1 A"]
    assert first.standing[key].detected_at == second.standing[key].detected_at
    assert (first.standing[key].delta, second.standing[key].delta) == (Delta.NEW, Delta.OPEN)
    assert story.open() == {("web1", "A", "")}


def test_it_is_gone_when_a_check_sees_it_gone(story: Story) -> None:
    story.check(web1={A: CHANGED})
    story.check(web1={A: OK})
    assert story.said("drift.found", "drift.fixed") == ["drift.found web1 A", "drift.fixed web1 A"]
    assert not story.open()


def test_it_comes_back_as_another(story: Story) -> None:
    for outcome in (CHANGED, OK, CHANGED):
        story.check(web1={A: outcome})
    assert story.said("drift.found") == ["drift.found web1 A"] * 2
    assert story.open() == {("web1", "A", "")}


def test_an_apply_fixes_nothing_until_it_was_looked_at_again(story: Story) -> None:
    story.check(web1={A: CHANGED})
    change, observed, code = story.apply(
        transcript({"web1": {A: CHANGED}}), transcript({"web1": {A: OK}})
    )
    assert change.counts[Verdict.NOT_EVALUATED] == 1
    assert observed.counts[Verdict.COMPLIANT] == 1
    assert code is ExitCode.OK
    assert story.said("run.finished", "drift.fixed")[-2:] == [
        f"run.finished {observed.id}",
        "drift.fixed web1 A",
    ]


def test_what_an_apply_does_not_cure_stays_open(story: Story) -> None:
    story.check(web1={A: CHANGED})
    again = transcript({"web1": {A: CHANGED}})
    assert story.apply(again, again)[2] is ExitCode.FINDINGS
    assert story.open() == {("web1", "A", "")}
    assert story.said("drift.found") == ["drift.found web1 A"]


@pytest.mark.parametrize(
    "later",
    [
        pytest.param({"web2": {A: OK}}, id="another-host"),
        pytest.param({"web1": {B: OK}, "web2": {A: OK}}, id="another-task"),
        pytest.param({"web1": {A: SKIPPED, B: OK}}, id="skipped"),
        pytest.param({"web1": {A: UNSUPPORTED, B: OK}}, id="not-possible-in-a-check"),
        pytest.param({"web1": {A: Outcome.IGNORED, B: OK}}, id="failed-and-ignored"),
        pytest.param({"web1": {A: FAILED}}, id="failed"),
        pytest.param({"web1": {B: FAILED}}, id="failed-before"),
        pytest.param({"web1": {A: Outcome.UNREACHABLE}}, id="unreachable"),
    ],
)
def test_a_check_that_did_not_look_closes_nothing(story: Story, later: dict[str, Results]) -> None:
    story.check(web1={A: CHANGED, B: OK})
    story.check(transcript(later))
    assert story.open() == {("web1", "A", "")}
    assert not story.said("drift.fixed")


@pytest.mark.parametrize("blind", [FAILED, SKIPPED, UNSUPPORTED])
def test_an_item_that_was_not_looked_at_stays_open(story: Story, blind: Outcome) -> None:
    story.check(web1={X: CHANGED, Y: CHANGED})
    story.check(web1={X: blind, Y: OK, B: OK})
    assert story.open() == {("web1", "Loop", "x")}


def test_an_item_that_the_standard_no_longer_names_is_gone(story: Story) -> None:
    story.check(web1={X: CHANGED, Y: OK})
    story.check(web1={Y: OK})
    assert not story.open()


def test_an_interrupted_check_keeps_what_it_saw(story: Story) -> None:
    story.check(web1={A: CHANGED, B: OK})
    with pytest.raises(Interrupted) as stopped:
        story.check(transcript({"web1": {A: OK, B: CHANGED}}, interrupted=True))
    assert stopped.value.exit_code is ExitCode.INTERRUPTED
    assert story.open() == {("web1", "B", "")}


def test_the_time_of_a_deviation_is_bounded_by_the_last_good_check(story: Story) -> None:
    good = story.check(web1={A: OK})
    bad = story.check(web1={A: CHANGED})
    seen = bad.standing[bad.drift[0].key]
    assert (seen.last_good_at, seen.detected_at) == (good.finished_at, bad.finished_at)
    later = story.check(web1={A: CHANGED})
    assert later.standing[bad.drift[0].key].detected_at == bad.finished_at


def test_a_host_never_seen_compliant_has_no_such_bound(story: Story) -> None:
    story.check(web2={A: OK})
    bad = story.check(web1={A: CHANGED})
    assert bad.standing[bad.drift[0].key].last_good_at is None


def test_a_check_limited_to_tags_bounds_nothing(story: Story) -> None:
    """It never looked at the rest."""
    story.check(tags=("some",), web1={B: OK})
    bad = story.check(web1={A: CHANGED, B: OK})
    assert bad.standing[bad.drift[0].key].last_good_at is None


def test_a_check_of_another_standard_bounds_nothing(story: Story) -> None:
    other = story.place.root / "other.yml"
    other.touch()
    mine, story.request = story.request, replace(story.request, playbook=other)
    story.check(web1={B: OK})
    story.request = mine
    bad = story.check(web1={A: CHANGED})
    assert bad.standing[bad.drift[0].key].last_good_at is None


def test_one_message_is_owed_for_what_a_check_saw_first(story: Story) -> None:
    story.check(web1={A: CHANGED, B: CHANGED}, web2={A: CHANGED})
    story.check(web1={A: CHANGED, B: CHANGED}, web2={A: CHANGED})
    sent = Sent()
    assert story.place.outbox.deliver({"webhook": sent}).sent == 1
    (body,) = sent.bodies
    assert body["type"] == "drift.found"
    assert (body["hosts"], body["tasks"], body["count"]) == (["web1", "web2"], ["A", "B"], 3)


def test_no_host_is_a_refusal_and_is_written_down(story: Story) -> None:
    with pytest.raises(Refused, match="no host to look at"):
        story.check(replace(transcript({}), no_hosts=True))
    assert [line.split()[0] for line in story.said("run.started", "run.failed")] == [
        "run.started",
        "run.failed",
    ]


def test_a_lease_that_somebody_holds_is_a_conflict(story: Story) -> None:
    with story.place.database.write() as connection:
        story.place.leases.take(connection, "host web1", "person:other (process 1)", 2 * HOUR)
    nothing = transcript({"web1": {A: OK}})
    with pytest.raises(Conflict, match="person:other"):
        story.apply(nothing, nothing)
    assert not story.said("run.started")


def test_the_lease_is_given_back_when_an_apply_fails(story: Story) -> None:
    with pytest.raises(Refused):
        story.apply(replace(transcript({}), no_hosts=True), transcript({}))
    story._told.clear()
    fine = transcript({"web1": {A: OK}})
    assert story.apply(fine, fine)[2] is ExitCode.OK


@pytest.mark.parametrize(
    ("complete", "agree", "state"),
    [(False, True, RunState.BROKEN), (True, False, RunState.FINISHED)],
    ids=["without-an-end", "two-truths"],
)
def test_a_run_that_cannot_be_trusted_says_so(
    story: Story, complete: bool, agree: bool, state: RunState
) -> None:
    run = story.check(transcript({"web1": {A: OK}}, complete=complete, agree=agree))
    assert run.problem
    assert run.state is state
    assert run.exit_code is ExitCode.UNDETERMINED


OUTCOMES = st.sampled_from([OK, CHANGED, FAILED, SKIPPED, UNSUPPORTED])
HOST = st.dictionaries(st.sampled_from([A, B, X, Y]), OUTCOMES, min_size=1)
HISTORY = st.lists(st.dictionaries(st.sampled_from(["web1", "web2"]), HOST, min_size=1), max_size=6)


def after(was: set[tuple[str, str, str]], hosts: dict[str, Results]) -> set[tuple[str, str, str]]:
    """Return what is open after a check: the rule in other words."""
    now = set(was)
    for host, results in hosts.items():
        looked = {name for (name, _), outcome in results.items() if outcome in (OK, CHANGED)}
        for name, item in {(name, item) for at, name, item in was if at == host}:
            gone = results.get((name, item), OK) is OK and name in looked
            now -= {(host, name, item)} if gone else set()
        now |= {(host, *key) for key, outcome in results.items() if outcome is CHANGED}
    return now


@given(HISTORY)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_history_leaves_open_what_nobody_saw_gone(
    tmp_path_factory: pytest.TempPathFactory, empty: Path, history: list[dict[str, Results]]
) -> None:
    clock = FrozenClock(Instant(1_800_000_000_000_000))
    with pytest.MonkeyPatch.context() as patch:
        story = told_in(tmp_path_factory.mktemp("told"), empty, clock, patch)
        with closing(story.place.database):
            expected: set[tuple[str, str, str]] = set()
            for hosts in history:
                story.check(transcript(hosts))
                expected = after(expected, hosts)
                assert story.open() == expected
            found, fixed = (len(story.said(f"drift.{verb}")) for verb in ("found", "fixed"))
            assert found - fixed == len(expected)
