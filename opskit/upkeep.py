"""What is done again and again while opskit runs: work that is over, forecasts, access, sending."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opskit.core.clock import MINUTE, Clock
from opskit.monitor.foresight import Foresight
from opskit.monitor.maintenance import Announcements
from opskit.records.messages import Delivered

if TYPE_CHECKING:
    from opskit.access.settling import Settled
    from opskit.access.workplace import Workplace

_FORECASTS_EVERY = 15 * MINUTE


@dataclass
class Upkeep:
    """Knows when what was done last; `targets` are those that are watched now."""

    clock: Clock
    announcements: Announcements
    foresight: Foresight
    targets: Callable[[], frozenset[str]]
    deliver: Callable[[], Delivered | None]
    follow_drills: Callable[[], None]
    _forecast_at: int | None = None

    def go(self) -> Delivered | None:
        """Do what is due; what goes before the delivery may owe something, drills wait for it."""
        self.announcements.settle()
        now = self.clock.monotonic()
        if self._forecast_at is None or now - self._forecast_at >= _FORECASTS_EVERY:
            self.foresight.keep(self.targets(), self.clock.now())
            self._forecast_at = now
        delivered = self.deliver()
        self.follow_drills()
        return delivered


@dataclass(frozen=True)
class AccessUpkeep:
    """Does what is due in access, where that is `configured`.

    `workplace` reads the files anew each time; where they hold mistakes it gives the last state of
    them that held none.
    """

    configured: Callable[[], bool]
    workplace: Callable[[], Workplace]

    def go(self) -> Settled | None:
        """Start, end and try again what is due now; nothing where access is not configured.

        Raises:
            OpskitError: the files hold mistakes and never held none, or a database refuses.
        """
        if not self.configured():
            return None
        from opskit.access import due  # noqa: PLC0415  # heavy, and often not needed

        return due.go(self.workplace())
