"""Gates that look at the months before, one cause counted once, and what is told anew."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from opskit.core.calendar import month
from opskit.core.clock import DAY, HOUR, Instant
from opskit.core.evidence import Evidence
from opskit.core.interval import Interval, State
from opskit.report.build import build
from opskit.report.claims.candidate import Piece
from opskit.report.claims.rules import causes
from opskit.report.ground import Ground, Past
from opskit.report.inputs import Issue, Said
from opskit.report.model import Claim, Report, Restatement, Standing
from tests.report.evidence import PERIOD, drift, run, service, written

UTC = ZoneInfo("UTC")
OCTOBER = month(2026, 10, UTC)


def fleet(period: Interval, failed: int) -> Evidence:
    """Return a deviation put right in a period, in ten runs of which so many did not finish."""
    one = drift(0)
    found, gone = Instant(period.start + HOUR), Instant(period.start + 2 * HOUR)
    runs = tuple(
        replace(run(number, state="running" if number < failed else "finished", compliant=1))
        for number in range(10)
    )
    return Evidence((), (replace(one, detected_at=found, fixed_at=gone),), runs)


def claim(failed_before: list[int], failed: int) -> Claim:
    """Return the claim of October's deviations, after so many failed runs in each month before."""
    numbers = [(2025 + (9 + n) // 12, (9 + n) % 12 + 1) for n in range(12)]
    months = [month(year, number, UTC) for year, number in numbers][-len(failed_before) :]
    pairs = zip(months, failed_before, strict=True) if failed_before else ()
    past = tuple(Past(one, fleet(one, bad)) for one, bad in pairs)
    (found,) = written(Ground(OCTOBER, fleet(OCTOBER, failed), past)).report.claims
    return found


def gate(one: Claim, name: str) -> tuple[bool | None, str]:
    return next((gate.passed, gate.why) for gate in one.gates if gate.name == name)


def test_more_convergence_with_more_failed_runs_is_held_back() -> None:
    found = claim([1] * 12, 6)
    assert gate(found, "quality not worse") == (False, "worse than before: failed runs")
    assert found.standing is Standing.HELD_BACK
    assert found.why == "quality not worse: worse than before: failed runs"


def test_as_many_failed_runs_as_ever_are_no_reason() -> None:
    found = claim([1, 2] * 6, 2)
    assert gate(found, "quality not worse") == (True, "not worse than before: failed runs")
    assert found.standing is Standing.MADE


def test_with_few_months_quality_cannot_be_said_and_the_claim_stands() -> None:
    found = claim([1], 6)
    assert gate(found, "quality not worse") == (None, "cannot be compared: failed runs")
    assert found.standing is Standing.MADE


@pytest.mark.parametrize(("months", "passed"), [(0, None), (1, None), (2, True), (3, True)])
def test_what_one_month_alone_shows_is_a_one_off(months: int, passed: bool | None) -> None:
    found = claim([0] * months, 0)
    assert gate(found, "lasting")[0] is passed
    assert (gate(found, "lasting")[1] == "one-off so far") is (passed is None)
    assert found.standing is Standing.MADE


PIECES = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 10 * DAY), st.integers(1, 50)), max_size=20
)


@given(PIECES)
def test_what_happens_on_one_thing_within_a_day_is_one(rows: list[tuple[str, int, int]]) -> None:
    pieces = [Piece(place, Instant(at), (ref,)) for place, at, ref in rows]
    found = causes(pieces)
    assert sum(one.many for one in found) == len(pieces)
    assert {ref for one in found for ref in one.refs} == {ref for *_, ref in rows}
    for place in "abc":
        starts = [one.at for one in found if one.place == place]
        assert all(b - a >= DAY for a, b in pairwise(starts))
    assert causes(reversed(pieces)) == found


def again(figures: tuple[Said, ...]) -> Report:
    """Return the second version of a report, after a first that said these figures."""
    ground = Ground(PERIOD, Evidence((service((State.DOWN, 1), objective="99"),)))
    inputs = replace(written(ground).inputs, previous=Issue(1, "a" * 64, figures))
    return build(inputs, "b" * 64)


def test_a_figure_that_was_told_otherwise_is_restated() -> None:
    second = again(
        (
            Said("downtime.total", "Downtime", "7200000000", "2 h"),
            Said("availability.shop", "Availability of shop", "99/100", "99 %"),
            Said("availability.mail", "Availability of mail", "1", "100 %"),
            Said("budget.shop", "Left", "1", "0 s"),
        )
    )
    assert second.version == 2
    assert second.restated == (
        Restatement("downtime.total", "Downtime, all services", "2 h", "1 h"),
        Restatement("availability.mail", "Availability of mail", "100 %", "no longer told"),
        Restatement("budget.shop", "Error budget left of shop", "1", "0"),
    )
    (point,) = (one for one in second.misses if one.title == "Restated")
    assert point.text.startswith("3 figures told otherwise before: ")


def test_a_first_version_restates_nothing() -> None:
    first = written(Ground(PERIOD, Evidence())).report
    assert (first.version, first.restated) == (1, ())
