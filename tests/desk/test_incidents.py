"""Incidents as people tell of them: what may follow, what may not, who had it in hand when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import sqlalchemy as sa

from opskit.core.clock import HOUR, MINUTE, FrozenClock, Instant
from opskit.core.errors import ConfigError, Refused
from opskit.desk.incidents.keeping import Incidents
from opskit.desk.incidents.model import Incident, Kind, Opening, Severity, Status
from opskit.outside.database import Database
from opskit.records.ledger import LEDGER, Ledger, verify

START = Instant(1_790_000_000_000_000)


@dataclass
class Desk:
    database: Database
    clock: FrozenClock

    def __call__(self, by: str = "ada") -> Incidents:
        return Incidents(self.database, Ledger(self.clock, f"person:{by}"), self.clock, by)

    def open(self, **said: object) -> Incident:
        now = self.clock.now()
        opening = Opening("The shop is slow", Severity.MAJOR, now, now, "person", "shop", "web")
        return self().open(replace(opening, **said))  # type: ignore[arg-type]  # as the test says

    def later(self, minutes: int) -> Instant:
        self.clock.advance(minutes * MINUTE)
        return self.clock.now()


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database, FrozenClock(START))


def test_times_are_kept_apart(desk: Desk) -> None:
    began = Instant(START - 10 * MINUTE)
    name = desk.open(started_at=began).name
    taken = desk.later(5)
    desk().acknowledge(name)
    better = desk.later(20)
    desk().mitigate(name, "a second server")
    over = desk.later(60)
    done = desk("ben").resolve(name, "a query without an index", change="run 12")
    assert done.status is Status.RESOLVED
    times = (done.opening.started_at, done.opening.detected_at, done.acknowledged_at)
    assert times == (began, START, taken)
    assert (done.mitigated_at, done.resolved_at, done.over_at) == (better, over, better)
    assert (done.owner, done.cause, done.change) == ("ada", "a query without an index", "run 12")
    assert verify(desk.database).broken_at is None


def test_what_is_over_cannot_be_ended_again(desk: Desk) -> None:
    name = desk.open().name
    desk().resolve(name, "restarted")
    said = desk()
    every: tuple[Callable[[], Incident], ...] = (
        lambda: said.resolve(name, "again"),
        lambda: said.mitigate(name, "again"),
        lambda: said.acknowledge(name),
        lambda: said.assign(name, "ben"),
    )
    for again in every:
        with pytest.raises(Refused, match=r"INC-1 was resolved"):
            again()
    assert len(desk().one(name).events) == 2


def test_nothing_happens_before_it_began_or_ahead_of_now(desk: Desk) -> None:
    name = desk.open().name
    for at in (Instant(START - 1), Instant(START + HOUR)):
        with pytest.raises(Refused, match="before INC-1 began"):
            desk().resolve(name, "never", at=at)
    with pytest.raises(Refused, match="ahead of now"):
        desk.open(started_at=Instant(START + HOUR))


def test_the_second_who_takes_it_is_told_who_has_it(desk: Desk) -> None:
    name = desk.open().name
    desk("ada").acknowledge(name)
    with pytest.raises(Refused, match="in the hands of ada") as caught:
        desk("ben").acknowledge(name)
    assert "--from ada" in caught.value.hint
    first = desk().one(name).acknowledged_at
    desk.later(10)
    taken = desk("ben").acknowledge(name, over="ada")
    assert (taken.owner, taken.acknowledged_at) == ("ben", first)


def test_what_comes_back_is_open_again(desk: Desk) -> None:
    name = desk.open().name
    with pytest.raises(Refused, match="is not resolved"):
        desk().reopen(name, "too soon")
    desk().resolve(name, "restarted")
    again = desk().reopen(name, "slow again")
    assert (again.status, again.reopened, again.resolved_at) == (Status.OPEN, 1, None)
    over = desk.later(30)
    assert desk().resolve(name, "an index").resolved_at == over


def test_one_that_is_the_same_as_another_is_told_by_it(desk: Desk) -> None:
    first, second = desk.open(), desk.open(started_at=Instant(START - HOUR), visible=True)
    desk().note(second.name, "customers called")
    desk().resolve(second.name, "no: the same as the other")
    whole = desk().merge(second.name, first.name)
    assert (whole.status, whole.resolved_at) == (Status.OPEN, None)
    assert (whole.opening.started_at, whole.opening.visible) == (START - HOUR, True)
    assert "customers called" in [one.data.get("text") for one in whole.events]
    assert [one.name for one in desk().open_now()] == [first.name]
    with pytest.raises(Refused, match=r"INC-2 was merged into INC-1"):
        desk().note(second.name, "more")


def test_a_chain_of_merges_is_one_story_and_has_no_circle(desk: Desk) -> None:
    first, second, third = desk.open(), desk.open(), desk.open()
    desk().note(third.name, "deep")
    desk().merge(third.name, second.name)
    whole = desk().merge(second.name, first.name)
    assert "deep" in [one.data.get("text") for one in whole.events]
    for one, other in ((first, first), (first, second), (second, first)):
        with pytest.raises(Refused, match="merged into"):
            desk().merge(one.name, other.name)


def test_what_is_open_does_not_vanish_in_what_is_over(desk: Desk) -> None:
    first, second = desk.open(), desk.open()
    desk().resolve(first.name, "restarted")
    with pytest.raises(Refused, match="is over and INC-2 is not"):
        desk().merge(second.name, first.name)
    assert desk().merge(first.name, second.name).status is Status.OPEN


def test_what_is_another_matter_is_taken_out(desk: Desk) -> None:
    one = desk.open()
    noted = desk().note(one.name, "the mail server, too")
    key = noted.events[-1].key
    other = desk().split(one.name, [key], replace(one.opening, title="Mail is late"))
    assert [each.data.get("text") for each in other.events if each.kind is Kind.NOTED] == [
        "the mail server, too"
    ]
    assert not [each for each in desk().one(one.name).events if each.kind is Kind.NOTED]
    for keys in ([key], ["1-opened"], ["nothing"]):
        with pytest.raises(Refused, match="no such event"):
            desk().split(one.name, keys, one.opening)


def test_secrets_are_not_kept_and_the_ledger_keeps_no_words(desk: Desk) -> None:
    name = desk.open(title="Login with password=hunter22 fails").name
    desk().note(name, "tried Authorization: Bearer abcdef0123456789abcdef\x1b[31m")
    with desk.database.read() as connection:
        rows = [
            str(row) for row in connection.execute(sa.text("SELECT * FROM desk_incident_events"))
        ]
        ledger = [str(row.data) for row in connection.execute(sa.select(LEDGER))]
    assert not [row for row in rows if "hunter22" in row or "abcdef0123" in row or "\x1b" in row]
    assert not [row for row in ledger if "Login" in row or "tried" in row]


@pytest.mark.parametrize("name", ["INC-9", "9", "", "INC-", "x", "9" * 40, "٣"])
def test_one_that_there_is_not_is_named(desk: Desk, name: str) -> None:
    with pytest.raises(ConfigError, match="there is no incident"):
        desk().one(name)
