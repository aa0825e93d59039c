"""Whatever anybody does: nobody approves for themselves, nothing outlives its end.

Everybody tries every verb, hosts go away and come back, the files are edited, opskit is not run for
days, and the clock moves. After each step the invariants are held against the targets themselves.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from opskit.access.deciding import Say, Word, decide
from opskit.access.ending import give_back, review_emergency, revoke
from opskit.access.lifecycle import GrantState, RequestState
from opskit.access.requesting import extend, request, withdraw
from opskit.access.settling import settle, start_now
from opskit.access.store import decisions, grants, places, requests
from opskit.access.store.tables import GRANTS, REQUESTS
from opskit.access.workplace import Workplace
from opskit.core.clock import HOUR, MINUTE, Duration, FrozenClock, Instant, from_datetime
from opskit.core.errors import OpskitError
from opskit.outside.database import Database, sqlite_url
from opskit.records.ledger import entries, verify
from tests.access.world import PLACES, Obedient, World, ask, registry
from tests.conftest import EXAMPLES

FILES = {
    "plain": registry(),
    "two eyes more": registry(
        policy={"approvals": {
            name: {"all_of": [{"among": ["owners"], "at_least": 2}], "signed": False}
            for name in ("default", "two")
        }}
    ),
    "nobody may": registry(policy={"rules": []}),
}  # fmt: skip
PEOPLE = st.sampled_from(["alice", "bob", "charlie", "dora", "eve", "deploy"])
# Who asks for what: mostly what is allowed, so that something comes of it.
ASKING = st.sampled_from(["alice"] * 3 + ["bob", "dora", "charlie", "deploy"])
ROLES = st.sampled_from(["nginx-operator"] * 3 + ["web-admin", "auditor"])
HOURS = st.sampled_from([1, 1, 2, 4, 9]).map(lambda hours: Duration(hours * HOUR))
ALL_PLACES = [place for found in PLACES.values() for place in found]


class Office(RuleBasedStateMachine):
    """The office, with everybody in it."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.clock = FrozenClock(Instant(from_datetime(datetime(2026, 10, 1, 12, tzinfo=UTC))))
        database = Database.open(sqlite_url(Path(self.directory.name) / "opskit.db"))
        self.world = World(database, self.clock, Obedient(self.clock), FILES["plain"])
        self.files = FILES["plain"]

    def teardown(self) -> None:
        assert verify(self.world.database).broken_at is None
        self.world.database.close()
        self.directory.cleanup()

    @rule(
        who=ASKING, role=ROLES, hours=HOURS, on=st.sampled_from(["web"] * 4 + ["staging"]),
        instead=st.sampled_from([None] * 4 + ["alice", "bob", "dora"]), odd=st.integers(0, 9),
    )  # fmt: skip
    def ask_for(
        self, who: str, role: str, hours: Duration, on: str, instead: str | None, odd: int
    ) -> None:
        starts_at = self.clock.now() + HOUR if odd == 9 else None
        asked = ask(
            who, role, requester=instead or who, duration=hours, targets=(on,),
            starts_at=starts_at, break_glass=odd == 8,
        )  # fmt: skip
        self.given(instead or who, lambda work: request(work, asked).grant)

    @rule(
        who=st.sampled_from(["alice", "alice", "bob", "dora"]), role=ROLES, hours=HOURS,
        instead=st.sampled_from([None, None, "alice", "bob"]),
    )  # fmt: skip
    def ask_and_get(self, who: str, role: str, hours: Duration, instead: str | None) -> None:
        """Ask, and have everybody say yes, who asked first of all."""
        asker = instead or who
        work = self.world.as_(asker, self.files)
        with contextlib.suppress(OpskitError):
            asked = ask(who, role, requester=asker, duration=hours)
            number = request(work, asked).request.id
            for one in (asker, who, "bob", "dora", "charlie"):
                self.say_yes(number, one)

    @rule(data=st.data(), who=PEOPLE, say=st.sampled_from(["approve"] * 5 + ["deny"]))
    def say(self, data: st.DataObject, who: str, say: Say) -> None:
        number = data.draw(st.sampled_from(self.numbers(REQUESTS)))
        self.given(who, lambda work: decide(work, number, Word(who, say)).grant)

    @rule(data=st.data())
    def everybody_says_yes(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.numbers(REQUESTS)))
        for who in ("alice", "bob", "charlie", "dora", "eve"):
            self.say_yes(number, who)

    def say_yes(self, number: int, who: str) -> None:
        self.given(who, lambda work: decide(work, number, Word(who, "approve")).grant)

    def given(self, who: str, ask_for: Callable[[Workplace], grants.Grant | None]) -> None:
        """Do something that may be refused, and put on its targets what comes of it."""
        work = self.world.as_(who, self.files)
        with contextlib.suppress(OpskitError):
            grant = ask_for(work)
            if grant is not None:
                start_now(work, grant)

    def numbers(self, table: sa.Table) -> list[int]:
        """Return what there is to choose from, and one that is not there."""
        with self.world.database.read() as connection:
            return [*connection.execute(sa.select(table.c.id)).scalars(), 99]

    @rule(data=st.data(), who=PEOPLE)
    def take_back(self, data: st.DataObject, who: str) -> None:
        number = data.draw(st.sampled_from(self.numbers(REQUESTS)))
        with contextlib.suppress(OpskitError):
            withdraw(self.world.as_(who, self.files), number)

    @rule(data=st.data(), who=PEOPLE, hours=HOURS)
    def ask_for_more(self, data: st.DataObject, who: str, hours: Duration) -> None:
        number = data.draw(st.sampled_from(self.numbers(GRANTS)))
        with contextlib.suppress(OpskitError):
            extend(self.world.as_(who, self.files), number, hours, "more")

    @rule(data=st.data(), who=PEOPLE)
    def hand_back(self, data: st.DataObject, who: str) -> None:
        number = data.draw(st.sampled_from(self.numbers(GRANTS)))
        with contextlib.suppress(OpskitError):
            give_back(self.world.as_(who, self.files), number)

    @rule(data=st.data(), who=PEOPLE)
    def take_away(self, data: st.DataObject, who: str) -> None:
        number = data.draw(st.sampled_from(self.numbers(GRANTS)))
        with contextlib.suppress(OpskitError):
            revoke(self.world.as_(who, self.files), (number,), "enough")

    @rule(data=st.data(), who=PEOPLE)
    def look_at_emergency(self, data: st.DataObject, who: str) -> None:
        number = data.draw(st.sampled_from(self.numbers(GRANTS)))
        with contextlib.suppress(OpskitError):
            review_emergency(self.world.as_(who, self.files), number, "seen")

    @rule()
    def work(self) -> None:
        settle(self.world.as_("bob", self.files))

    @rule(minutes=st.sampled_from([1, 1, 20, 20, 61, 300, 1_500]))
    def wait(self, minutes: int) -> None:
        self.clock.advance(minutes * MINUTE)

    @rule(name=st.sampled_from(["plain"] * 4 + sorted(FILES)))
    def edit(self, name: str) -> None:
        self.files = FILES[name]

    @rule(place=st.sampled_from(ALL_PLACES))
    def unplug(self, place: str) -> None:
        self.world.kind.unreachable ^= {place}

    @invariant()
    def nothing_outlives_its_end(self) -> None:
        with self.world.database.read() as connection:
            ends = _ends(connection)
            for place, held in self.world.kind.held.items():
                for name, one in held.items():
                    grant = grants.one(connection, int(name[1:]))
                    assert grant.person == one.person
                    # Also where nobody has taken it away, and opskit never runs again.
                    assert one.until <= ends[name], (place, name)
                    if grant.state is GrantState.REVOKED:
                        assert one.until <= self.clock.now() or place in _owed(connection, grant)

    @invariant()
    def what_is_revoked_opens_nothing(self) -> None:
        with self.world.database.read() as connection:
            gone = {
                one.name for one in grants.everything(connection) if one.state is GrantState.REVOKED
            }
        for place, held in self.world.kind.held.items():
            live = {name for name, one in held.items() if one.until > self.clock.now()}
            assert not live & gone, place

    @invariant()
    def nobody_approved_for_themselves(self) -> None:
        with self.world.database.read() as connection:
            for one in requests.in_states(connection, [RequestState.APPROVED]):
                by = _told(connection, one.name, "request.approved")
                if one.ask.break_glass or by.startswith("rule "):
                    continue
                said = [
                    each for each in decisions.of(connection, one.id)
                    if each.verdict == "approve" and each.check_hash == one.check_hash
                ]  # fmt: skip
                who = {each.approver for each in said}
                assert who, one
                assert not who & {one.ask.requester, one.ask.beneficiary}
                wanted = sum(group["at_least"] for group in one.judgment["approval"])
                assert len(who) >= wanted

    @invariant()
    def every_grant_is_in_the_ledger(self) -> None:
        with self.world.database.read() as connection:
            created = {e.subject for e in entries(connection) if e.kind == "grant.created"}
            assert {one.name for one in grants.everything(connection)} == created


def _ends(connection: sa.Connection) -> dict[str, int]:
    """Return the latest end that was ever told of each grant."""
    found: dict[str, int] = {}
    for entry in entries(connection):
        if entry.kind in {"grant.provisioning", "grant.extended"}:
            until = json.loads(entry.data)["until"]
            found[entry.subject] = max(until, found.get(entry.subject, 0))
    return found


def _owed(connection: sa.Connection, grant: grants.Grant) -> set[str]:
    rows = places.of_grant(connection, grant.id)
    return {row.place for row in rows if row.due_at is not None}


def _told(connection: sa.Connection, subject: str, kind: str) -> str:
    for entry in entries(connection):
        if entry.subject == subject and entry.kind == kind:
            return str(json.loads(entry.data)["by"])
    return ""


Office.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=30, deadline=None)
TestOffice = Office.TestCase
