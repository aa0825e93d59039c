"""Who belonged to which team, as the files said then: what the report says in place of names.

A state of the files is kept whenever something is judged by it, so that a month that is over reads
the same however often the files have changed since.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from opskit.access.store.tables import POLICIES
from opskit.core.clock import Instant, midnight

SOMEBODY = "somebody"
# Whoever uses it, it is nobody's name: standards speak of it.
_NOBODYS = frozenset({"root"})


@dataclass(frozen=True)
class Teams:
    """The states of `people.yaml` that something was judged by, oldest first, since when each."""

    since: Sequence[Instant]
    states: Sequence[dict[str, Any]]
    zone: ZoneInfo

    def team(self, person: str, at: Instant) -> str:
        """Return the team of a person, or who answers for a service account; empty: not known."""
        return self._team(person, self._met(at))

    def leaves_at(self, person: str, at: Instant) -> Instant | None:
        """Return the end of a person's last day as it was known then; None: none was."""
        known = self._known("people", person, self._met(at))
        if known is None or not known.get("ends"):
            return None
        return midnight(date.fromisoformat(known["ends"]) + timedelta(days=1), self.zone)

    @property
    def people(self) -> frozenset[str]:
        """Return everybody who was ever known, service accounts left out."""
        return frozenset(name for state in self.states for name in state.get("people", {}))

    def unnamed(self, text: str) -> str:
        """Return a text with everybody's names replaced, whoever was ever known."""
        return self._names.sub(SOMEBODY, text) if self._names is not None else text

    def _met(self, at: Instant) -> int:
        """Return how many states had been met by then."""
        return bisect_right(self.since, at)

    @cached_property
    def _team(self) -> Callable[[str, int], str]:
        """Return what finds a team by the states met; a year asks of few people again and again."""
        return cache(self._team_of)

    def _team_of(self, person: str, met: int) -> str:
        known = self._known("people", person, met)
        if known is not None:
            return str(known.get("team") or "")
        account = self._known("service_accounts", person, met)
        owner = str(account.get("owner") or "") if account else ""
        return owner if self._known("teams", owner, met) is not None else self._of_owner(owner, met)

    def _of_owner(self, owner: str, met: int) -> str:
        known = self._known("people", owner, met)
        return str(known.get("team") or "") if known else ""

    def _known(self, kind: str, name: str, met: int) -> dict[str, Any] | None:
        """Return what was last said of a name by then; who is gone from the files was known."""
        for state in reversed(self.states[:met]):
            found: dict[str, Any] | None = state.get(kind, {}).get(name)
            if found is not None:
                return found
        return None

    @cached_property
    def _names(self) -> re.Pattern[str] | None:
        every = {name for state in self.states for name in _named(state)} - _NOBODYS
        names = sorted(sorted(every), key=len)
        either = "|".join(map(re.escape, reversed(names)))
        return re.compile(rf"(?<![\w.-])(?:{either})(?![\w-])") if names else None


def _named(state: dict[str, Any]) -> Iterator[str]:
    """Yield what the people of a state are called: key, account, full name, address."""
    for key, one in state.get("people", {}).items():
        yield from filter(None, (key, one.get("account"), one.get("name"), one.get("email")))


def teams(connection: sa.Connection, end: Instant, zone: ZoneInfo) -> Teams:
    """Return the states of `people.yaml` that were met before `end`."""
    query = sa.select(POLICIES.c.seen_at, POLICIES.c.content).where(POLICIES.c.seen_at < end)
    rows = connection.execute(query.order_by(POLICIES.c.id)).all()
    return Teams(
        [Instant(row.seen_at) for row in rows],
        [json.loads(row.content)["people"] for row in rows],
        zone,
    )
