"""Time that a team keeps free: what waits, what does not, and what is kept of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from opskit.core.clock import HOUR, MINUTE, Duration, FrozenClock, Instant, parse_instant
from opskit.core.errors import ConfigError, Refused
from opskit.core.interval import Interval
from opskit.focusing import Focusing
from opskit.outside.config import load
from opskit.outside.database import Database
from opskit.records.ledger import LEDGER, Ledger
from tests.alerts.watch import Shop

RULES = """\
groups:
  - name: shop
    rules:
      - {alert: Down, expr: "down == 1", labels: {severity: page, team: web}}
      - {alert: Slow, expr: "down == 2", labels: {severity: ticket, team: web}}
      - {alert: Full, expr: "down == 3", labels: {severity: ticket}}
      - {alert: Odd, expr: "down == 4", labels: {severity: ticket, team: data}}
"""
ROUTES = """\
route:
  {receiver: ops, group_by: [alertname], group_wait: 0s, group_interval: 1m, repeat_interval: 4h}
receivers:
  - {name: ops, channels: [pager]}
"""
DESK = """\
focus:
  - team: web
    hours: [{days: [tue], from: "13:00", to: "15:00"}]
    timezone: Europe/Berlin
"""
BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> Instant:
    return parse_instant(text, BERLIN)


@dataclass
class Place:
    """An ops repository with a desk, and a shop whose alerts are routed there."""

    shop: Shop
    focusing: Focusing

    def until(self, text: str) -> None:
        """Let time pass up to a time of day in Berlin, with a look each minute."""
        end = at(f"2026-11-24T{text}")
        while self.shop.clock.now() < end:
            self.shop.look()
            self.shop.clock.advance(MINUTE)
        self.shop.look()

    @property
    def told(self) -> list[tuple[str, object]]:
        with self.shop.database.read() as connection:
            rows = connection.execute(
                sa.select(LEDGER).where(LEDGER.c.kind.like("focus.%")).order_by(LEDGER.c.seq)
            )
            return [(row.kind, row.subject) for row in rows]


@pytest.fixture
def place(tmp_path: Path, database: Database) -> Place:
    (tmp_path / "opskit.yaml").write_text("timezone: UTC\n")
    (tmp_path / "desk.yaml").write_text(DESK)
    clock = FrozenClock(at("2026-11-24T12:50"))
    focusing = Focusing(
        load(tmp_path / "opskit.yaml", {}, tmp_path),
        database,
        Ledger(clock, "person:ada"),
        clock,
        owners=lambda: {"shop": "web", "lake": "data"},
        teams=lambda: ("web", "data"),
    )
    return Place(Shop(tmp_path, database, clock, RULES, ROUTES, focusing=focusing), focusing)


def test_what_does_not_page_waits_for_the_end_and_comes_as_one_message(place: Place) -> None:
    place.until("13:05")
    # A team's alert, one of a service that it owns, and one of another team.
    place.shop.down = {"till": 2, "shop": 3, "lake": 4}
    place.until("14:59")
    assert place.shop.said == ["firing: Odd"]
    place.until("15:02")
    assert len(place.shop.said) == 2
    digest = json.loads(place.shop.channels["pager"].got[-1].body)["notice"]
    assert "Slow" in str(digest)
    assert "Full" in str(digest)


def test_what_pages_is_told_at_once(place: Place) -> None:
    place.until("13:05")
    place.shop.down = {"till": 1}
    place.until("13:06")
    assert place.shop.said == ["firing: Down"]


def test_a_window_opens_once_and_stays_ended(place: Place) -> None:
    place.until("13:10")
    ended = place.focusing.keeping.end("web")
    assert ended.interval == Interval(at("2026-11-24T13:00"), at("2026-11-24T15:00"))
    place.until("14:00")
    assert place.told == [("focus.begun", "team/web"), ("focus.ended", "team/web")]
    assert place.focusing.keeping.current() == ()


def test_one_that_is_begun_reaches_into_the_weekly_one(place: Place) -> None:
    opened = place.focusing.begin("web", Duration(HOUR))
    assert opened.interval == Interval(at("2026-11-24T12:50"), at("2026-11-24T15:00"))
    with pytest.raises(Refused, match="in focus already"):
        place.focusing.begin("web", Duration(HOUR))
    place.until("14:00")
    assert len(place.told) == 1


def test_only_a_team_that_there_is_can_be_in_focus(place: Place) -> None:
    with pytest.raises(ConfigError, match="did you mean data"):
        place.focusing.begin("dta", Duration(HOUR))
    with pytest.raises(ConfigError, match="data is not in focus"):
        place.focusing.keeping.end("data")
