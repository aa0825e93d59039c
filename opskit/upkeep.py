"""What is done again and again while opskit runs: work that is over, forecasts, delivering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from opskit.core.clock import MINUTE, Clock
from opskit.monitor.foresight import Foresight
from opskit.monitor.maintenance import Announcements
from opskit.records.outbox import Delivered

_FORECASTS_EVERY = 15 * MINUTE


@dataclass
class Upkeep:
    """Knows when what was done last; `targets` are those that are watched now."""

    clock: Clock
    announcements: Announcements
    foresight: Foresight
    targets: Callable[[], frozenset[str]]
    deliver: Callable[[], Delivered | None]
    _forecast_at: int | None = None

    def go(self) -> Delivered | None:
        """Do what is due, delivering last: what went before may owe something."""
        self.announcements.settle()
        now = self.clock.monotonic()
        if self._forecast_at is None or now - self._forecast_at >= _FORECASTS_EVERY:
            self.foresight.keep(self.targets(), self.clock.now())
            self._forecast_at = now
        return self.deliver()
