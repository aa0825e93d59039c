"""What the pages say, and when they say otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from opskit.core.calendar import month
from opskit.core.clock import DAY, HOUR, MINUTE, Duration, Instant
from opskit.core.evidence import (
    AccessEvidence,
    ArrivalEvidence,
    DeskEvidence,
    Evidence,
    FrictionEvidence,
    IncidentEvidence,
    ProcessEvidence,
    RequestEvidence,
    TrendEvidence,
    WarningEvidence,
    WordEvidence,
    WorkClass,
    WorkEvidence,
)
from opskit.core.interval import Interval, State
from opskit.report.assumptions import Assumption, Assumptions
from opskit.report.built import Built
from opskit.report.charts import BurnLines, Dots, Process
from opskit.report.document import Chart, Document, Facts, Mark, Ribbons, Section, Table, View
from opskit.report.ground import Ground, Past
from opskit.report.inputs import Seal
from opskit.report.model import Restatement
from opskit.report.pages import document, teams
from opskit.report.statistics.draws import Triangular
from tests.report.evidence import PERIOD, START, UTC, hour, run, service, written
from tests.report.pages.test_invariants import sample
from tests.report.pages.walk import blocks, tables, texts


def told(evidence: Evidence, view: View = View.WHOLE, **more: object) -> Document:
    """Return the document of evidence alone, or with more of the ground."""
    return document(written(Ground(PERIOD, evidence, **more)), view)  # type: ignore[arg-type]


def page(document_: Document, name: str) -> str:
    """Return all that a page says."""
    (found,) = (one for one in document_.pages if one.name == name)
    return "\n".join(texts(found))


def section(document_: Document, name: str) -> Section:
    """Return a section by its name."""
    (found,) = (one for one in (s for p in document_.pages for s in p.sections) if one.name == name)
    return found


def table(document_: Document, name: str) -> Table:
    """Return a table by its name."""
    (found,) = (one for one in tables(document_) if one.name == name)
    return found


def chart(document_: Document, name: str) -> Chart:
    """Return a chart by its name."""
    (found,) = (one for one in blocks(document_) if isinstance(one, Chart) and one.name == name)
    return found


def work(kind: WorkClass, hours: int, ref: int = 1) -> WorkEvidence:
    """Return a piece of work of so many hours."""
    return WorkEvidence(hour(ref), "ops", kind, Duration(hours * HOUR), "tickets", refs=(ref,))


def assumed(name: str, mode: float, expires: date = date(2099, 1, 1)) -> Assumption:
    """Return an assumption that is certain of its number."""
    value = Triangular(mode, mode, mode)
    return Assumption(name, "each", value, "finance", "a contract", date(2020, 1, 1), expires)


def test_more_services_than_fit_are_the_worst_first_and_the_rest_counted() -> None:
    good = [service(name=f"good-{number}", objective="50") for number in range(9)]
    bad = service((State.DOWN, 60), name="bad", objective="50")
    doc = told(Evidence(services=(*good, bad)))
    (ribbons,) = (one for one in section(doc, "services").blocks if isinstance(one, Ribbons))
    assert (ribbons.strips[0].service, len(ribbons.strips), ribbons.more) == ("bad", 8, 2)
    assert len(table(doc, "services").rows) == 10
    (rest,) = (one for one in section(doc, "services-days").blocks if isinstance(one, Ribbons))
    assert ([one.service for one in rest.strips], rest.more) == (["good-7", "good-8"], 0)


def test_few_services_keep_the_order_of_their_file() -> None:
    names = ("zebra", "ant")
    doc = told(Evidence(services=tuple(service(name=name) for name in names)))
    (ribbons,) = (one for one in section(doc, "services").blocks if isinstance(one, Ribbons))
    assert tuple(one.service for one in ribbons.strips) == names


def test_a_service_nobody_looked_at_has_no_number() -> None:
    doc = told(Evidence(services=(service((State.UNKNOWN, 100), objective="99"),)))
    (ribbons,) = (one for one in section(doc, "services").blocks if isinstance(one, Ribbons))
    (strip,) = ribbons.strips
    assert strip.verdict is Mark.UNCLEAR
    assert strip.why == "it was not observed"
    seen = {strip.between, strip.coverage, strip.downtime, strip.outages, strip.blips}
    assert seen == {"not observed"}


def test_a_month_that_is_not_over_is_told_so() -> None:
    whole = sample("full")
    ground = whole.inputs.ground
    half = Interval(ground.period.start, Instant(ground.period.start + 10 * DAY))
    assert "not over" not in document(whole).scope
    assert "the month is not over" in document(written(replace(ground, period=half))).scope


def test_without_evidence_the_first_page_says_what_to_set_up() -> None:
    shown = page(told(Evidence()), "front")
    for command in ("opskit schema services", "opskit fleet check", "opskit access lint"):
        assert command in shown


def test_with_some_evidence_what_to_set_up_stands_with_the_gaps() -> None:
    doc = told(Evidence(services=(service(),), runs=(run(1, compliant=1),)))
    assert "opskit access lint" not in page(doc, "front")
    assert "opskit access lint" in page(doc, "appendix")
    assert "opskit fleet check" not in page(doc, "appendix")


def test_a_changed_ledger_leaves_no_headline() -> None:
    seal = Seal(1, "0" * 64, broken="entry 1 was changed")
    doc = document(written(Ground(PERIOD, Evidence(services=(service(),))), seal=seal))
    assert doc.refused
    assert "entry 1 was changed" in page(doc, "front")
    assert [one.title for one in section(doc, "glance").blocks if hasattr(one, "title")] == [
        "This report has no headline"
    ]
    facts = [one for one in section(doc, "recompute").blocks if isinstance(one, Facts)]
    assert dict(facts[0].facts)["Ledger chain"].mark is Mark.MISSED


def test_what_was_told_otherwise_before_is_told_on_the_first_page() -> None:
    built = written(Ground(PERIOD, Evidence(services=(service(),))))
    changed = Restatement("downtime.total", "Downtime", "1 h", "none seen")
    report = replace(built.report, version=2, restated=(changed,))
    doc = document(replace(built, report=report))
    assert "1 figure differs from version 1" in page(doc, "front")
    assert [cell.text for cell in table(doc, "restated").rows[0]] == [
        "Downtime",
        "1 h",
        "none seen",
    ]


@pytest.mark.parametrize(
    ("reactive", "ceiling", "title"),
    [
        (1, None, "Reactive work took 25 % of the noted time, under the ceiling of 50 %."),
        (9, None, "Reactive work took 75 % of the noted time, above the ceiling of 50 %."),
        (3, None, "Reactive work took 50 % of the noted time: its ceiling."),
        (
            1,
            Fraction(1, 10),
            "Reactive work took 25 % of the noted time, above the ceiling of 10 %.",
        ),
    ],
)
def test_reactive_work_against_its_ceiling(
    reactive: int, ceiling: Fraction | None, title: str
) -> None:
    rows = (work(WorkClass.REACTIVE, reactive), work(WorkClass.PREVENTIVE, 3, 2))
    agreed = Assumptions(reactive_ceiling=ceiling)
    doc = told(Evidence(desk=DeskEvidence(work=rows)), assumptions=agreed)
    assert chart(doc, "workload").title == title


def test_work_that_nobody_noted_is_not_drawn() -> None:
    doc = told(Evidence(desk=DeskEvidence()))
    assert not any(isinstance(one, Chart) and one.name == "workload" for one in blocks(doc))
    assert "No time of work is noted" in page(doc, "work")


def test_error_budgets_in_a_sentence() -> None:
    bad = service((State.DOWN, 2), name="bad", objective="99")
    dark = service((State.UNKNOWN, 3), name="dark", objective="99")
    good = service(name="good", objective="99")
    drawn = chart(told(Evidence(services=(bad, dark, good))), "budgets")
    assert drawn.title == (
        "1 of 3 services stayed inside the error budget; "
        "bad used 200 % of its budget; 1 cannot be judged."
    )
    assert isinstance(drawn.plot, BurnLines)
    first = drawn.plot.burns[0]
    assert (first.service, first.points[0][1], first.points[-1][1]) == ("bad", 1.0, -1.0)


def test_time_that_nobody_observed_is_a_gap_in_the_line() -> None:
    period = Interval(START, Instant(START + 100 * HOUR))
    dark = service((State.UP, 96), (State.UNKNOWN, 4), objective="50")
    drawn = chart(document(written(Ground(period, Evidence(services=(dark,))))), "budgets")
    assert isinstance(drawn.plot, BurnLines)
    last = drawn.plot.burns[0].points[-1]
    assert last[1] is None
    assert drawn.twin.rows[-1][1].text == "not observed"


def test_a_promise_of_no_failure_has_no_budget_to_draw() -> None:
    doc = told(Evidence(services=(service(objective="100"),)))
    assert "no error budget can be drawn" in page(doc, "work")


def request(number: int, hours: int | None, team: str = "web") -> RequestEvidence:
    """Return a request, and for how long it waited; None is that it still does."""
    usable = None if hours is None else Instant(hour(1) + hours * HOUR)
    outcome = "pending" if usable is None else "approved"
    return RequestEvidence(
        f"r{number}", team, "admin", hour(1), outcome, usable, hour(1), usable, refs=(number,)
    )


def test_waits_are_those_of_who_still_waits_too() -> None:
    rows = (request(1, 2), request(2, 4), request(3, None))
    drawn = chart(told(Evidence(access=AccessEvidence(requests=rows))), "waits")
    assert drawn.title == "Half of those who asked could use their access within 4 h."
    assert [cell.text for cell in drawn.twin.rows[2]] == ["4 h", "66 %"]


def test_nobody_asked_is_told_and_not_drawn() -> None:
    doc = told(Evidence(access=AccessEvidence()))
    assert "Nobody asked for access, so there is no wait to show." in page(doc, "work")


def incident(number: int, minutes: int) -> IncidentEvidence:
    """Return an incident that lasted so long."""
    start = hour(number)
    end = Instant(start + minutes * MINUTE)
    return IncidentEvidence(
        f"i{number}", "shop", "ops", start, start, start, end, visible=True, source="opskit",
        refs=(number,),
    )  # fmt: skip


def test_who_handled_an_incident_is_not_taken_for_the_owner() -> None:
    doc = told(Evidence(desk=DeskEvidence(incidents=(incident(1, 10),))))
    [row] = table(doc, "incidents").rows
    assert (row[1].text, row[1].under) == ("shop", "handled by ops")


def test_lengths_are_told_one_by_one_and_an_interval_only_of_enough() -> None:
    few = tuple(incident(number, 10 * number) for number in range(1, 4))
    drawn = chart(told(Evidence(desk=DeskEvidence(incidents=few))), "durations")
    assert drawn.title == "Half of 3 incidents were over within 20 min; the longest took 30 min."
    assert isinstance(drawn.plot, Dots)
    assert drawn.plot.rows[0].minutes == (10.0, 20.0, 30.0)
    assert drawn.plot.rows[0].middle is None


def friction(answered: int) -> Document:
    """Return the document of a question that so many answered."""
    asked = FrictionEvidence(hour(1), 9, answered, {"slow builds": answered}, (1,))
    return told(Evidence(word=WordEvidence(friction=(asked,))))


def test_answers_of_five_are_shown_by_theme() -> None:
    assert [cell.text for cell in table(friction(5), "friction").rows[0]] == ["slow builds", "5"]


def test_answers_of_fewer_than_five_are_hidden_everywhere() -> None:
    assert "slow builds" not in "\n".join(texts(friction(4).pages))
    assert "4 of 9 who were asked answered" in page(friction(4), "people")


def test_who_came_is_told_of_all_together() -> None:
    rows = tuple(
        ArrivalEvidence(f"a{number}", "web", hour(1), Instant(hour(1) + took * HOUR), (), (number,))
        for number, took in ((1, 2), (2, 6), (3, 4))
    )
    doc = told(Evidence(access=AccessEvidence(arrivals=rows)))
    (row,) = table(doc, "comings").rows
    assert [cell.text for cell in row[:6]] == ["Came", "all in place", "3", "4 h", "6 h", "none"]


def test_what_breaks_first_at_twice_the_load_is_on_top() -> None:
    rows = tuple(
        ProcessEvidence(name, arrivals, 1, Duration(10 * HOUR), (ref,))
        for name, arrivals, ref in (("calm", 1, 1), ("hot", 9, 2), ("dark", 9, 3))
    )
    numbers = {f"minutes.{name}": assumed(f"minutes.{name}", 60) for name in ("calm", "hot")}
    doc = told(
        Evidence(desk=DeskEvidence(processes=rows)),
        view=View.OPS,
        assumptions=Assumptions(numbers),
    )
    assert [row[0].text for row in table(doc, "doubling").rows] == ["hot", "calm", "dark"]
    assert "hot would break first" in page(doc, "ops")


def test_an_expired_assumption_is_marked() -> None:
    numbers = {"rate.hour": assumed("rate.hour", 70, date(2021, 1, 1))}
    doc = told(Evidence(), assumptions=Assumptions(numbers, currency="EUR"))
    (row,) = table(doc, "assumptions").rows
    assert row[-1].mark is Mark.MISSED
    assert row[-1].text == "expired 1 Jan 2021"


def test_money_is_told_only_where_somebody_asked_for_it() -> None:
    assert "money" not in {one.name for one in document(sample("month")).pages[-2].sections}
    assert "EUR" in page(document(sample("full")), "money")


def test_money_is_never_on_the_first_page() -> None:
    assert "EUR" not in page(document(sample("full"), View.MANAGER), "front")


def test_the_manager_gets_one_page_and_how_to_get_the_rest() -> None:
    doc = document(sample("full"), View.MANAGER)
    assert [one.name for one in doc.pages] == ["front"]
    assert "opskit report build --month 2026-10 --view whole" in page(doc, "front")


def test_a_team_reads_of_itself_alone() -> None:
    ours = (service(name="mine", refs=(1,)), service(name="theirs", refs=(2,)))
    rows = (replace(ours[0], owner="web"), replace(ours[1], owner="shop"))
    asked = AccessEvidence(requests=(request(3, 1), request(4, 1, "shop")))
    built = written(Ground(PERIOD, Evidence(services=rows, access=asked)))
    doc = document(built, View.TEAM, "web")
    assert "theirs" not in page(doc, "team")
    assert [row[0].text for row in table(doc, "team-requests").rows] == ["r3"]


def test_teams_are_those_of_all_evidence() -> None:
    rows = (replace(service(), owner="web"), replace(service(name="b"), owner=""))
    asked = AccessEvidence(requests=(request(3, 1, "shop"),))
    assert teams(written(Ground(PERIOD, Evidence(services=rows, access=asked)))) == ("shop", "web")


def trend(relief: str = "") -> Built:
    """Return the report of a disk that grew by 1 % an hour from 50 %."""
    samples = tuple((hour(at), Fraction(50 + at)) for at in range(10))
    one = TrendEvidence(
        "t", "/var", "%", Fraction(100), True, samples, hour(10), "rotated", relief, (1,)
    )  # fmt: skip
    return written(Ground(PERIOD, Evidence(warnings=WarningEvidence(trends=(one,)))))


def test_a_trend_is_run_on_to_the_day_of_its_limit() -> None:
    assert "/var would have reached 100 % on 17 Nov 2023." in page(document(trend()), "work")


def test_a_trend_that_could_have_turned_by_itself_gives_no_day() -> None:
    doc = document(trend("the rotation of Sunday"))
    assert "/var would have reached" not in page(doc, "work")
    assert table(doc, "replays").rows[0][1].text == "cannot be told"


def test_months_are_drawn_with_the_limits_that_the_comparison_used() -> None:
    built = sample("full")
    drawn = chart(document(built), "months-downtime-total")
    assert isinstance(drawn.plot, Process)
    assert len(drawn.plot.months) == 13
    assert drawn.plot.limits is not None
    low, _, high = drawn.plot.limits
    now = drawn.plot.months[-1].value
    assert now is not None
    assert low <= now <= high
    assert "within the normal variation" in drawn.title


def test_a_month_without_a_value_is_a_gap() -> None:
    busy = Evidence(desk=DeskEvidence(work=(work(WorkClass.REACTIVE, 1),)))
    quiet = Evidence(desk=DeskEvidence())
    past = (Past(month(2023, 1, UTC), busy), Past(month(2023, 2, UTC), quiet))
    built = written(Ground(month(2023, 3, UTC), busy, past))
    drawn = chart(document(built), "months-work-reactive")
    assert isinstance(drawn.plot, Process)
    assert [one.value for one in drawn.plot.months] == [100.0, None, 100.0]
    assert drawn.plot.limits is None


def test_a_period_that_is_no_month_is_held_against_none() -> None:
    rows = (work(WorkClass.REACTIVE, 1),)
    past = (Past(month(2023, 1, UTC), Evidence()),)
    doc = told(Evidence(desk=DeskEvidence(work=rows)), past=past)
    assert "Only a whole month that is over" in page(doc, "work")
