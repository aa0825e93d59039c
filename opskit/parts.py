"""The parts of the metrics page, slice by slice: the one place that names them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from opskit.access import metrics as access
from opskit.alerts import metrics as alerts
from opskit.collectors import Part
from opskit.core.clock import MINUTE, Clock, Duration, Instant
from opskit.core.metrics import Family
from opskit.fleet import metrics as fleet
from opskit.monitor import figures
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.foresight import Foresight
from opskit.monitor.metrics import Watched
from opskit.outside.database import Database
from opskit.records import metrics as records

_FORECASTS_KEPT = Duration(5 * MINUTE)
_WAITS_KEPT = Duration(5 * MINUTE)


@dataclass(frozen=True)
class Parts:
    """What there is to show; of services nothing where no catalogue is.

    The catalogue is read where it is needed: one with mistakes leaves the other parts as they are.
    """

    database: Database
    clock: Clock
    zone: ZoneInfo
    catalogue: Callable[[], Catalogue] | None
    foresight: Foresight

    def every(self) -> Iterator[Part]:
        """Yield each part."""
        if self.catalogue is not None:
            yield from self._monitor(self.catalogue)
        now = self.clock.now
        yield Part("fleet", "standing", lambda: fleet.fleet(self.database, now()))
        yield Part("access", "standing", lambda: access.access(self.database, now()))
        yield Part(
            "access", "lead_times", lambda: access.lead_times(self.database, now()), _WAITS_KEPT
        )
        yield Part("alerts", "standing", lambda: alerts.standing(self.database, now()))
        yield Part("alerts", "drills", lambda: alerts.drills(self.database, now()))
        yield Part("records", "ledger", lambda: records.ledger(self.database))
        yield Part("records", "archive", lambda: records.archive(self.database))
        yield Part("records", "outbox", lambda: records.outbox(self.database, now()))

    def _monitor(self, catalogue: Callable[[], Catalogue]) -> Iterator[Part]:
        now = self.clock.now

        def watched() -> Watched:
            return Watched(self.database, catalogue(), self.zone)

        yield Part("monitor", "now", lambda: watched().now(now()))
        yield Part("monitor", "periods", lambda: watched().periods(now()), MINUTE)
        yield Part("monitor", "numbers", lambda: figures.kept(self.database, catalogue(), now()))
        yield Part(
            "monitor", "forecasts", lambda: self._forecasts(catalogue(), now()), _FORECASTS_KEPT
        )

    def _forecasts(self, catalogue: Catalogue, now: Instant) -> Iterator[Family]:
        targets = frozenset(one.id for one in catalogue.targets())
        foreseen = self.foresight.foreseen(targets, now)
        return figures.forecasts(foreseen, self.foresight.scores(), now)
