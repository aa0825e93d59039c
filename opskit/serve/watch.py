"""The probing of a process that serves: a thread that looks, and whether it really moves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from opskit.app import App
from opskit.core.clock import SECOND
from opskit.monitor.model import Observation, Seen
from opskit.monitor.pulse import Pulse
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

    def pulse(self) -> Pulse:
        """Return how the looking and the writing go."""
        return self._prober.pulse()
