"""`alerts load`: how often each shift of a rota was called, never of a person."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from opskit.alerts.routing.load import Call, Load, loads
from opskit.alerts.routing.plan import Plan, planned
from opskit.alerts.routing.settings import Routes
from opskit.alerts.store import notices
from opskit.core.clock import DAY, HOUR, Instant, SystemClock, parse_instant
from opskit.core.interval import Interval
from opskit.outside.database import Database, sqlite_url
from tests.alerts.past import Past
from tests.cli.inside import Inside

ROUTES = """\
route: {receiver: duty}
receivers:
  - {name: duty, rota: primary}
  - {name: up, rota: second, channels: [room]}
rotas:
  - name: primary
    zone: UTC
    most_calls: 2
    layers: [{people: [ada, ben], start: 2026-01-05T09:00, turn: 7d}]
  - {name: second, zone: UTC, layers: [{people: [cem], start: 2026-01-05T09:00, turn: 7d}]}
contacts: {ada: ["mail:ada@example.com"], ben: ["mail:ben@example.com"], cem: [phone]}
"""
ADA, BEN = "mail:ada@example.com", "mail:ben@example.com"


def moment(text: str) -> Instant:
    return parse_instant(text, ZoneInfo("UTC"))


@pytest.fixture
def plan() -> Plan:
    return planned(Routes.model_validate(yaml.safe_load(ROUTES)))


def call(day: str, *told: str, after_hours: bool = False) -> Call:
    return Call(moment(day), frozenset(told), after_hours)


def within(plan: Plan, *calls: Call, end: str = "2026-01-26T00:00Z") -> tuple[Load, ...]:
    return loads(plan, calls, Interval(moment("2026-01-05T00:00Z"), moment(end)))


def test_calls_are_counted_by_the_shift_that_they_came_in(plan: Plan) -> None:
    first, second = within(
        plan,
        call("2026-01-06T10:00Z", ADA),
        call("2026-01-07T10:00Z", ADA, "room", "phone", after_hours=True),
        call("2026-01-12T08:59Z", ADA, "elsewhere"),
        call("2026-01-12T09:00Z", BEN),
    )
    assert (first.calls, first.total, first.after_hours, first.over) == ((3, 1, 0), 4, 1, 1)
    assert (second.calls, second.limit, second.over) == ((1,), None, 0)


def test_what_did_not_reach_who_was_on_call_is_no_call_of_the_rota(plan: Plan) -> None:
    first, second = within(plan, call("2026-01-06T10:00Z", BEN), call("2026-01-06T10:00Z", "room"))
    assert (first.total, second.total) == (0, 0)


def test_no_call_is_counted_in_two_periods_or_in_none(plan: Plan) -> None:
    middle = "2026-01-15T00:00Z"
    called = (call("2026-01-14T23:59Z", BEN), call(middle, BEN))
    before, _ = within(plan, *called, end=middle)
    after, _ = loads(plan, called, Interval(moment(middle), moment("2026-01-26T00:00Z")))
    assert (before.calls, after.calls) == ((0, 1), (1, 0))


def test_without_a_shift_there_is_no_mean(plan: Plan) -> None:
    before = Interval(moment("2025-01-01"), moment("2025-02-01"))
    assert loads(plan, (call("2025-01-06T10:00Z", ADA),), before)[0].each is None


@pytest.fixture
def past(ops: Path, inside: Inside) -> Iterator[Past]:
    (ops / "alerts").mkdir(exist_ok=True)
    (ops / "alerts/routes.yaml").write_text(ROUTES.replace("channels: [room]", "channels: [mail]"))
    assert inside("alerts", "load").code == 3
    opened = Database.open(sqlite_url(ops / ".opskit" / "opskit.db"))
    yield Past(opened, SystemClock().now())
    opened.close()


def calls(past: Past, ago: int, *, occasion: str = "news", severity: str = "critical") -> None:
    """Write three messages to whoever was on call, one after the other."""
    at = Instant(past.now - ago)
    for n in range(3):
        owed = notices.Owed(
            f"{ago}/{occasion}/{severity}/{n}", at, "g", occasion, severity,
            (ADA, BEN), ("f",), (), (1,),
        )  # fmt: skip
        with past.database.write() as connection:
            notices.keep(connection, owed)


def test_a_shift_with_too_many_calls_is_a_finding(past: Past, inside: Inside) -> None:
    past.fired("s/ServiceDown", 10 * DAY, HOUR, service="shop")
    assert inside("alerts", "load").code == 0
    calls(past, 10 * DAY)
    calls(past, 10 * DAY, occasion="reminder")
    calls(past, 10 * DAY, severity="info")
    done = inside("alerts", "load", "--json")
    (one, _) = json.loads(done.out)["rotas"]
    assert (one["calls"], one["most"], one["limit"], one["over_limit"]) == (3, 3, 2, 1)
    assert done.code == 1
    assert f"primary: 1 shift of {one['shifts']} called more than 2 times" in done.err
    table = inside("alerts", "load").out
    assert "per shift" in table
    assert "ada" not in table + done.out


def test_without_routes_there_is_nobody_on_call(past: Past, ops: Path, inside: Inside) -> None:
    past.fired("s/ServiceDown", 10 * DAY, HOUR, service="shop")
    (ops / "alerts/routes.yaml").unlink()
    assert inside("alerts", "load").code == 2
