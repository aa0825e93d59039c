"""Delivering beside everything else: a receiver that hangs must not blind the probes.

The rest of the upkeep is done on the way: it may owe something.
"""

from __future__ import annotations

import threading

from opskit.app import App
from opskit.core.errors import OpskitError
from opskit.outside.eventlog import EventLog

_PATIENCE = 5.0
_LONGEST_WAIT = 10.0


class Courier:
    """A thread that sends what is owed and due; what is under way at the end stays owed."""

    def __init__(self, app: App, log: EventLog) -> None:
        self.app = app
        self.error: Exception | None = None
        self._log = log
        self._due = threading.Event()
        self._open = True
        self._told = ""
        self._thread = threading.Thread(target=self._work, name="courier", daemon=True)
        self._thread.start()

    def go(self) -> None:
        """Look at once whether something is due."""
        self._due.set()

    def close(self) -> None:
        """End; a delivery under way is given a moment."""
        self._open = False
        self._due.set()
        self._thread.join(_PATIENCE)

    def _work(self) -> None:
        try:
            while self._open:
                self._deliver()
                self._due.wait(_LONGEST_WAIT)
                self._due.clear()
        except Exception as error:  # noqa: BLE001  # raised again where the boundary is
            self.error = error

    def _deliver(self) -> None:
        try:
            done = self.app.upkeep.go()
        except OpskitError as error:
            self._tell(error.message)
            return
        if done is not None and (done.sent or done.failed or done.dead):
            self._log.info("delivered", sent=done.sent, failed=done.failed, dead=done.dead)
        self._tell("; ".join(done.unusable) if done is not None else "")

    def _tell(self, message: str) -> None:
        """Say what cannot be delivered, and why, once as long as it stays the same."""
        before, self._told = self._told, message
        if message and message != before:
            self._log.warning("delivery.failed", reason=message)
