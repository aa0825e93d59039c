"""A report is its evidence: the same again for the same, and nothing in it without a source."""

from __future__ import annotations

import json
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from opskit.core.clock import HOUR
from opskit.core.evidence import Blip, Evidence
from opskit.core.hosts import Verdict
from opskit.core.interval import Interval, State, Stretch
from opskit.report.ground import Ground
from opskit.report.inputs import Seal
from opskit.report.model import Report
from opskit.report.render import json as as_json
from tests.report.evidence import (
    PERIOD,
    UTC,
    at,
    drift,
    hosts_of,
    hour,
    report,
    run,
    service,
    written,
)

BERLIN = ZoneInfo("Europe/Berlin")
DOWN, UNKNOWN = State.DOWN, State.UNKNOWN
WHOLE = Evidence(
    (service((DOWN, 1), objective="99.9"), service((UNKNOWN, 2), name="mail", refs=(3, 4))),
    (drift(10, 20), drift(30, host="web2", ref=11)),
    (
        run(5, drifted=2),
        run(25, compliant=1, unreachable=1, ref=21),
        run(40, state="running", ref=22),
    ),
    {"access": "no access targets are configured"},
    hosts_of([run(25, compliant=1, unreachable=1, ref=21)]),
)  # fmt: skip


def built(evidence: Evidence = WHOLE, *, period: Interval = PERIOD, zone: ZoneInfo = UTC) -> Report:
    """Build the report of a period."""
    return report(evidence, period, zone)


def test_the_same_evidence_gives_the_same_report() -> None:
    first, second = (written(Ground(PERIOD, WHOLE)) for _ in range(2))
    assert first.report.id == second.report.id
    assert as_json.render(first) == as_json.render(second)


@pytest.mark.parametrize(
    "evidence",
    [
        replace(WHOLE, services=WHOLE.services[:1]),
        replace(WHOLE, services=(service((DOWN, 2), objective="99.9"), WHOLE.services[1])),
        replace(WHOLE, drifts=WHOLE.drifts[:1]),
        replace(WHOLE, runs=WHOLE.runs[1:]),
        replace(WHOLE, not_configured={}),
    ],
    ids=["service gone", "longer outage", "drift gone", "run gone", "gap closed"],
)
def test_other_evidence_gives_another_id(evidence: Evidence) -> None:
    assert built(evidence).id != built().id


def test_another_ledger_gives_another_id() -> None:
    other = written(Ground(PERIOD, WHOLE), seal=Seal(40, "f" * 64))
    assert other.report.id != built().id


def test_every_entry_that_is_named_is_there() -> None:
    whole = built()
    shown = {row.seq for row in whole.entries}
    named = {ref for figure in whole.figures for ref in figure.refs}
    named |= {ref for row in whole.drifts for ref in row.refs}
    named |= {ref for row in whole.runs for ref in row.refs}
    named |= {ref for one in whole.services for outage in one.outages for ref in outage.refs}
    assert named <= shown
    assert named
    assert [row.seq for row in whole.entries] == sorted(shown)


def test_no_entry_is_shown_that_nothing_rests_on() -> None:
    whole = built()
    assert {row.seq for row in whole.entries} == {ref for one in whole.figures for ref in one.refs}


def test_each_figure_has_an_id_of_its_own() -> None:
    ids = [figure.id for figure in built().figures]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("start", "end", "title"),
    [
        ("2026-10-01T00:00", "2026-11-01T00:00", "in October 2026"),
        ("2026-02-01T00:00", "2026-03-01T00:00", "in February 2026"),
        ("2026-12-01T00:00", "2027-01-01T00:00", "in December 2026"),
        ("2026-10-01T00:00", "2026-10-12T09:30", "in October 2026, up to 12 October 09:30"),
        ("2026-10-01T00:00", "2026-10-12T00:00", "in October 2026, up to 11 October"),
        ("2026-10-01T12:00", "2026-11-01T12:00", "from 1 October 2026 to 1 November 2026"),
        ("2026-10-01T12:00", "2026-11-01T00:00", "from 1 October 2026 to 31 October 2026"),
        ("2026-10-01T00:00", "2026-12-01T00:00", "from 1 October 2026 to 30 November 2026"),
        ("2026-10-05T00:00", "2026-10-12T00:00", "from 5 October 2026 to 11 October 2026"),
        ("2026-10-05T08:00", "2026-10-12T17:00", "from 5 October 2026 to 12 October 2026"),
        ("2026-10-05T00:00", "2026-10-06T00:00", "on 5 October 2026"),
        ("2026-10-05T08:00", "2026-10-05T17:30", "on 5 October 2026, 08:00 to 17:30"),
        ("2026-10-05T08:00", "2026-10-06T00:00", "on 5 October 2026, 08:00 to 24:00"),
        ("2026-10-01T00:00", "2026-10-01T10:00", "on 1 October 2026, 00:00 to 10:00"),
        ("2026-10-31T08:00", "2026-11-02T17:30", "from 31 October 2026 to 2 November 2026"),
        ("2026-10-25T00:00", "2026-10-26T00:00", "on 25 October 2026"),
    ],
)
def test_the_title_says_which_time_is_meant(start: str, end: str, title: str) -> None:
    period = Interval(at(start, BERLIN), at(end, BERLIN))
    whole = built(Evidence(), period=period, zone=BERLIN)
    assert whole.title == f"Operations {title}"


def test_a_report_of_nothing_says_that_it_is_one() -> None:
    whole = built(Evidence())
    assert whole.front.sentence == "No service is monitored; no host was checked."
    assert (whole.services, whole.drifts, whole.runs) == ((), (), ())
    words = {"not checked", "0", "not configured"}
    assert all(figure.display in words for figure in whole.figures)


def gaps(evidence: Evidence) -> list[tuple[str, str]]:
    return [(gap.subject, gap.reason) for gap in built(evidence).gaps]


def test_what_could_not_be_seen_is_listed() -> None:
    assert gaps(WHOLE) == [
        ("access", "no access targets are configured"),
        ("mail", "not observed for 2 h while it was monitored"),
        ("check-25", "1 host unreachable"),
        ("check-40", "this run is running: it says nothing of its hosts"),
    ]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (State.UNKNOWN, "not observed for 4 d 4 h while it was monitored"),
        (State.EXCLUDED, "not monitored in this period"),
        (State.MAINTENANCE, "in maintenance whenever it was monitored"),
    ],
)
def test_a_service_that_was_not_seen_at_all_is_a_gap(state: State, reason: str) -> None:
    assert gaps(Evidence((service((state, 100)),))) == [("shop", reason)]


@pytest.mark.parametrize("verdict", [Verdict.UNREACHABLE, Verdict.NOT_EVALUATED, Verdict.FAILED])
def test_a_host_that_was_not_judged_is_a_gap(verdict: Verdict) -> None:
    found = gaps(Evidence(runs=(run(1, hosts={Verdict.COMPLIANT: 1, verdict: 2}),)))
    assert found == [("check-1", f"2 hosts {verdict}")]


def test_an_apply_leaves_judging_to_the_check_after_it() -> None:
    hosts = {Verdict.NOT_EVALUATED: 2, Verdict.UNREACHABLE: 1}
    assert gaps(Evidence(runs=(run(1, "apply", hosts=hosts),))) == [
        ("apply-1", "1 host unreachable")
    ]


def test_touching_outages_are_one_whatever_their_reasons() -> None:
    parts = (
        Stretch(hour(0), hour(10), State.UP),
        Stretch(hour(10), hour(11), DOWN, "refused", (5,)),
        Stretch(hour(11), hour(12), DOWN, "timed out", (6,)),
        Stretch(hour(12), hour(13), State.UP),
        Stretch(hour(13), hour(14), DOWN, "refused", (7,)),
        Stretch(hour(14), hour(100), State.UP),
    )
    one = replace(service(refs=range(1, 9)), timeline=parts)
    (shop,) = built(Evidence((one,))).services
    found = [(outage.start, outage.end, outage.reason, outage.refs) for outage in shop.outages]
    assert found == [(hour(10), hour(12), "refused", (5, 6)), (hour(13), hour(14), "refused", (7,))]


def test_a_service_is_shown_with_its_bounds() -> None:
    one = replace(
        service((DOWN, 1), (UNKNOWN, 2), objective="99.9", edge=HOUR),
        blips=(Blip(hour(3), "shop/http", "timed out"),),
    )
    (shop,) = built(Evidence((one,))).services
    assert (shop.objective, shop.met) == ("99.9 %", None)
    assert (shop.low, shop.high, shop.coverage) == ("97 %", "99 %", "98 %")
    assert (shop.downtime, shop.edge, shop.blips) == ("1 h", "1 h", 1)
    assert sum(cell.time.down for cell in shop.ribbon) == HOUR


def test_instants_and_numbers_in_json_are_whole() -> None:
    def floats(value: object) -> bool:
        if isinstance(value, dict):
            return any(map(floats, value.values()))
        return any(map(floats, value)) if isinstance(value, list) else isinstance(value, float)

    assert not floats(json.loads(as_json.render(written(Ground(PERIOD, WHOLE)))))
