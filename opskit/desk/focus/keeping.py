"""Focus as it is kept: windows open by the calendar or by word, and end; the ledger tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from opskit.core.clock import DAY, Clock, Duration, Instant, iso
from opskit.core.errors import ConfigError, Refused
from opskit.core.interval import Interval
from opskit.desk.focus import store
from opskit.desk.focus.windows import Focus, Weekly, begun, opening
from opskit.outside.database import Database
from opskit.records.ledger import Ledger, hold

# What was kept of a window lies at most this far from now.
_AROUND = 15 * DAY


@dataclass(frozen=True)
class FocusKeeping:
    """Opens and ends windows; `weekly` are those of `desk.yaml`, one a team."""

    database: Database
    ledger: Ledger
    clock: Clock
    weekly: tuple[Weekly, ...]

    def open_due(self) -> None:
        """Open the windows that are due by the calendar, each once."""
        now = self.clock.now()
        with self.database.read() as connection:
            if not opening(self.weekly, _around(connection, now), now):
                return
        with self.database.write() as connection:
            # Asked again, with others kept waiting: another process may have opened it since.
            hold(connection)
            for one in opening(self.weekly, _around(connection, now), now):
                self._open(connection, one)

    def current(self) -> tuple[Focus, ...]:
        """Return the windows that are open now."""
        with self.database.read() as connection:
            return tuple(one.focus for one in store.at(connection, self.clock.now()))

    def begin(self, team: str, lasting: Duration, passes: tuple[str, ...]) -> Focus:
        """Open a window now.

        Raises:
            Refused: the team is in focus already.
        """
        now = self.clock.now()
        own = next((one for one in self.weekly if one.team == team), None)
        focus = begun(team, Interval(now, Instant(now + lasting)), passes, own)
        self.open_due()
        with self.database.write() as connection:
            hold(connection)
            held = _of(store.at(connection, now), team)
            if held is not None:
                until = iso(held.focus.interval.end)
                raise Refused(
                    f"{team} is in focus already, until {until}", hint=f"opskit focus end {team}"
                )
            self._open(connection, focus)
        return focus

    def end(self, team: str) -> Focus:
        """End the window of a team now; what was held is told.

        Raises:
            ConfigError: it is in none.
        """
        self.open_due()
        now = self.clock.now()
        with self.database.write() as connection:
            hold(connection)
            held = _of(store.at(connection, now), team)
            if held is None:
                raise ConfigError(f"{team} is not in focus", hint="opskit focus list")
            # A window of no length would look like none: it could be opened again at once.
            store.end(connection, held.id, Instant(max(now, held.focus.interval.start + 1)))
            told = {"since": held.focus.interval.start, "planned": held.focus.interval.end}
            self.ledger.append(connection, "focus.ended", f"team/{team}", told)
        return held.focus

    def _open(self, connection: sa.Connection, one: Focus) -> None:
        told = {"since": one.interval.start, "until": one.interval.end, "passes": list(one.passes)}
        entry = self.ledger.append(connection, "focus.begun", f"team/{one.team}", told)
        store.keep(connection, one, entry.seq)


def _around(connection: sa.Connection, now: Instant) -> tuple[Focus, ...]:
    near = Interval(Instant(now - _AROUND), Instant(now + _AROUND))
    return tuple(one.focus for one in store.meeting(connection, near))


def _of(windows: Sequence[store.Kept], team: str) -> store.Kept | None:
    return next((one for one in windows if one.focus.team == team), None)
