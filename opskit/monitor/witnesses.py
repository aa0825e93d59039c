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
    """What one location saw of a target; `HERE` is where opskit runs.

    `groups` are the parts of the network, or of the inventory, that the location belongs to.
    """

    location: str
    seen: Seen
    reason: str
    took: Duration
    groups: frozenset[str] = frozenset()


class Witnesses(Protocol):
    """Who else can look."""

    def needed(self, target: Target) -> int:
        """Return how many locations must see a target down, this one included; 0: none is asked."""
        ...

    def testify(self, target: Target) -> tuple[Testimony, ...]:
        """Ask every witness to look now; who cannot be asked is unknown. May block for a while.

        Nothing where no witness has a say: what fails is then no matter of where one looks from.
        """
        ...


def verdict(testimonies: Sequence[Testimony], needed: int) -> tuple[Seen, str]:
    """Return what all locations together say, and why, naming the path at fault if it shows.

    `needed` is k: so many must see it down, and never more than there are. A location that could
    not tell has no voice.
    """
    needed = min(needed, len(testimonies))
    know = [one for one in testimonies if one.seen is not Seen.UNKNOWN]
    down = [one for one in know if one.seen in {Seen.DOWN, Seen.SUSPECT}]
    if not down:
        return (Seen.UP, "") if know else (Seen.UNKNOWN, "no location could tell")
    reason, where = down[0].reason, _places(down)
    if len(know) < needed:
        return Seen.UNKNOWN, f"down from {where}; too few other locations could tell: {reason}"
    well = [one for one in know if one not in down]
    if len(down) < needed:
        return Seen.DEGRADED, f"down from {where} only, {_at_fault(down, well)}: {reason}"
    if len(testimonies) == 1:
        return Seen.DOWN, reason
    if not well:
        return Seen.DOWN, f"{reason} (down from everywhere: the target itself)"
    return Seen.DOWN, f"{reason} (down from {where}, not from {_places(well)})"


def _places(testimonies: Sequence[Testimony]) -> str:
    return ", ".join(one.location or "here" for one in testimonies)


def _at_fault(down: Sequence[Testimony], well: Sequence[Testimony]) -> str:
    """Return which path fails, where some see the target down and others see it up."""
    others = [one for one in down if one.location != HERE]
    if not others:
        return "so our own path to it fails"
    group = _shared(others, well)
    if group and len(others) == len(down):
        return f"so the path from {group} to it fails"
    return f"so the path that {group} and we share fails" if group else "so some paths to it fail"


def _shared(down: Sequence[Testimony], well: Sequence[Testimony]) -> str:
    """Return a group that all of these locations are in, and none that sees the target up."""
    common = frozenset.intersection(*(one.groups for one in down))
    return min(common.difference(*(one.groups for one in well)), default="")
