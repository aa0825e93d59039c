"""Alerts that become incidents: what is one, when it is over, what is written once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from opskit.core.clock import HOUR, MINUTE, Duration, FrozenClock, Instant
from opskit.desk.incidents.arising import Policy
from opskit.desk.incidents.keeping import Incidents
from opskit.desk.incidents.model import Incident, Severity, Status, Warned
from opskit.desk.incidents.watching import IncidentWatch
from opskit.outside.database import Database
from opskit.records.ledger import Ledger, head

START = Instant(1_790_000_000_000_000)
POLICY = Policy(
    frozenset({"page", "critical"}),
    frozenset({"critical"}),
    ("service",),
    Duration(30 * MINUTE),
    Duration(15 * MINUTE),
)


@dataclass
class Alarms:
    """What fires, by name."""

    known: dict[str, Warned] = field(default_factory=dict)

    def since(self, at: Instant) -> list[Warned]:
        there = (one for one in self.known.values() if one.ended is None or one.ended >= at)
        return sorted(there, key=lambda one: (one.begun, one.name))


@dataclass
class Room:
    """A desk that looks at alerts each minute."""

    database: Database
    clock: FrozenClock
    alarms: Alarms = field(default_factory=Alarms)

    def fires(self, name: str, service: str = "shop", severity: str = "page") -> None:
        labels = {"alertname": "Down", "service": service}
        self.alarms.known[name] = Warned(
            name, f"look-{service}", f"{service} is down", severity, labels, self.clock.now(),
            service=service, team="web", visible=True,
        )  # fmt: skip

    def ends(self, name: str) -> None:
        self.alarms.known[name] = replace(self.alarms.known[name], ended=self.clock.now())

    def later(self, minutes: int) -> None:
        for _ in range(minutes):
            self.clock.advance(MINUTE)
            self.look()

    def look(self) -> int:
        ledger = Ledger(self.clock, "opskit")
        return IncidentWatch(self.database, ledger, self.clock, self.alarms, POLICY).look()

    def said(self, by: str = "ada") -> Incidents:
        return Incidents(self.database, Ledger(self.clock, f"person:{by}"), self.clock, by)

    @property
    def one(self) -> Incident:
        return self.said().one("INC-1")

    @property
    def open(self) -> list[str]:
        return [one.name for one in self.said().open_now()]


@pytest.fixture
def room(database: Database) -> Room:
    return Room(database, FrozenClock(START))


def test_alerts_of_one_service_are_one_incident(room: Room) -> None:
    room.fires("a1")
    room.fires("a2")
    room.fires("b1", service="mail", severity="critical")
    room.fires("c1", service="blog", severity="ticket")
    assert room.look() == 2
    shop, mail = room.said().open_now()
    assert [one.name for one in shop.alarms] == ["a1", "a2"]
    assert (shop.severity, mail.severity) == (Severity.MAJOR, Severity.CRITICAL)
    assert (shop.opening.team, shop.opening.visible, shop.opening.source) == ("web", True, "alert")


def test_a_look_that_finds_nothing_new_writes_nothing(room: Room) -> None:
    room.fires("a1")
    room.look()
    with room.database.read() as connection:
        before = head(connection)
    room.later(5)
    with room.database.read() as connection:
        assert head(connection) == before


def test_it_is_over_for_users_with_the_last_alert_and_resolved_by_whoever_has_it(
    room: Room,
) -> None:
    room.fires("a1")
    room.later(1)
    room.fires("a2")
    room.said().acknowledge("INC-1")
    room.later(5)
    room.ends("a1")
    room.later(5)
    assert room.one.status is Status.ACKNOWLEDGED
    room.ends("a2")
    over = room.clock.now()
    room.later(60)
    assert (room.one.status, room.one.mitigated_at) == (Status.MITIGATED, over)
    room.said().resolve("INC-1", "a full disk")
    assert room.one.over_at == over


def test_what_nobody_had_in_hand_is_resolved_by_itself(room: Room) -> None:
    room.fires("a1")
    room.later(3)
    room.ends("a1")
    over = room.clock.now()
    room.later(14)
    assert room.one.status is Status.MITIGATED
    room.later(2)
    assert (room.one.status, room.one.resolved_at) == (Status.RESOLVED, over)
    assert "nobody had it in hand" in room.one.cause


def test_what_fires_again_soon_is_back_and_later_is_another(room: Room) -> None:
    room.fires("a1")
    room.later(3)
    room.ends("a1")
    room.later(20)
    room.fires("a2")
    assert room.look() == 0
    assert (room.one.status, room.one.reopened) == (Status.OPEN, 1)
    room.later(5)
    room.ends("a2")
    room.later(60)
    room.fires("a3")
    assert room.look() == 1
    assert room.open == ["INC-2"]
    assert room.said().one("INC-2").opening.fingerprint == room.one.opening.fingerprint


def test_one_that_began_before_the_end_but_was_seen_after_keeps_it_open(room: Room) -> None:
    room.fires("a1")
    late = replace(room.alarms.known["a1"], name="a0")
    room.later(3)
    room.ends("a1")
    room.later(1)
    room.alarms.known["a0"] = late
    room.later(1)
    assert room.one.status is Status.OPEN
    room.ends("a0")
    room.look()
    assert (room.one.status, room.one.mitigated_at) == (Status.MITIGATED, room.clock.now())


def test_who_takes_the_alert_has_the_incident(room: Room) -> None:
    room.fires("a1")
    room.look()
    alert = room.alarms.known["a1"]
    room.alarms.known["a1"] = replace(alert, taken_by="ben", taken_at=Instant(START + MINUTE))
    room.later(2)
    assert (room.one.owner, room.one.acknowledged_at) == ("ben", START + MINUTE)


def test_alerts_of_one_that_was_merged_join_the_other(room: Room) -> None:
    room.fires("a1")
    room.fires("b1", service="mail")
    room.look()
    room.said().merge("INC-2", "INC-1")
    room.fires("b2", service="mail")
    assert room.look() == 0
    assert [one.name for one in room.one.alarms] == ["a1", "b1", "b2"]
    for name in ("a1", "b1"):
        room.ends(name)
    room.later(1)
    assert room.one.status is Status.OPEN


def test_what_somebody_says_is_back_is_so_although_no_alert_fires(room: Room) -> None:
    room.fires("a1")
    room.later(3)
    room.ends("a1")
    room.later(20)
    room.said().reopen("INC-1", "users still call")
    with room.database.read() as connection:
        before = head(connection)
    room.later(60)
    assert room.one.status is Status.OPEN
    with room.database.read() as connection:
        assert head(connection) == before


def test_one_that_nobody_saw_fire_opens_nothing(room: Room) -> None:
    room.fires("a1")
    room.clock.advance(HOUR)
    room.ends("a1")
    assert room.look() == 0
    assert room.open == []
