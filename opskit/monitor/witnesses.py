"""Other places to look from: what they saw, and what all of them together say. Pure.

A failure seen from one place may be that place's own. State is kept for each location; the
target's own state is k of n over the locations that could tell: fewer than k that know, unknown;
some that see it down but not k, degraded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from opskit.core.clock import Duration
from opskit.monitor.catalogue import Target
from opskit.monitor.model import Seen

HERE = ""


@dataclass(frozen=True, slots=True)
class Testimony:
    """What one location saw of a target; `HERE` is where opskit runs."""

    location: str
    seen: Seen
    reason: str
    took: Duration


class Witnesses(Protocol):
    """Who else can look."""

    def needed(self, target: Target) -> int:
        """Return how many locations must see a target down, this one included; 0: none is asked."""
        ...

    def testify(self, target: Target) -> tuple[Testimony, ...]:
        """Ask every witness to look now; who cannot be asked is unknown. May block for a while."""
        ...


def verdict(testimonies: Sequence[Testimony], needed: int) -> tuple[Seen, str]:
    """Return what all locations together say, and why.

    `needed` is k: so many must see it down. A location that could not tell has no voice.
    """
    know = [one for one in testimonies if one.seen is not Seen.UNKNOWN]
    down = [one for one in know if one.seen in {Seen.DOWN, Seen.SUSPECT}]
    if not down:
        return (Seen.UP, "") if know else (Seen.UNKNOWN, "no location could tell")
    reason, where = down[0].reason, ", ".join(one.location or "here" for one in down)
    if len(know) < needed:
        return Seen.UNKNOWN, f"down from {where}; too few other locations could tell: {reason}"
    if len(down) < needed:
        return Seen.DEGRADED, f"down from {where} only: {reason}"
    return Seen.DOWN, reason
