"""What the machine's test knows by itself: who said what, who left, for how long things may last.

It is told of what was put in and of what came of it, and never asks the code under test for a
judgment: the rules of the office are written down here once more, in the fewest words.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from opskit.access.judgment import Ask
from opskit.access.lifecycle import GrantState
from opskit.access.store import certificates, decisions, grants, places, requests, reviews
from opskit.access.store.certificates import Certificate
from opskit.access.store.grants import Grant
from opskit.access.store.reviews import Item
from opskit.core.clock import HOUR, Duration, Instant, from_datetime
from opskit.records.ledger import Entry, entries
from tests.access.ground import Change, Ground

ZONE = ZoneInfo("Australia/Sydney")  # where the clocks change on 4 October 2026
BOSS = {"alice": "charlie", "bob": "charlie", "dora": "charlie"}
OWNERS = {"bob", "charlie", "dora"}
WEB = {"alice", "eve"}
ACCOUNTS = {"deploy": WEB, "canary": OWNERS}
APART = {"auditor", "web-admin"}
# How many others must have said yes, at least, whatever state the files are in.
YES = {"nginx-operator": 1, "auditor": 1, "web-admin": 2}
UNUSED = Duration(HOUR)
ENDING = {GrantState.REVOKING, GrantState.REVOKED, GrantState.REVOKE_DEFERRED}
INTENTS = {
    "grant.provisioning", "grant.extended", "grant.trimmed", "grant.revoking", "grant.expired",
    "grant.suspended",
}  # fmt: skip


def barred(names: Iterable[str]) -> set[str]:
    """Return who has a part in something that is about these people."""
    both = set(names)
    return both | {one for one, boss in BOSS.items() if boss in both}


def day_after(last: date) -> Instant:
    """Return the end of somebody's last day."""
    nextday = last + timedelta(days=1)
    start = datetime(nextday.year, nextday.month, nextday.day, tzinfo=ZONE)
    return Instant(from_datetime(start.astimezone(UTC)))


@dataclass
class Witness:
    """What was seen from outside. `ends` and `closed` come from the files that are in use."""

    ends: dict[str, date] = field(default_factory=dict)
    said: dict[int, set[str]] = field(default_factory=dict)
    until: dict[str, int] = field(default_factory=dict)
    offboarded: set[str] = field(default_factory=set)
    used: dict[int, Instant] = field(default_factory=dict)
    pocket: list[Certificate] = field(default_factory=list)

    # Told by the rules

    def is_gone(self, name: str, now: Instant) -> bool:
        """Return whether somebody's last day is over, or they were offboarded."""
        last = self.ends.get(name)
        return name in self.offboarded or (last is not None and now >= day_after(last))

    def longest(self, person: str, duration: int, now: Instant) -> int:
        """Return until when something may last that starts now."""
        last = self.ends.get(person)
        return now + duration if last is None else min(now + duration, day_after(last))

    def asked(self, ask: Ask, now: Instant) -> None:
        """Hold a request that was let in against who may ask."""
        assert not self.is_gone(ask.requester, now), "somebody who left asked"
        assert not self.is_gone(ask.beneficiary, now), "asked for somebody who left"
        assert ask.requester not in ACCOUNTS
        if ask.break_glass:
            assert ask.requester == ask.beneficiary
            assert ask.starts_at is None

    def agreed(self, number: int, who: str, ask: Ask, now: Instant) -> None:
        """Hold a yes that was counted against who may say it."""
        assert who in OWNERS | ACCOUNTS.get(ask.beneficiary, set()), "a stranger approved"
        assert who not in barred((ask.requester, ask.beneficiary)), "approved for themselves"
        assert not self.is_gone(who, now), "somebody who left approved"
        self.said.setdefault(number, set()).add(who)

    def extended(self, ask: Ask, now: Instant) -> None:
        """Note that a grant may last longer."""
        name = f"g{ask.extends}"
        until = self.longest(ask.beneficiary, ask.duration, now)
        self.until[name] = max(self.until.get(name, 0), until)

    def issued(self, one: Certificate, who: str, now: Instant) -> None:
        """Hold a certificate that was handed out against whose it is."""
        assert who == one.person or who in ACCOUNTS.get(one.person, set())
        assert not self.is_gone(who, now)
        assert not self.is_gone(one.person, now)
        assert one.valid_before <= min(now + HOUR, self.until[one.grant])
        self.pocket.append(one)

    def reviewed(self, who: str, grant: Grant, ask: Ask, now: Instant) -> None:
        """Hold an answer in a review against whose it is."""
        assert who not in barred((grant.person, ask.requester)), "somebody reviewed themselves"
        assert who in OWNERS | ACCOUNTS.get(grant.person, set())
        assert not self.is_gone(who, now), "somebody who left reviewed"

    def kept_themselves(
        self, items: Iterable[Item], held: dict[int, Grant], now: Instant, open_to: Collection[str]
    ) -> None:
        """Hold what kept itself in a review against the evidence there is."""
        for one in items:
            if one.outcome == "kept" and not one.decided_by:
                grant, used = held[one.grant_id], self.used.get(one.grant_id)
                assert grant.role != "web-admin", "kept though its risk is high"
                assert not grant.break_glass
                assert used is not None, "kept without a use"
                assert now - used <= UNUSED, "kept without a use lately"
                assert one.evidence["last_used_at"] == used
                assert grant.person in open_to, "kept though the files would not give it"

    # Held after each step

    def look(self, connection: sa.Connection, ground: Ground, *, killed: bool) -> None:
        """Hold records, ledger and hosts against each other, and against what is known here."""
        now = ground.clock.now()
        told = list(entries(connection))
        every = grants.everything(connection)
        self._grants(connection, every, told, now)
        self._hosts(connection, ground, {one.name: one for one in every})
        self._hands(ground, {one.name: one for one in every})
        self._certificates(connection, every, now)
        self._reviews(connection)
        _changes(told, ground.changes, killed=killed)
        ground.changes.clear()

    def _grants(
        self, connection: sa.Connection, every: Iterable[Grant], told: list[Entry], now: Instant
    ) -> None:
        created = {one.subject for one in told if one.kind == "grant.created"}
        by = {one.subject: str(json.loads(one.data)["by"]) for one in told
              if one.kind == "request.approved"}  # fmt: skip
        for one in every:
            assert one.name in created
            ask = requests.one(connection, one.request).ask
            self._approved(connection, one, ask, by[f"r{one.request}"])
            if one.provisioned_at is not None:
                longest = self.longest(one.person, ask.duration, now)
                bound = self.until.setdefault(one.name, longest)
                assert one.ends_at is not None
                assert one.ends_at <= bound, "it is to last longer than was approved"
            if one.person in self.offboarded:
                assert one.state in ENDING, "somebody offboarded holds something"

    def _approved(self, connection: sa.Connection, one: Grant, ask: Ask, by: str) -> None:
        if ask.break_glass:
            assert (one.role, one.duration <= HOUR) == ("web-admin", True)
            assert one.review_due is not None
        elif by.startswith("rule "):
            canary = (one.person, one.role) == ("canary", "canary")
            assert canary or one.targets == ("staging",), "nobody approved it"
        else:
            said = self.said.get(one.request, set())
            assert len(said) >= YES[one.role], "too few agreed"
            written = {each.approver for each in decisions.of(connection, one.request)}
            assert said <= written, "a yes that is not written down"

    def _hosts(self, connection: sa.Connection, ground: Ground, known: dict[str, Grant]) -> None:
        rows = {(f"g{row.grant_id}", row.place): row for row in places.everywhere(connection)}
        for place in ground.held:
            for name, one in ground.live(place).items():
                grant, row = known.get(name), rows.get((name, place))
                if grant is None or row is None or grant.person != one.person:
                    continue  # of a time before the database was restored
                assert place in ground.lax or one.until <= self.until[name], "it outlives its term"
                assert grant.state is not GrantState.REVOKED, "revoked, and it opens"
                explained = row.desired.value == "present" or row.due_at is not None
                assert explained, "nothing in force explains it, and nothing is owed"
                if grant.state is GrantState.SUSPENDED:
                    assert row.due_at is not None, "suspended, and it opens"

    def _hands(self, ground: Ground, known: dict[str, Grant]) -> None:
        for person in (*BOSS, "charlie", "eve"):
            hands = {person, *(one for one, of in ACCOUNTS.items() if person in of)}
            held = {
                known[name].role
                for place in ground.held
                for name, one in ground.live(place).items()
                if one.person in hands and name in known and known[name].person == one.person
            }
            assert not held >= APART, f"{person} acts and audits"

    def _certificates(
        self, connection: sa.Connection, every: Iterable[Grant], now: Instant
    ) -> None:
        known = {one.id: one for one in every}
        for each in certificates.live(connection, now):
            one = known[each.grant_id]
            assert each.valid_before <= self.until[one.name], "it outlives its grant"
            assert one.state not in ENDING | {GrantState.SUSPENDED}, "it opens nothing any more"

    def _reviews(self, connection: sa.Connection) -> None:
        for campaign in reviews.campaigns(connection, still_open=True):
            for item in reviews.items(connection, campaign.id):
                if item.outcome == "suspended":
                    state = grants.one(connection, item.grant_id).state
                    assert state in ENDING | {GrantState.SUSPENDED}, "suspended, and in force"

    def settled(self, connection: sa.Connection, ground: Ground) -> None:
        """Hold hosts that could be reached against the files, once all that is due was done."""
        now = ground.clock.now()
        known = {one.name: one for one in grants.everything(connection)}
        later = {(f"g{row.grant_id}", row.place) for row in places.everywhere(connection)
                 if row.due_at is not None and row.due_at > now}  # fmt: skip
        for place in set(ground.held) - ground.unreachable:
            for name, one in ground.live(place).items():
                theirs = name in known and known[name].person == one.person
                if theirs and (name, place) not in later:
                    assert not self.is_gone(one.person, now), "somebody who left gets in"
                    last = self.ends.get(one.person)
                    assert last is None or one.until <= day_after(last), "it outlives a last day"


def _changes(told: list[Entry], changes: Iterable[Change], *, killed: bool) -> None:
    """Hold each change of a host against its intent, before it, and its outcome, after it."""
    for one in changes:
        intent = any(
            (each.subject == one.grant and each.kind in INTENTS)
            or (each.subject == one.place and each.kind == "target.cleaning")
            for each in told
            if each.seq <= one.seq
        )
        assert intent, "a host was changed and nobody had written that it would be"
        outcome = any(
            each.subject == one.place and each.kind.startswith("target.")
            for each in told
            if each.seq > one.seq
        )
        assert outcome or killed, "a host was changed and nobody wrote what came of it"
