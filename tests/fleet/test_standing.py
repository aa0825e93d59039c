"""How a deviation stands: who moved, since when, whether it is accepted, and what that is worth."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from opskit.core.clock import DAY, HOUR, Instant
from opskit.core.errors import ConfigError, ExitCode, Refused
from opskit.core.findings import Severity
from opskit.core.hosts import Verdict
from opskit.core.interval import Interval
from opskit.core.transcript import Diff, Mode, Outcome, Transcript
from opskit.core.waivers import Grounds, Waiver
from opskit.fleet.history import drift_between, host_history, last_drift, show
from opskit.fleet.memory import Episode, Good, Settled
from opskit.fleet.model import Control, Delta, Drift, Moved, Provenance, Run, RunState
from opskit.fleet.rules import evaluate
from opskit.fleet.standing import SOON, Level, expiring, score, service_level, who_moved
from opskit.fleet.waive import end, in_force, renew, waive
from tests.fleet.stories import CHANGED, FAILED, OK, A, B, Fleet, every
from tests.fleet.transcripts import transcript

X, Y = ("Loop", "x"), ("Loop", "y")
NOW = Instant(0)


def deviation(before: str, after: str) -> Drift:
    low = Control("", Severity.LOW)
    told = Drift("web1", "A", "site.yml:1", "", low, "", "", before, after)
    return replace(told, comparable=bool(after))


GOOD = Good(NOW, "basis")


@pytest.mark.parametrize(
    ("drift", "settled", "good", "moved"),
    [
        (deviation("x", "y"), Settled("y", 1), None, Moved.HOST),
        (deviation("x", "y"), Settled("x", 1), None, Moved.STANDARD),
        (deviation("x", "y"), Settled("z", 1), None, Moved.BOTH),
        (deviation("x", "y"), Settled("z", 1), GOOD, Moved.BOTH),
        (deviation("x", "y"), Settled("", 1), GOOD, Moved.HOST),
        (deviation("", ""), Settled("y", 1), GOOD, Moved.HOST),
        (deviation("x", "y"), None, GOOD, Moved.HOST),
        (deviation("x", "y"), None, Good(NOW, "another"), Moved.FIRST_SEEN),
        (deviation("x", "y"), None, None, Moved.FIRST_SEEN),
        (deviation("", ""), Settled("y", 1), None, Moved.FIRST_SEEN),
    ],
)
def test_who_moved_is_told_from_the_last_state_seen_as_wanted(
    drift: Drift, settled: Settled | None, good: Good | None, moved: Moved
) -> None:
    assert who_moved(drift, settled, good, "basis") is moved


def states(before: str, after: str) -> Transcript:
    """Return a run in which A of web1 is to go from one state to another."""
    told = transcript({"web1": {A: CHANGED}})
    (one,) = told.results
    diffs = (Diff(f"{before}\n", f"{after}\n", before, after, cut=False),)
    return replace(told, results=(replace(one, diffs=diffs),))


def moved(run: Run) -> Moved:
    (known,) = run.standing.values()
    return known.moved


def edit(fleet: Fleet, text: str) -> None:
    fleet.standard.write_text(text)


def test_a_host_that_left_a_state_it_was_brought_to_has_moved(fleet: Fleet) -> None:
    assert moved(fleet.check(states("old", "new"))) is Moved.FIRST_SEEN
    fleet.check(every(["web1"], OK))
    again = fleet.check(states("by hand", "new"))
    assert (moved(again), again.standing[again.drift[0].key].fixed_before) == (Moved.HOST, 1)


def test_a_standard_that_asks_for_more_than_a_host_was_brought_to_has_moved(fleet: Fleet) -> None:
    fleet.check(states("old", "new"))
    fleet.check(every(["web1"], OK))
    edit(fleet, "newer")
    assert moved(fleet.check(states("new", "newer"))) is Moved.STANDARD


def test_both_may_move(fleet: Fleet) -> None:
    fleet.check(states("old", "new"))
    fleet.check(every(["web1"], OK))
    edit(fleet, "newer")
    assert moved(fleet.check(states("by hand", "newer"))) is Moved.BOTH


@pytest.mark.parametrize("edited", [False, True], ids=["same-standard", "another-standard"])
def test_without_a_state_to_compare_an_unchanged_standard_accuses_the_host(
    fleet: Fleet, edited: bool
) -> None:
    fleet.check(every(["web1"], OK))
    if edited:
        edit(fleet, "another")
    expected = Moved.FIRST_SEEN if edited else Moved.HOST
    assert moved(fleet.check(states("old", "new"))) is expected


def test_a_host_is_accused_rightly_after_the_standard_gave_way_to_it(fleet: Fleet) -> None:
    """The deviation is gone, and the host never was in the state that was wanted of it then."""
    fleet.check(states("by hand", "old standard"))
    edit(fleet, "what was by hand")
    fleet.check(every(["web1"], OK))
    assert moved(fleet.check(states("old standard", "by hand"))) is Moved.HOST


def test_who_moved_is_told_once_and_kept(fleet: Fleet) -> None:
    fleet.check(every(["web1"], OK))
    fleet.check(states("old", "new"))
    edit(fleet, "another")
    assert moved(fleet.check(states("old", "newest"))) is Moved.HOST


def test_a_deviation_is_new_then_open_then_worse_then_gone(fleet: Fleet) -> None:
    runs = [fleet.check(states(one, "new")) for one in ("old", "old", "older")]
    deltas = [known.delta for run in runs for known in run.standing.values()]
    assert deltas == [Delta.NEW, Delta.OPEN, Delta.WORSE]
    assert fleet.check(every(["web1"], OK)).gone == (runs[0].drift[0].key,)


GROUNDS = Grounds("the vendor wants it", "team:web", Instant(2_000_000_000_000_000))


def waived(fleet: Fleet, told: Transcript, hosts: str = "*", until: int = 30 * DAY) -> Waiver:
    """Return the waiver of what a check of this found first."""
    deviation = fleet.check(told).drift[0].id
    until = fleet.clock.now() + until
    return waive(fleet.place, deviation, hosts, replace(GROUNDS, expires_at=Instant(until)))


def test_a_waived_host_is_compliant_and_no_finding(fleet: Fleet) -> None:
    waiver = waived(fleet, states("old", "new"))
    run = fleet.check(states("old", "new"))
    assert (run.hosts[0].verdict, run.hosts[0].reason) == (
        Verdict.COMPLIANT,
        "1 deviation waived",
    )
    assert run.standing[run.drift[0].key].waiver == waiver.name
    assert (run.exit_code, run.findings) == (ExitCode.OK, ())


def test_a_deviation_that_became_another_one_is_back(fleet: Fleet) -> None:
    waived(fleet, states("old", "new"))
    run = fleet.check(states("worse", "new"))
    assert run.exit_code is ExitCode.FINDINGS
    assert run.hosts[0].verdict is Verdict.DRIFTED
    assert [one.rule for one in run.findings] == ["waiver-unmatched"]


def test_a_waiver_fits_its_hosts_only(fleet: Fleet) -> None:
    told = transcript(every(("web1", "db1"), CHANGED))
    waived(fleet, told, "web*")
    verdicts = {one.host: one.verdict for one in fleet.check(told).hosts}
    assert verdicts == {"web1": Verdict.COMPLIANT, "db1": Verdict.DRIFTED}


def test_a_host_that_deviates_otherwise_as_well_is_not_compliant(fleet: Fleet) -> None:
    told = transcript({"web1": {A: CHANGED, B: CHANGED}})
    waived(fleet, told)
    run = fleet.check(told)
    assert run.hosts[0].verdict is Verdict.DRIFTED
    assert (score(run, waivers=True), score(run, waivers=False)) == (Fraction(1, 2), Fraction(0))


def test_a_thing_that_differs_in_two_ways_is_one_deviation(fleet: Fleet) -> None:
    one = states("old", "new")
    mode = Diff("0777\n", "0644\n", "0777", "0644", cut=False, attributes=True)
    (own,) = one.results
    two = replace(one, results=(replace(own, diffs=(*own.diffs, mode)),))
    (drift,) = fleet.check(two).drift
    assert (drift.before, drift.after) == ("old\n0777\n", "new\n0644\n")
    assert (drift.ends, drift.comparable) == (("new",), False)
    waive(fleet.place, drift.id, "*", GROUNDS)
    assert fleet.check(two).hosts[0].verdict is Verdict.COMPLIANT
    assert fleet.check(one).hosts[0].verdict is Verdict.DRIFTED
    assert len(fleet.said("drift.found")) == 1


def test_a_waiver_that_is_over_is_a_finding_and_so_is_what_it_accepted(fleet: Fleet) -> None:
    waiver = waived(fleet, states("old", "new"), until=2 * HOUR)
    assert fleet.check(states("old", "new")).exit_code is ExitCode.OK
    run = fleet.check(states("old", "new"))
    assert [one.rule for one in run.findings] == ["waiver-expired"]
    assert run.hosts[0].verdict is Verdict.DRIFTED
    renew(fleet.place, waiver.id, GROUNDS)
    assert fleet.check(states("old", "new")).exit_code is ExitCode.OK
    end(fleet.place, waiver.id, "done")
    assert fleet.check(states("old", "new")).hosts[0].verdict is Verdict.DRIFTED


@pytest.mark.parametrize(
    ("told", "request_", "found"),
    [
        ({"web1": {A: OK}}, {}, True),
        ({"db1": {A: OK}}, {}, False),
        ({"web1": {A: OK}}, {"tags": ("some",)}, False),
        ({"web1": {A: OK}}, {"limit": "web1"}, False),
        ({"web1": {A: OK}}, {"hosts": ("web1",)}, False),
        ({"web1": {A: FAILED}}, {}, False),
    ],
    ids=["gone", "other-host", "tags", "limit", "batch", "failed"],
)
def test_only_a_whole_look_says_that_a_waiver_fits_nothing(
    fleet: Fleet, told: object, request_: dict[str, object], found: bool
) -> None:
    waived(fleet, states("old", "new"), "web*")
    rules = [one.rule for one in fleet.check(told, **request_).findings]  # type: ignore[arg-type]
    assert rules == (["waiver-unmatched"] if found else [])


@pytest.mark.parametrize(
    ("deviation", "hosts", "error"),
    [
        ("D-0000000000", "*", "no host is known"),
        ("now", "db*", "no host of db"),
        ("before", "*", "no host is known"),
    ],
)
def test_what_no_host_has_cannot_be_waived(
    fleet: Fleet, deviation: str, hosts: str, error: str
) -> None:
    ids = {"before": fleet.check(states("before", "new")).drift[0].id}
    ids |= {"now": fleet.check(states("old", "new")).drift[0].id}
    with pytest.raises(ConfigError, match=error):
        waive(fleet.place, ids.get(deviation, deviation), hosts, GROUNDS)
    assert in_force(fleet.place) == ()


def test_a_later_look_at_other_hosts_hides_no_deviation(fleet: Fleet) -> None:
    two = transcript(every(("web1", "web2"), CHANGED))
    deviation = fleet.check(two).drift[0].id
    fleet.check(every(["web1"], CHANGED), limit="web1")
    assert {one.host for one in last_drift(fleet.place, deviation)} == {"web1", "web2"}
    assert waive(fleet.place, deviation, "web2", GROUNDS).covers("web2")


def test_what_gave_no_difference_cannot_be_waived(fleet: Fleet) -> None:
    told = states("", "")
    deviation = fleet.check(told).drift[0].id
    with pytest.raises(Refused, match="would go unseen"):
        waive(fleet.place, deviation, "*", GROUNDS)


def test_waivers_that_end_soon_are_known(fleet: Fleet) -> None:
    waiver = waived(fleet, states("old", "new"), until=SOON + HOUR)
    now = fleet.clock.now()
    ends = waiver.expires_at
    told = [expiring([waiver], Instant(at)) for at in (now, now + HOUR, ends - 1, ends)]
    assert told == [(), (waiver,), (waiver,), ()]


@pytest.mark.parametrize(
    ("told", "share"),
    [
        ({"web1": {A: OK, B: OK}}, Fraction(1)),
        ({"web1": {A: CHANGED, B: OK}}, Fraction(1, 2)),
        ({"web1": {A: OK, B: Outcome.UNSUPPORTED}}, Fraction(1, 2)),
        ({"web1": {X: CHANGED, Y: CHANGED, B: OK}}, Fraction(1, 2)),
        ({"web1": {A: FAILED}, "web2": {A: OK}}, Fraction(1, 2)),
        ({"web1": {A: OK, B: FAILED}}, Fraction(1, 2)),
        ({"web1": {A: OK, B: Outcome.UNREACHABLE}}, Fraction(1, 2)),
        ({"web1": {A: Outcome.SKIPPED}}, None),
        ({}, None),
    ],
    ids=["well", "drift", "blind", "loop", "failed", "failed-later", "lost", "skipped", "no-host"],
)
def test_a_score_is_the_share_of_all_that_was_to_be_looked_at(
    told: dict[str, object], share: Fraction | None
) -> None:

    hosts = evaluate(transcript(told), Mode.CHECK, Path("/ops"))  # type: ignore[arg-type]
    made_of = Provenance("", "", "", "", (), "", "")
    run = Run("r", "check", RunState.FINISHED, "a", NOW, NOW, made_of, hosts)
    assert score(run, waivers=False) == share
    assert score(run, waivers=True) == share


def found(moved: Moved, lasted: int | None) -> Episode:
    fixed = None if lasted is None else Instant(lasted)
    return Episode(
        1, "web1", "p", "A", "", "", Severity.LOW, None, NOW, 1, fixed, None, "", "", moved
    )


@pytest.mark.parametrize(
    ("episodes", "level", "share"),
    [
        ([], Level(0, 0, 0), None),
        ([found(Moved.HOST, 5)], Level(1, 0, 0), 1),
        ([found(Moved.BOTH, 10)], Level(1, 0, 0), 1),
        ([found(Moved.HOST, 11)], Level(0, 1, 0), 0),
        ([found(Moved.HOST, None)], Level(0, 1, 0), 0),
        ([found(Moved.STANDARD, None), found(Moved.FIRST_SEEN, 99)], Level(0, 0, 0), None),
        ([found(Moved.HOST, 5), found(Moved.HOST, 50)], Level(1, 1, 0), Fraction(1, 2)),
    ],
)
def test_the_service_level_counts_hosts_that_moved(
    episodes: list[Episode], level: Level, share: Fraction | None
) -> None:
    told = service_level(episodes, 10, Instant(20))
    assert (told, told.share) == (level, share)


def test_what_is_open_and_still_in_time_is_undecided() -> None:
    assert service_level([found(Moved.HOST, None)], 10, Instant(10)) == Level(0, 0, 1)


def test_a_period_holds_the_deviations_found_in_it(fleet: Fleet) -> None:

    fleet.check(every(["web1"], OK))
    start = Instant(fleet.clock.now() + 1)
    fleet.check(states("old", "new"))
    fleet.check(every(["web1"], OK))
    window = Interval(start, Instant(start + DAY))
    (one,), level = drift_between(fleet.place, window, HOUR)
    assert (one.moved, level) == (Moved.HOST, Level(1, 0, 0))
    later = Interval(Instant(start + DAY), Instant(start + 2 * DAY))
    assert drift_between(fleet.place, later, HOUR)[0] == ()


def test_a_past_run_reads_as_it_was_said_then(fleet: Fleet) -> None:
    waived(fleet, states("old", "new"))
    told = fleet.check(states("old", "new"))
    shown, _ = show(fleet.place, told.id)
    assert (shown.hosts, shown.exit_code) == (told.hosts, told.exit_code)
    assert shown.counts == told.counts


def test_a_streak_of_not_being_reached_is_counted_from_the_last_run(fleet: Fleet) -> None:
    for outcome in (Outcome.UNREACHABLE, OK, Outcome.UNREACHABLE, Outcome.UNREACHABLE):
        fleet.check(every(["web1"], outcome))
    told = host_history(fleet.place, "web1", 10)
    assert (told.streak, len(told.seen)) == (2, 4)
    assert host_history(fleet.place, "web1", 1).streak == 1
