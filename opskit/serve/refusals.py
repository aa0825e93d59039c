"""What a database refuses for a while: told when it begins and when it is over, not each time."""

from __future__ import annotations

from opskit.core.errors import OpskitError
from opskit.outside.eventlog import EventLog


class Refusals:
    """Remembers from turn to turn whether something was refused."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._now = ""
        self._before = ""

    def take(self, error: OpskitError) -> None:
        """Go on if trying again can help; a database that is locked or full comes back.

        Raises:
            OpskitError: it cannot help.
        """
        if not error.retryable:
            raise error
        if not self._now and not self._before:
            self._log.warning("database.refused", reason=error.message)
        self._now = error.message

    def turned(self) -> None:
        """Note that a turn is over, in which nothing was refused unless it was told."""
        if self._before and not self._now:
            self._log.info("database.answers")
        self._before, self._now = self._now, ""
