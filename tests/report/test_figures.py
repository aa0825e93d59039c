"""Each figure against evidence whose answer can be computed in one's head."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from opskit.core.clock import HOUR, MINUTE
from opskit.core.evidence import DriftEvidence, Evidence, RunEvidence, ServiceEvidence
from opskit.core.hosts import Verdict
from opskit.core.interval import State
from opskit.report.figures.catalogue import all_figures
from opskit.report.figures.services import availability_figure, meets
from opskit.report.ground import Ground
from opskit.report.model import Figure, Presence, Tag
from tests.report.evidence import PERIOD, drift, hosts_of, run, service

UP, DOWN, DEGRADED = State.UP, State.DOWN, State.DEGRADED
UNKNOWN, MAINTENANCE, EXCLUDED = State.UNKNOWN, State.MAINTENANCE, State.EXCLUDED
UNSEEN = service((UNKNOWN, 100), name="mail")


def figures(
    services: Sequence[ServiceEvidence] = (),
    drifts: Sequence[DriftEvidence] = (),
    runs: Sequence[RunEvidence] = (),
) -> dict[str, Figure]:
    """Return every figure by its id."""
    evidence = Evidence(tuple(services), tuple(drifts), tuple(runs), hosts=hosts_of(runs))
    return {figure.id: figure for figure in all_figures(Ground(PERIOD, evidence))}


@pytest.mark.parametrize(
    ("parts", "value", "display"),
    [
        ((), "1", "100 %"),
        (((DOWN, 1),), "99/100", "99 %"),
        (((DOWN, 100),), "0", "0 %"),
        (((DEGRADED, 10),), "19/20", "95 %"),
        (((DOWN, 1), (DEGRADED, 2)), "49/50", "98 %"),
        (((MAINTENANCE, 50), (DOWN, 1)), "49/50", "98 %"),
        (((EXCLUDED, 90), (DOWN, 1)), "9/10", "90 %"),
        (((UNKNOWN, 5),), "1", "100 %"),
        (((UNKNOWN, 5), (DOWN, 1)), "94/95", "98.947 %"),
        (((UNKNOWN, 6),), "", "insufficient data"),
        (((UNKNOWN, 100),), "", "insufficient data"),
        (((EXCLUDED, 100),), "", "not observed"),
        (((MAINTENANCE, 100),), "", "not observed"),
        (((EXCLUDED, 50), (MAINTENANCE, 50)), "", "not observed"),
    ],
    ids=str,
)
def test_availability(parts: Sequence[tuple[State, int]], value: str, display: str) -> None:
    figure = availability_figure(service(*parts))
    assert (figure.value, figure.display, figure.unit) == (value, display, "ratio")


@pytest.mark.parametrize(
    ("objective", "parts", "edge", "met"),
    [
        ("99", ((DOWN, 1),), 0, True),
        ("99.1", ((DOWN, 1),), 0, False),
        ("", ((DOWN, 1),), 0, None),
        # Unknown time may have been either.
        ("99", ((DOWN, 1), (UNKNOWN, 1)), 0, None),
        ("98", ((DOWN, 1), (UNKNOWN, 1)), 0, True),
        ("99.5", ((DOWN, 1), (UNKNOWN, 1)), 0, False),
        # So may the time in which an outage began or ended unseen.
        ("99", ((DOWN, 1),), HOUR, None),
        ("98", ((DOWN, 1),), HOUR, True),
        ("99.5", ((DOWN, 1),), 31 * MINUTE, None),
        ("99.5", ((DOWN, 1),), 29 * MINUTE, False),
        # Too little was seen to say anything.
        ("50", ((UNKNOWN, 6),), 0, None),
        ("50", ((EXCLUDED, 100),), 0, None),
    ],
    ids=str,
)
def test_an_objective_is_met_or_missed_only_for_certain(
    objective: str, parts: Sequence[tuple[State, int]], edge: int, met: bool | None
) -> None:
    assert meets(service(*parts, objective=objective, edge=edge)) is met


def test_objectives_are_counted_of_those_that_have_one() -> None:
    found = figures(
        [
            service(name="met", objective="99"),
            service((DOWN, 5), name="missed", objective="99"),
            service((UNKNOWN, 50), name="unclear", objective="99"),
            service(name="none"),
        ]
    )["objectives.met"]
    assert (found.value, found.display) == ("1", "1 of 3")
    assert found.note == "1 service cannot be judged"


def test_without_an_objective_there_is_none_to_meet() -> None:
    assert figures([service()])["objectives.met"].display == "none set"


@pytest.mark.parametrize(
    ("services", "value", "display", "note"),
    [
        ((service((DOWN, 2)), service((DOWN, 1), name="mail")), 3 * HOUR, "3 h", ""),
        ((service(), service(name="mail")), 0, "none seen", ""),
        ((service((DOWN, 1), edge=4 * MINUTE),), HOUR, "1 h", "at most 4 min off"),
        ((service((DOWN, 1)), UNSEEN), HOUR, "1 h", "1 of 2 services observed"),
        ((UNSEEN,), None, "not observed", "0 of 1 service observed"),
    ],
    ids=["sum", "none", "edge", "partly observed", "not observed"],
)  # fmt: skip
def test_downtime(
    services: Sequence[ServiceEvidence], value: int | None, display: str, note: str
) -> None:
    figure = figures(services)["downtime.total"]
    assert figure.value == ("" if value is None else str(value))
    assert figure.display == display
    assert note in figure.note


@pytest.mark.parametrize(
    ("drifts", "found", "fixed", "still", "exposure"),
    [
        ([drift(10, 20)], 1, 1, 0, 10),
        ([drift(10)], 1, 0, 1, 90),
        ([drift(-5, 20)], 0, 1, 0, 20),
        ([drift(-5)], 0, 0, 1, 100),
        ([drift(-5, 120)], 0, 0, 1, 100),
        ([drift(90, 120)], 1, 0, 1, 10),
        ([drift(0, 100)], 1, 0, 1, 100),
        ([drift(10, 20), drift(10, 30, host="web2"), drift(40)], 3, 2, 1, 90),
        ([], 0, 0, 0, 0),
    ],
    ids=["fixed", "open", "before", "through", "after", "late", "all along", "three", "none"],
)  # fmt: skip
def test_drift(
    drifts: Sequence[DriftEvidence], found: int, fixed: int, still: int, exposure: int
) -> None:
    by_id = figures(drifts=drifts, runs=[run(1, compliant=1)])
    values = [by_id[f"drift.{name}"].value for name in ("found", "fixed", "open", "exposure")]
    assert values == [str(found), str(fixed), str(still), str(exposure * HOUR)]


_HOURS = st.integers(-20, 99)


@given(st.lists(st.tuples(_HOURS, st.none() | st.integers(0, 150)), max_size=8))
def test_drift_is_what_each_hour_of_the_period_says(
    pairs: Sequence[tuple[int, int | None]],
) -> None:
    whole = [(found, gone) for found, gone in pairs if gone is None or gone >= found]
    by_id = figures(drifts=[drift(found, gone) for found, gone in whole], runs=[run(1, drifted=1)])
    hours = sum(
        found <= number and (gone is None or number < gone)
        for found, gone in whole
        for number in range(100)
    )
    assert by_id["drift.exposure"].value == str(hours * HOUR)
    open_at_the_end = sum(gone is None or gone >= 100 for _, gone in whole)
    assert by_id["drift.open"].value == str(open_at_the_end)
    assert by_id["drift.fixed"].value == str(len(whole) - open_at_the_end)
    assert by_id["drift.found"].value == str(sum(found >= 0 for found, _ in whole))


@pytest.mark.parametrize(
    "runs",
    [
        [],
        [run(1, state="running")],
        [run(1, unreachable=3)],
        [run(1, failed=3, not_evaluated=1)],
        [run(1, "apply", compliant=3)],
    ],
    ids=["no run", "unfinished", "nobody reached", "nobody judged", "only changes"],
)
def test_no_deviation_means_nothing_where_nobody_looked(runs: Sequence[RunEvidence]) -> None:
    by_id = figures(runs=runs)
    for name in ("found", "fixed", "open", "exposure"):
        figure = by_id[f"drift.{name}"]
        assert (figure.value, figure.display) == ("", "not checked")


@pytest.mark.parametrize(
    ("verdicts", "value", "display"),
    [
        ({Verdict.COMPLIANT: 3}, "1", "3 of 3"),
        ({Verdict.COMPLIANT: 2, Verdict.DRIFTED: 1}, "2/3", "2 of 3"),
        ({Verdict.COMPLIANT: 2, Verdict.UNREACHABLE: 2}, "1/2", "2 of 4"),
        ({Verdict.COMPLIANT: 1, Verdict.NOT_EVALUATED: 1, Verdict.FAILED: 2}, "1/4", "1 of 4"),
        ({Verdict.UNREACHABLE: 1}, "0", "0 of 1"),
    ],
)
def test_every_host_that_was_wanted_is_in_the_denominator(
    verdicts: dict[Verdict, int], value: str, display: str
) -> None:
    figure = figures(runs=[run(1, hosts=verdicts)])["fleet.compliant"]
    assert (figure.value, figure.display) == (value, display)


def test_without_a_finished_check_there_is_no_compliance_to_state() -> None:
    assert "fleet.compliant" not in figures(runs=[run(1, "apply", compliant=1)])


def test_runs_that_did_not_end_are_counted_apart() -> None:
    figure = figures(runs=[run(1, compliant=1), run(2, state="running"), run(3, "apply")])[
        "runs.finished"
    ]
    assert (figure.value, figure.note) == ("2", "1 run did not")


def everything() -> dict[str, Figure]:
    return figures(
        [service((DOWN, 1), objective="99", refs=(1, 2)), service(name="mail", refs=(3,))],
        [drift(10, 20, ref=10), drift(30, ref=11)],
        [run(5, drifted=1, ref=20), run(25, compliant=1, ref=21)],
    )


def test_every_figure_says_how_it_was_made_and_from_what() -> None:
    for figure in (one for one in everything().values() if one.value):
        assert figure.tag is Tag.MEASURED
        assert figure.title
        assert figure.formula
        assert figure.display
        assert figure.refs == tuple(sorted(set(figure.refs)))
        assert figure.refs


def test_every_value_is_exact() -> None:
    for figure in (one for one in everything().values() if one.value):
        assert figure.unit in {"ratio", "count", "microseconds"}
        assert Fraction(figure.value) >= 0
        assert "." not in figure.value


def test_figures_are_made_from_the_entries_of_what_they_count() -> None:
    found = everything()
    assert found["availability.mail"].refs == (3,)
    assert found["objectives.met"].refs == (1, 2)
    assert found["drift.found"].refs == (10, 11)
    assert found["drift.fixed"].refs == (10,)
    assert found["drift.open"].refs == (11,)
    assert found["fleet.compliant"].refs == (21,)


def test_a_zero_rests_on_the_checks_that_looked() -> None:
    found = figures(runs=[run(5, compliant=1, ref=20), run(6, "apply", ref=21)])
    assert found["drift.open"].refs == (20,)


def test_what_came_after_the_period_does_not_change_its_figures() -> None:
    then = figures(drifts=[drift(30)], runs=[run(25, drifted=1)])
    later = figures(drifts=[drift(30, 101)], runs=[run(25, drifted=1)])
    assert then == later


def test_nothing_is_claimed_of_nothing() -> None:
    found = figures()
    assert "downtime.total" not in found
    assert found["objectives.met"].presence is Presence.NOT_CONFIGURED
    assert found["drift.found"].display == "not checked"
    assert found["runs.finished"].value == "0"
