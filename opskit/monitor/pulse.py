"""How the looking itself goes: what a page of figures says of whoever looks."""

from __future__ import annotations

from dataclasses import dataclass

from opskit.core.clock import NOTHING, Duration, Instant


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the looking and the writing go, since `started_at`: told by who runs them.

    `lateness` is how much later than due looks began, all together. `waiting` is what was seen and
    not written yet, `forgotten` what never will be; `fault` is why the last try to write failed.
    """

    started_at: Instant
    looks: int = 0
    late: int = 0
    lateness: Duration = NOTHING
    in_flight: int = 0
    waiting: int = 0
    forgotten: int = 0
    fault: str = ""

    @property
    def writing(self) -> bool:
        """Return whether the last try to write worked."""
        return not self.fault
