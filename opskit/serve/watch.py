"""The probing of a process that serves: a thread that looks, and whether it really moves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from opskit.app import App
from opskit.core.clock import SECOND
from opskit.core.metrics import Family, Sample
from opskit.monitor.model import Observation, Seen
from opskit.outside.eventlog import EventLog

# The loop comes round ten times a second; what does not for so long stands still.
_STANDS_STILL = 10 * SECOND


class Watch:
    """Looks at the targets of one catalogue until it is stopped; `error` is why it ended."""

    def __init__(self, app: App, log: EventLog, on_written: Callable[[], None]) -> None:
        self.error: Exception | None = None
        self._app = app
        self._log = log
        self._on_written = on_written
        self._last: dict[str, Seen] = {}
        self._moved = app.clock.monotonic()
        self._prober = app.prober(app.catalogue.targets())
        self._thread = threading.Thread(target=self._work, name="watch", daemon=True)
        self._thread.start()

    @property
    def moves(self) -> bool:
        """Return whether the loop came round lately."""
        return self._app.clock.monotonic() - self._moved < _STANDS_STILL

    @property
    def ended(self) -> bool:
        """Return whether it looks no more."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """End looking; what was seen is written and sealed."""
        self._prober.stop()
        self._thread.join()

    def _work(self) -> None:
        try:
            self._prober.loop(None, self._seen, self._on_written)
        except Exception as error:  # noqa: BLE001  # raised again where the boundary is
            self.error = error

    def _seen(self, batch: Sequence[Observation]) -> None:
        self._moved = self._app.clock.monotonic()
        for one in batch:
            if not one.location and self._last.get(one.target) is not one.seen:
                self._last[one.target] = one.seen
                self._log.info("seen", target=one.target, seen=one.seen, reason=one.reason)

    def families(self) -> tuple[Family, ...]:
        """Return how the looking goes."""
        pulse = self._prober.pulse
        return (
            Family(
                "opskit_looks_total", "counter", "Tries of probes that ended.",
                (Sample(pulse.looks),),
            ),
            Family(
                "opskit_looks_too_late_total", "counter",
                "Tries that came too late to tell, because opskit stood still.",
                (Sample(pulse.late),),
            ),
            Family(
                "opskit_looks_lateness_seconds_total", "counter",
                "How late tries began, all together.",
                (Sample(pulse.lateness / SECOND),),
            ),
            Family(
                "opskit_looks_in_flight", "gauge", "Tries that are under way.",
                (Sample(pulse.in_flight),),
            ),
        )  # fmt: skip
