"""What the fleet hands to the report: each deviation and run of a period, with its evidence."""

from __future__ import annotations

import pytest

from opskit.core.clock import HOUR, Instant
from opskit.core.evidence import recorded
from opskit.core.findings import Severity
from opskit.core.hosts import Verdict
from opskit.core.interval import Interval
from opskit.core.transcript import Outcome
from opskit.fleet.evidence import FleetEvidence
from opskit.records.ledger import entries
from tests.fleet.test_episodes import Story, empty, story
from tests.fleet.transcripts import transcript

__all__ = ["empty", "story"]

A = ("A", "")
TAGS = {"A": ("control:OPS-1", "severity:high")}


@pytest.fixture
def told(story: Story) -> tuple[Story, Instant]:
    """Return a story of an hour each: good, drifted, fixed; and when it began."""
    began = story.place.clock.now()
    for outcome in (Outcome.OK, Outcome.CHANGED, Outcome.OK):
        story.check(transcript({"web1": {A: outcome}}, tags=TAGS))
    return story, began


def at(began: Instant, first: int, last: int) -> Interval:
    return Interval(Instant(began + first * HOUR), Instant(began + last * HOUR))


def test_a_deviation_is_told_with_its_times_and_its_entries(told: tuple[Story, Instant]) -> None:
    story, began = told
    evidence = FleetEvidence(story.place.database).evidence(at(began, 0, 5))
    (drift,) = evidence.drifts
    hours = [Instant(began + hour * HOUR) for hour in (1, 2, 3)]
    assert [drift.last_good_at, drift.detected_at, drift.fixed_at] == hours
    assert (drift.host, drift.control, drift.severity) == ("web1", "OPS-1", Severity.HIGH)
    with story.place.database.read() as connection:
        kinds = {entry.seq: entry.kind for entry in entries(connection)}
    assert [kinds[ref] for ref in drift.refs] == ["drift.found", "drift.fixed"]
    assert [kinds[ref] for run in evidence.runs for ref in run.refs] == [
        "run.started",
        "run.finished",
    ] * 3
    assert [run.verdicts for run in evidence.runs] == [
        {Verdict.COMPLIANT: 1},
        {Verdict.DRIFTED: 1},
        {Verdict.COMPLIANT: 1},
    ]


def test_what_an_apply_put_right_is_no_work_by_hand(told: tuple[Story, Instant]) -> None:
    story, began = told
    changed = transcript({"web1": {A: Outcome.CHANGED}}, tags=TAGS)
    good = transcript({"web1": {A: Outcome.OK}}, tags=TAGS)
    story.check(changed)
    story.apply(changed, good)
    story.check(good)
    desk = FleetEvidence(story.place.database).evidence(at(began, 0, 9)).desk
    assert recorded(desk, "automated", "demand")
    assert not recorded(desk, "incidents")
    # The deviation that was gone before anybody applied anything is nobody's work.
    assert [(one.task, one.units) for one in desk.automated] == [("deviation", 1)]
    assert [(one.task, one.units) for one in desk.demand] == [("deviation", 2)]


@pytest.mark.parametrize(
    ("first", "last", "drifts", "runs"),
    [(0, 2, 0, 1), (0, 3, 1, 2), (2, 3, 1, 1), (3, 4, 1, 1), (4, 9, 0, 0)],
)
def test_a_period_holds_what_was_open_and_what_started_in_it(
    told: tuple[Story, Instant], first: int, last: int, drifts: int, runs: int
) -> None:
    story, began = told
    evidence = FleetEvidence(story.place.database).evidence(at(began, first, last))
    assert (len(evidence.drifts), len(evidence.runs)) == (drifts, runs)


def test_a_host_is_told_as_the_last_whole_check_saw_it(told: tuple[Story, Instant]) -> None:
    story, began = told
    story.check(web1={A: Outcome.CHANGED}, web2={A: Outcome.OK})
    story.check(web2={A: Outcome.UNREACHABLE})
    story.check(tags=("some",), web2={A: Outcome.OK})
    evidence = FleetEvidence(story.place.database).evidence(at(began, 0, 9))
    assert [(one.host, one.verdict) for one in evidence.hosts] == [
        ("web1", Verdict.DRIFTED),
        ("web2", Verdict.UNREACHABLE),
    ]
    ends = [run.refs[1:] for run in evidence.runs]
    assert [one.refs for one in evidence.hosts] == [ends[3], ends[4]]
    assert FleetEvidence(story.place.database).evidence(at(began, 0, 1)).hosts == ()
