"""PostgreSQL: people's login roles, and their membership in roles that cannot log in.

Looking is done in read-only sessions. An order is one transaction; then sessions are ended, since
one that took a role before (SET ROLE) keeps it after the membership is gone; then roles that are to
go are emptied in each database and dropped. What is answered is a second look, on a connection of
its own. Two orders for the same server at the same time collide in the catalogues: the later one
looks again, plans anew and tries again. Where the administrator's database has pg_cron, jobs of its
own end memberships and logins at their time, also without opskit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from opskit.access.databases.model import DatabaseState
from opskit.access.model import PostgresTarget
from opskit.access.targets import postgres_sight as sights
from opskit.access.targets.kinds import Answer, Order, Placement, Session, Sight, Unmanaged
from opskit.access.targets.postgres_departure import Farewell, end_sessions, end_sessions_of
from opskit.access.targets.postgres_plan import Plan, plan, removal
from opskit.access.targets.postgres_server import Server, Unreachable, reached
from opskit.core.clock import Clock
from opskit.outside.postgres import StatementError

_AT_ONCE = 8
_TRIES = 6
# Somebody else changed the same roles meanwhile: another order, or a person.
_COLLISIONS = frozenset({"XX000", "23505", "42710", "42704", "40001", "40P01"})
_LOCKED = "55P03"


@dataclass(frozen=True)
class PostgresKind:
    """The kind `postgres`. `given` are the roles that access roles give: who is in them is asked.

    `seconds` is how long each single answer of a server is waited for.
    """

    targets: Mapping[str, PostgresTarget]
    root: Path
    clock: Clock
    given: frozenset[str] = frozenset()
    seconds: float = 10.0

    def observe(
        self, targets: Sequence[str], expected: Mapping[str, Sequence[Placement]]
    ) -> Mapping[str, Sight]:
        """Look at servers, a few at once.

        Raises:
            ConfigError: psycopg is missing.
        """
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            seen = pool.map(lambda name: self._seen(name, tuple(expected.get(name, ()))), targets)
            return dict(zip(targets, seen, strict=True))

    def carry_out(self, orders: Sequence[Order]) -> Mapping[str, Answer]:
        """Make each order true and look again.

        Raises:
            ConfigError: psycopg is missing.
        """
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            answers = pool.map(self._carried_out, orders)
            return {one.target: answer for one, answer in zip(orders, answers, strict=True)}

    def remove(self, unmanaged: Mapping[str, Sequence[Unmanaged]]) -> Mapping[str, Answer]:
        """Take away rights that nobody granted; the answers' sights know of no grants.

        Raises:
            ConfigError: psycopg is missing.
        """
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            answers = pool.map(lambda one: self._removed(*one), unmanaged.items())
            return dict(zip(unmanaged, answers, strict=True))

    def _removed(self, target: str, unmanaged: Sequence[Unmanaged]) -> Answer:
        now = self.clock.now()
        work = _Work(self._server(target), (), lambda state: removal(state, unmanaged, now))
        return self._answer(work, lambda: self._seen(target, ()))

    def _carried_out(self, order: Order) -> Answer:
        now = self.clock.now()
        named = [*order.end_sessions, *(one.account for one in order.absent)]
        server = self._server(order.target)
        work = _Work(server, tuple(named), lambda state: plan(state, order, now))
        return self._answer(work, lambda: self._second_look(order))

    def _answer(self, work: _Work, look: Callable[[], Sight]) -> Answer:
        try:
            with reached():
                work.do()
        except Unreachable as error:
            sight = Sight(work.server.name, self.clock.now(), reached=False, reason=str(error))
            return Answer(sight, tuple(work.ended), failed=str(error), told=tuple(work.told))
        return Answer(
            look(), tuple(work.ended), work.refused, "; ".join(work.failed), tuple(work.told)
        )

    def _seen(self, name: str, placements: tuple[Placement, ...]) -> Sight:
        try:
            state = sights.aware(self._server(name).look(inside=True), placements)
        except Unreachable as error:
            return Sight(name, self.clock.now(), reached=False, reason=str(error))
        return self._sight(state, placements, (), state)

    def _second_look(self, order: Order) -> Sight:
        try:
            state = self._server(order.target).look(inside=False)
        except Unreachable as error:
            return Sight(order.target, self.clock.now(), reached=False, reason=str(error))
        return self._sight(state, order.present, order.absent, None)

    def _sight(
        self,
        state: DatabaseState,
        present: Sequence[Placement],
        absent: Sequence[Placement],
        shown: DatabaseState | None,
    ) -> Sight:
        accounted = sights.granted(present)
        given = self.given | {role for _, role in accounted | sights.granted(absent)}
        return Sight(
            state.name,
            self.clock.now(),
            standings=sights.standings(state, present, absent, self.clock.now()),
            sessions=sights.sessions(state),
            unmanaged=sights.unmanaged(state, accounted, given),
            state=shown,
        )

    def _server(self, name: str) -> Server:
        return Server(name, self.targets[name], self.root, self.seconds)


@dataclass
class _Work:
    """One change of a server under way, and what came of it so far.

    `accounts` are those it takes from: a session of theirs may hold a lock that is in the way.
    """

    server: Server
    accounts: tuple[str, ...]
    decide: Callable[[DatabaseState], Plan]
    ended: list[Session] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    refused: str = ""

    def do(self) -> None:
        """Look, decide, change; again where somebody else was quicker."""
        for attempt in range(_TRIES):
            state = self.server.look(inside=False)
            decided = self.decide(state)
            if decided.refused:
                self.refused = decided.refused
                return
            try:
                self._change(decided)
            except StatementError as error:
                if attempt + 1 == _TRIES or error.state not in _COLLISIONS | {_LOCKED}:
                    self.failed.append(error.reason)
                    return
                if error.state == _LOCKED:
                    self._free(state)
            else:
                self._finish(state, decided)
                return

    def _change(self, decided: Plan) -> None:
        if decided.statements:
            with self.server.connected(read_only=False) as opened, opened.transaction():
                for statement in decided.statements:
                    opened.run(statement)

    def _free(self, state: DatabaseState) -> None:
        """End the sessions of accounts that rights are taken from: a lock must not keep them."""
        roles = [role for name in self.accounts if (role := state.role(name))]
        with self.server.connected(read_only=False) as opened:
            self.ended += end_sessions(opened, state, roles)[0]

    def _finish(self, state: DatabaseState, decided: Plan) -> None:
        self.told += decided.told
        ended, failed = end_sessions_of(self.server, state, decided.ending)
        self.ended += ended
        self.failed += failed
        if failed:
            return  # who is still connected may still make what would have to be emptied
        for role in decided.dropping:
            leaving = Farewell(self.server, role)
            leaving.say()
            self.told += leaving.told
            self.failed += [leaving.failed] if leaving.failed else []
