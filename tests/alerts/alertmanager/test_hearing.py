"""What others tell of alerts: once, twice, late or in another order, it makes the same story."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from opskit.alerts.alertmanager.messages import PostedAlert, WebhookMessage
from opskit.alerts.firing import Firing, fingerprint
from opskit.alerts.hearing import Heard, Hearing
from opskit.alerts.incoming import History, Word
from opskit.alerts.store import firings
from opskit.core.clock import HOUR, MINUTE, SECOND, FrozenClock, Instant, iso
from opskit.core.errors import DataError
from opskit.core.interval import Interval
from opskit.outside.bodies import read_body
from opskit.outside.database import Database
from opskit.records.ledger import Ledger, entries

NEVER = "0001-01-01T00:00:00Z"


@dataclass
class Desk:
    """Takes messages, and tells what became of them, in minutes from noon."""

    database: Database
    clock: FrozenClock

    def __post_init__(self) -> None:
        self.noon = self.clock.now()
        self.hearing = Hearing(self.database, Ledger(self.clock, "test"), self.clock)

    def at(self, minute: float) -> str:
        return iso(Instant(self.noon + int(minute * MINUTE)))

    def passes(self, minutes: float) -> None:
        self.clock.advance(int(minutes * MINUTE))

    def hears(self, name: str, begun: float, ended: float | None = None) -> Heard:
        """Take one alert of a webhook."""
        one = {
            "status": "firing" if ended is None else "resolved",
            "labels": {"alertname": name},
            "startsAt": self.at(begun),
            "endsAt": NEVER if ended is None else self.at(ended),
        }
        message = json.dumps({"version": "4", "alerts": [one]}).encode()
        now = self.clock.now()
        words = [alert.told(now) for alert in read_body(message, WebhookMessage).alerts]
        return self.hearing.take("am", words)

    def posted(self, name: str, begun: float | None, until: float | None) -> Heard:
        """Take one alert of the API."""
        times = {"startsAt": begun, "endsAt": until}
        given = {key: self.at(value) for key, value in times.items() if value is not None}
        body = json.dumps({"labels": {"alertname": name}, **given}).encode()
        word = read_body(body, PostedAlert).posted(self.clock.now())
        return self.hearing.take("api", [word])

    @property
    def rows(self) -> list[Firing]:
        with self.database.read() as connection:
            return list(firings.within(connection, Interval(Instant(0), Instant(2**60))))

    @property
    def stories(self) -> list[tuple[str, float, float | None]]:
        return [(one.name, self._at(one.starts_at), self._at(one.ends_at)) for one in self.rows]  # type: ignore[misc]  # they began

    def _at(self, at: Instant | None) -> float | None:
        return None if at is None else (at - self.noon) / MINUTE

    @property
    def ledger(self) -> list[tuple[str, dict[str, Any]]]:
        with self.database.read() as connection:
            return [(one.kind, json.loads(one.data)) for one in entries(connection)]


@pytest.fixture
def desk(database: Database, clock: FrozenClock) -> Desk:
    return Desk(database, clock)


def test_an_alert_begins_and_ends_with_its_evidence(desk: Desk) -> None:
    assert desk.hears("Down", -5) == Heard(fired=1)
    assert desk.stories == [("Down", -5, None)]
    assert desk.hears("Down", -5, -1) == Heard(resolved=1)
    (row,) = desk.rows
    assert (row.source, row.rule, row.refs) == ("am", "Down", (1, 2))
    kinds, told = zip(*desk.ledger, strict=True)
    assert kinds == ("alert.fired", "alert.resolved")
    assert {one["fingerprint"] for one in told} == {fingerprint({"alertname": "Down"})}
    assert told[0]["labels"] == {"alertname": "Down"}


def test_what_is_said_twice_is_written_once(desk: Desk) -> None:
    for _ in range(3):
        desk.hears("Down", -5)
    for _ in range(3):
        desk.hears("Down", -5, -1)
    assert len(desk.rows) == 1
    assert len(desk.ledger) == 2


def test_the_end_of_an_alert_that_nobody_knew_is_a_story_that_is_over(desk: Desk) -> None:
    assert desk.hears("Down", -5, -1) == Heard(fired=1, resolved=1)
    assert desk.hears("Down", -5) == Heard()
    assert desk.stories == [("Down", -5, -1)]


def test_an_alert_whose_end_was_lost_was_over_when_it_began_anew(desk: Desk) -> None:
    desk.hears("Down", -50)
    desk.hears("Down", -5)
    assert desk.stories == [("Down", -50, -5), ("Down", -5, None)]
    desk.hears("Down", -50, -40)
    assert desk.stories == [("Down", -50, -40), ("Down", -5, None)]


def test_an_alert_that_is_said_to_fire_long_after_its_end_is_back(desk: Desk) -> None:
    """Alertmanager says so where it had lost the sight of a Prometheus for a while."""
    desk.hears("Down", -50)
    desk.hears("Down", -50, -1)
    desk.hears("Down", -50)
    assert desk.stories == [("Down", -50, -1)]
    desk.passes(30)
    desk.hears("Down", -50)
    desk.hears("Down", -50)
    assert desk.stories == [("Down", -50, -1), ("Down", 30, None)]
    desk.hears("Down", -50, -1)
    assert desk.stories == [("Down", -50, -1), ("Down", 30, None)]
    desk.passes(5)
    desk.hears("Down", -50, 33)
    assert desk.stories == [("Down", -50, -1), ("Down", 30, 33)]


def test_a_posted_alert_ends_unless_it_is_sent_again(desk: Desk) -> None:
    desk.posted("Down", -1, 4)
    desk.passes(3)
    assert desk.posted("Down", -1, 7) == Heard()
    assert desk.hearing.lapse() == Heard()
    desk.passes(5)
    assert desk.hearing.lapse() == Heard(resolved=1)
    assert desk.hearing.lapse() == Heard()
    assert desk.stories == [("Down", -1, 7)]
    desk.posted("Down", -1, 12)
    assert desk.stories == [("Down", -1, 7), ("Down", 8, 12)]


def test_a_posted_alert_ends_when_its_end_is_said(desk: Desk) -> None:
    desk.posted("Down", -2, 4)
    desk.passes(1)
    assert desk.posted("Down", -2, 0.5) == Heard(resolved=1)
    assert desk.posted("Down", -2, 0.5) == Heard()
    assert desk.stories == [("Down", -2, 0.5)]


def test_two_that_watch_the_same_post_one_alert(desk: Desk) -> None:
    desk.posted("Down", -1, 4)
    desk.posted("Down", -2, 3)
    desk.posted("Down", None, None)
    assert desk.stories == [("Down", -1, 5)]


def test_a_posted_end_of_what_nobody_knew_is_nothing(desk: Desk) -> None:
    assert desk.posted("Down", -5, -1) == Heard()
    assert desk.rows == []


SPELLS = st.lists(
    st.tuples(st.sampled_from("AB"), st.integers(1, 3), st.one_of(st.none(), st.integers(1, 9))),
    min_size=2,
    max_size=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), spells=SPELLS)
def test_in_any_order_and_however_often_it_is_the_same_story(
    data: st.DataObject, spells: list[tuple[str, int, int | None]]
) -> None:
    """A spell is a name, minutes before noon, and seconds before noon of its end."""
    said: list[tuple[str, str, int, int | None]] = []
    for name, begun, ended in spells:
        said.append(("firing", name, begun, None))
        if ended is not None:
            said.append(("resolved", name, begun, ended))
    repeated = data.draw(st.permutations([*said, *data.draw(st.lists(st.sampled_from(said)))]))
    assert _story(repeated) == _story(said)


def _story(said: Sequence[tuple[str, str, int, int | None]]) -> dict[str, Any]:
    now = Instant(1_000 * HOUR)
    known: dict[str, History] = {}
    for status, name, begun, ended in said:
        end = now - (ended or 0) * SECOND
        message = {
            "status": status,
            "labels": {"alertname": name},
            "startsAt": iso(now - begun * MINUTE),
            "endsAt": NEVER if ended is None else iso(end),
        }
        body = json.dumps({"version": "4", "alerts": [message]}).encode()
        (alert,) = read_body(body, WebhookMessage).alerts
        word: Word = alert.told(now)
        known[name] = word.heard(known.get(name, ()), "am", now)
    return {name: sorted(story, key=lambda one: one.since) for name, story in known.items()}


HOSTILE = {
    "a million labels": {"labels": {f"l{i}": "" for i in range(101)}},
    "a long value": {"labels": {"a": "x" * 5_001}},
    "a long name": {"labels": {"a" * 251: "x"}},
    "no text": {"labels": {"a": 1}},
    "no time": {"startsAt": "yesterday"},
    "no zone": {"startsAt": "2026-11-23T10:00:00"},
    "another status": {"status": "gone"},
}


@pytest.mark.parametrize("wrong", HOSTILE.values(), ids=HOSTILE)
def test_a_message_that_is_too_much_is_refused(wrong: dict[str, Any]) -> None:
    right = {"status": "firing", "labels": {"a": "b"}, "startsAt": "2026-11-23T10:00:00Z"}
    read_body(json.dumps({"version": "4", "alerts": [right], "new": 1}).encode(), WebhookMessage)
    message = json.dumps({"version": "4", "alerts": [{**right, **wrong}]}).encode()
    with pytest.raises(DataError) as caught:
        read_body(message, WebhookMessage)
    assert "xxx" not in caught.value.message


def test_of_a_million_mistakes_one_is_looked_at() -> None:
    body = b'{"version": "4", "alerts": [' + b",".join([b"1"] * 400_000) + b"]}"
    with pytest.raises(DataError) as caught:
        read_body(body, WebhookMessage)
    assert len(caught.value.__cause__.errors()) == 1  # type: ignore[union-attr]  # pydantic's
