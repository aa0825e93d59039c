"""Access beside everything else: a target that hangs must blind no probe and hold no message.

A grant is put on its targets and taken off them by runs that may take minutes, so a thread of its
own does it. What a round leaves undone when the process ends stays due; whoever leads next does it.
"""

from __future__ import annotations

import threading
from dataclasses import replace

from opskit.app import App
from opskit.core.errors import OpskitError
from opskit.outside.eventlog import EventLog
from opskit.upkeep import AccessUpkeep

_EVERY = 30.0  # seconds
# A round under way is waited for: killed in the middle, its places stay locked for half an hour.
_PATIENCE = 20.0


def _upkeep(app: App) -> AccessUpkeep:
    # A copy remembers nothing of the files.
    return AccessUpkeep(lambda: app.config.grants_access, lambda: replace(app.granting).lenient)


class Settler:
    """A thread that does what is due in access. Its mistakes are told; they end nothing else."""

    def __init__(self, app: App, log: EventLog, every: float = _EVERY) -> None:
        self.app = app
        self.rounds = 0
        self._log = log
        self._every = every
        self._over = threading.Event()
        self._told = ""
        self._thread = threading.Thread(target=self._work, name="settler", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End; a round under way is given a moment."""
        self._over.set()
        self._thread.join(_PATIENCE)
        if self._thread.is_alive():
            self._log.warning("access.unfinished", reason="a target takes too long; it stays due")

    def _work(self) -> None:
        while not self._over.is_set():
            self._round()
            self.rounds += 1
            self._over.wait(self._every)

    def _round(self) -> None:
        try:
            done = _upkeep(self.app).go()
        except OpskitError as error:
            self._tell(error.message)
        except Exception as error:  # noqa: BLE001  # a bug here must not end the watching
            self._tell(f"a bug in opskit: {type(error).__name__}: {error}")
        else:
            self._told = ""
            for grant in done.moved if done is not None else ():
                self._log.info("access.moved", grant=grant.name, state=grant.state.value)

    def _tell(self, message: str) -> None:
        """Say why nothing is done, once as long as it stays the same."""
        if message != self._told:
            self._told = message
            self._log.error("access.failed", reason=message)
