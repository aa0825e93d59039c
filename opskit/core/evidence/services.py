"""What monitoring shows: how each service did."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from opskit.core.clock import NOTHING, Duration, Instant
from opskit.core.interval import Timeline


@dataclass(frozen=True, slots=True)
class Blip:
    """A failed try that the next try did not confirm: no downtime, yet worth a line."""

    at: Instant
    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class ServiceEvidence:
    """How a service did. `timeline` covers the whole period, gaps as unknown or excluded.

    `edge` is how far the outage edges may be off altogether: each lies between two probes.
    """

    name: str
    owner: str
    kind: str
    objective: Fraction | None
    timeline: Timeline
    blips: tuple[Blip, ...] = ()
    edge: Duration = NOTHING
    refs: tuple[int, ...] = ()
