"""People, roles, a policy and targets for tests, and a target that does as it is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from opskit.access.judgment import Ask
from opskit.access.model import AccessPolicy, People, Roles, Targets
from opskit.access.registry import Registry
from opskit.access.targets.kinds import (
    Answer,
    EnforcedBy,
    Order,
    Part,
    Placement,
    Presence,
    Session,
    Sight,
    Standing,
    Unmanaged,
)
from opskit.access.workplace import Workplace
from opskit.core.clock import HOUR, Clock, Duration
from opskit.outside.database import Database
from opskit.outside.documents import parse
from opskit.outside.models import Model, validate
from opskit.records.leases import Leases
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox

M = TypeVar("M", bound=Model)
OFFICE = Path(__file__).parents[1] / "cases" / "access" / "office"


def registry(**changes: Mapping[str, object]) -> Registry:
    """Return the office's files; `policy={"separation": []}` replaces a part of one."""

    def part(name: str, model: type[M]) -> M:
        document = parse(OFFICE / f"{name}.yaml")
        document.value = {**document.value, **changes.get(name, {})}  # type: ignore[dict-item]
        found = validate(document, model)
        assert found is not None, document.findings
        return found

    return Registry(
        part("people", People), part("roles", Roles), part("targets", Targets),
        part("policy", AccessPolicy),
    )  # fmt: skip


def ask(who: str = "alice", role: str = "nginx-operator", **values: object) -> Ask:
    plain = Ask(who, who, role, ("web",), Duration(2 * HOUR), "renew the certificate")
    return replace(plain, **values)  # type: ignore[arg-type]  # its own fields


@dataclass
class Obedient:
    """Targets in memory. What they hold ends by itself at its time, where `fences` says so."""

    clock: Clock
    fences: bool = True
    held: dict[str, dict[str, Placement]] = field(default_factory=dict)
    unreachable: set[str] = field(default_factory=set)
    refusing: set[str] = field(default_factory=set)
    ended: list[tuple[str, str]] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)

    def opens(self, place: str, person: str) -> bool:
        """Return whether somebody gets in now."""
        now = self.clock.now()
        return any(
            one.person == person and (one.until > now or not self.fences)
            for one in self.held.get(place, {}).values()
        )

    def observe(
        self, targets: Sequence[str], expected: Mapping[str, Sequence[Placement]]
    ) -> Mapping[str, Sight]:
        return {name: self._sight(name, expected.get(name, ())) for name in targets}

    def carry_out(self, orders: Sequence[Order]) -> Mapping[str, Answer]:
        return {one.target: self._answer(one) for one in orders}

    def remove(self, unmanaged: Mapping[str, Sequence[Unmanaged]]) -> Mapping[str, Answer]:
        raise NotImplementedError

    def _answer(self, order: Order) -> Answer:
        self.orders.append(order)
        if order.target in self.unreachable:
            return Answer(self._sight(order.target, ()))
        both = (*order.present, *order.absent)
        if order.target in self.refusing:
            return Answer(self._sight(order.target, both), refused="too few administrators")
        held = self.held.setdefault(order.target, {})
        held.update({one.grant: one for one in order.present})
        for one in order.absent:
            held.pop(one.grant, None)
        self.ended += [(order.target, account) for account in order.end_sessions]
        ended = tuple(Session(account, "sshd") for account in order.end_sessions)
        return Answer(self._sight(order.target, both), ended)

    def _sight(self, name: str, expected: Sequence[Placement]) -> Sight:
        now = self.clock.now()
        if name in self.unreachable:
            return Sight(name, now, reached=False, reason="no route to host")
        standings = {one.grant: Standing(one.grant, (self._part(name, one),)) for one in expected}
        return Sight(name, now, standings=standings)

    def _part(self, name: str, one: Placement) -> Part:
        there = self.held.get(name, {}).get(one.grant) == one
        if not there:
            return Part("key", Presence.ABSENT)
        if not self.fences:
            return Part("key", Presence.PRESENT)
        return Part("key", Presence.PRESENT, EnforcedBy.EXPIRY_TIME, one.until)


PLACES = {"web": ("web1", "web2"), "staging": ("stage1",)}


def workplace(
    database: Database,
    clock: Clock,
    kind: Obedient,
    *,
    user: str = "alice",
    files: Registry | None = None,
    environment: Mapping[str, str] | None = None,
    channels: tuple[str, ...] = ("webhook",),
) -> Workplace:
    """Return opskit as `user` runs it."""
    return Workplace(
        registry=files or registry(),
        database=database,
        ledger=Ledger(clock, f"person:{user}"),
        leases=Leases(clock),
        clock=clock,
        zone=ZoneInfo("UTC"),
        outbox=Outbox(database, clock),
        kind=lambda _name: kind,
        places=lambda name: PLACES[name],
        environment=environment or {},
        user=user,
        channels=channels,
    )


@dataclass(frozen=True)
class World:
    """One set of records and targets, and everybody at their own terminal."""

    database: Database
    clock: Clock
    kind: Obedient
    files: Registry
    environment: Mapping[str, str] = field(default_factory=dict)
    channels: tuple[str, ...] = ("webhook",)

    def as_(self, user: str, files: Registry | None = None) -> Workplace:
        """Return opskit as somebody runs it."""
        return workplace(
            self.database, self.clock, self.kind,
            user=user, files=files or self.files, environment=self.environment,
            channels=self.channels,
        )  # fmt: skip

    def kinds_of_entries(self) -> Iterator[str]:
        """Yield the kind of every ledger entry, in order."""
        from opskit.records.ledger import entries

        with self.database.read() as connection:
            found = [entry.kind for entry in entries(connection)]
        yield from found
