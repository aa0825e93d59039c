"""The first page: a sentence that follows from the figures, and four of them, always."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from opskit.core.clock import MINUTE
from opskit.core.evidence import (
    AutomatedEvidence,
    DemandEvidence,
    DeskEvidence,
    Evidence,
    IncidentEvidence,
    PredictionEvidence,
    TimedEvidence,
    WarningEvidence,
)
from opskit.core.interval import State
from opskit.report.assumptions import NOTHING_ASSUMED, Assumption, Assumptions
from opskit.report.ground import Ground
from opskit.report.inputs import Seal
from opskit.report.model import Front, Presence, Tag
from opskit.report.statistics.draws import Triangular
from tests.report.evidence import PERIOD, drift, hour, run, service, written

DOWN, UNKNOWN = State.DOWN, State.UNKNOWN
MOST = "b missed by 8 h, c missed by 3 h"
NOBODY = "No service is monitored; "
WORD = Assumption(
    "minutes.reset", "minutes", Triangular(5, 10, 20), "ops", "a guess",
    date(2020, 1, 1), date(2030, 1, 1),
)  # fmt: skip

FIRE = IncidentEvidence(
    "INC-1", "shop", "web", hour(1), hour(1), None, hour(2), visible=True, source="pagerduty"
)


def front(evidence: Evidence, assumptions: Assumptions = NOTHING_ASSUMED) -> Front:
    """Return the first page of the report of some evidence."""
    return written(Ground(PERIOD, evidence, assumptions=assumptions)).report.front


def warned(number: int, *, acted: bool = True, failed: bool = False) -> PredictionEvidence:
    """Return a warning of the tenth hour, acted on in the next or not."""
    return PredictionEvidence(
        f"p{number}", "disk", "/var", hour(10), None, hour(11) if acted else None,
        hour(12) if failed else None, hour(20), (300 + number,),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("evidence", "sentence"),
    [
        (Evidence(), NOBODY + "no host was checked."),
        (Evidence((service(),)), "No service has a target yet; no host was checked."),
        (
            Evidence((service(objective="99"),)),
            "1 of 1 service inside target; no host was checked.",
        ),
        (
            Evidence((service((DOWN, 3), objective="99"), service(name="mail", objective="99"))),
            "1 of 2 services inside target; shop missed by 2 h; no host was checked.",
        ),
        (
            Evidence((service(objective="99"), service(name="mail"))),
            "1 of 1 service inside target, 1 without one; no host was checked.",
        ),
        (
            Evidence((service((UNKNOWN, 50), objective="99"),)),
            "0 of 1 service inside target; 1 cannot be judged; no host was checked.",
        ),
        (
            Evidence(
                tuple(
                    service((DOWN, hours), name=name, objective="99")
                    for name, hours in (("a", 2), ("b", 9), ("c", 4))
                )
            ),
            f"0 of 3 services inside target; {MOST}; 1 more missed; no host was checked.",
        ),
        (Evidence(runs=(run(1, compliant=2),)), NOBODY + "no host was found off standard."),
        (Evidence(runs=(run(1, unreachable=2),)), NOBODY + "no check got to see a host."),
        (
            Evidence(drifts=(drift(1, 2), drift(3)), runs=(run(1, drifted=2),)),
            NOBODY + "1 of 2 deviations put right.",
        ),
        (
            Evidence(drifts=(drift(1, 2),), runs=(run(1, drifted=1),), desk=DeskEvidence()),
            NOBODY + "1 of 1 deviation put right before any incident.",
        ),
        (
            Evidence(desk=DeskEvidence(incidents=(FIRE,))),
            NOBODY + "1 incident recorded; no host was checked.",
        ),
        (
            Evidence(
                (service(objective="99"),),
                warnings=WarningEvidence(
                    (warned(1), warned(2, acted=False), warned(3, failed=True))
                ),
            ),
            "1 of 1 service inside target; 1 of 3 warnings handled before users noticed.",
        ),
    ],
)
def test_the_sentence_follows_from_the_evidence(evidence: Evidence, sentence: str) -> None:
    assert front(evidence).sentence == sentence


def tiles(evidence: Evidence, assumptions: Assumptions = NOTHING_ASSUMED) -> list[tuple[str, str]]:
    return [(tile.id, tile.display) for tile in front(evidence, assumptions).tiles]


def test_with_nothing_to_show_each_tile_says_so() -> None:
    assert tiles(Evidence()) == [
        ("objectives.met", "not configured"),
        ("predictions.acted", "not configured"),
        ("access.lead_time", "not configured"),
        ("work.avoided", "not configured"),
    ]


def test_without_alerting_deviations_that_were_put_right_were_caught_early() -> None:
    checked = Evidence(drifts=(drift(1, 2),), runs=(run(1, drifted=1),))
    assert tiles(checked)[1] == ("drift.fixed", "1")
    assert tiles(replace(checked, desk=DeskEvidence()))[1] == ("drift.before_incident", "1 of 1")
    told = replace(checked, warnings=WarningEvidence((warned(1),)))
    assert tiles(told)[1] == ("predictions.acted", "1 of 1")


def desk(timed: int) -> DeskEvidence:
    """Return a task that a command did, timed by hand so often."""
    return DeskEvidence(
        automated=(AutomatedEvidence(hour(1), "reset", 12, None, (400,)),),
        demand=(DemandEvidence("reset", 12, "requests", (401,)),),
        timed=tuple(
            TimedEvidence(hour(n), "reset", MINUTE * 10, (410 + n,))  # type: ignore[arg-type]
            for n in range(timed)
        ),
    )


def test_hand_work_that_was_timed_is_on_the_first_page() -> None:
    assert tiles(Evidence(desk=desk(5)))[3] == ("work.avoided", "2 h")


def test_hand_work_that_is_assumed_gives_its_place_and_says_so() -> None:
    evidence = Evidence((), (), (run(1, compliant=1),), desk=desk(4))
    last = front(evidence, Assumptions({WORD.name: WORD})).tiles[3]
    assert (last.id, last.display) == ("runs.finished", "1")
    assert last.note == "in place of hand work avoided, which rests on an assumption"
    figures = written(
        Ground(PERIOD, evidence, assumptions=Assumptions({WORD.name: WORD}))
    ).report.figures
    assert next(one for one in figures if one.id == "work.avoided").tag is Tag.ASSUMED


@pytest.mark.parametrize("evidence", [Evidence(), Evidence(desk=desk(4)), Evidence(desk=desk(5))])
def test_no_tile_is_assumed_and_none_is_about_money(evidence: Evidence) -> None:
    rate = replace(WORD, name="rate.hour", value=Triangular(40, 60, 90))
    assumed = Assumptions({WORD.name: WORD, rate.name: rate}, currency="EUR")
    page = front(evidence, assumed)
    assert len(page.tiles) == 4
    assert all(tile.tag is not Tag.ASSUMED for tile in page.tiles)
    assert "EUR" not in json.dumps([tile.display for tile in page.tiles]) + page.sentence


def test_a_tile_without_a_value_says_why_in_words() -> None:
    for tile in front(Evidence()).tiles:
        assert (tile.value, tile.presence) == ("", Presence.NOT_CONFIGURED)
        assert tile.note


def test_a_ledger_that_was_changed_gives_no_headline() -> None:
    evidence = Evidence((service(objective="99"),))
    sealed = Seal(40, "f" * 64, "entry 17 is missing")
    page = written(Ground(PERIOD, evidence), seal=sealed).report.front
    assert "entry 17 is missing" in page.refused
    assert page == Front(page.refused, (), refused=page.refused)


def test_what_a_target_allows_is_not_missed() -> None:
    exact = Evidence((service((DOWN, 1), objective="99"),))
    assert Fraction(front(exact).tiles[0].value) == 1
