"""A report travels and names no person: what one owns is their team's, texts lose the names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property

from opskit.access.store.teams import Teams
from opskit.core.clock import Instant
from opskit.core.evidence import Evidence, ServiceEvidence
from opskit.report.assumptions import Assumptions


@dataclass(frozen=True)
class Nameless:
    """Takes people out of what is told; who is of which team is as it was at `now`."""

    teams: Teams
    now: Instant

    @cached_property
    def text(self) -> Callable[[str], str]:
        """Return what takes names out of a text; the same few texts come again and again."""
        return cache(self.teams.unnamed)

    def owner(self, name: str) -> str:
        """Return who owns something: a team, also where a person was named."""
        if name not in self.teams.people:
            return self.text(name)
        return self.teams.team(name, self.now) or "team not known"

    def evidence(self, evidence: Evidence) -> Evidence:
        """Return evidence that names no person; access never does."""
        return replace(
            evidence,
            services=tuple(map(self._service, evidence.services)),
            drifts=tuple(replace(one, task=self.text(one.task)) for one in evidence.drifts),
        )

    def _service(self, one: ServiceEvidence) -> ServiceEvidence:
        timeline = tuple(
            replace(stretch, reason=self.text(stretch.reason)) if stretch.reason else stretch
            for stretch in one.timeline
        )
        return replace(one, owner=self.owner(one.owner), timeline=timeline)

    def assumptions(self, assumptions: Assumptions) -> Assumptions:
        """Return assumptions that teams stand for."""
        numbers = {
            name: replace(one, owner=self.owner(one.owner), source=self.text(one.source))
            for name, one in assumptions.numbers.items()
        }
        return replace(assumptions, numbers=numbers)
