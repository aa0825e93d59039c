"""How the looking itself goes: what a page of figures says of whoever looks."""

from __future__ import annotations

from dataclasses import dataclass

from opskit.core.clock import NOTHING, Duration, Instant


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the looking and the writing go, since `started_at`: told by who runs them.

    `lateness` is how much later than due looks began, all together. `waiting` is what was seen and
    not written yet, `forgotten` what never will be; `writing` is whether the last try to write
    worked.
    """

    started_at: Instant
    looks: int = 0
    late: int = 0
    lateness: Duration = NOTHING
    in_flight: int = 0
    waiting: int = 0
    forgotten: int = 0
    writing: bool = True
