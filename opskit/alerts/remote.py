"""An Alertmanager beside opskit: its alerts are read, and silences are kept there."""

from __future__ import annotations

from dataclasses import dataclass

from opskit.alerts.alertmanager.reading import AlertRead, Made, SilenceRead
from opskit.alerts.alertmanager.silences import posted
from opskit.alerts.firing import Firing
from opskit.alerts.store.said import Noted
from opskit.core.errors import DataError
from opskit.core.text import clean
from opskit.outside.alertmanager import Door
from opskit.outside.bodies import T, read_bodies, read_body

_MOST = 100_000


@dataclass(frozen=True)
class RemoteAlerting:
    """Asks an Alertmanager. Every call raises what its door raises."""

    door: Door

    def alerts(self) -> tuple[Firing, ...]:
        """Return all that fires there, silenced or not."""
        return tuple(one.firing() for one in self._all("alerts", AlertRead))

    def silences(self) -> tuple[Noted, ...]:
        """Return those that hold, will hold or ended lately, oldest first."""
        found = (one.noted() for one in self._all("silences", SilenceRead))
        return tuple(sorted(found, key=lambda one: (one.created_at, one.silence.id)))

    def silence(self, wanted: Noted) -> str:
        """Keep a silence there and return its name; the one whose name it has ends for it."""
        own = {"id": wanted.silence.id} if wanted.silence.id else {}
        answer = self.door.post("silences", {**own, **posted(wanted)})
        try:
            return clean(read_body(answer, Made).id)
        except DataError as error:
            raise self.door.garbled("the id of a silence") from error

    def expire(self, name: str) -> bool:
        """Let a silence end now; return whether there was one that had not ended."""
        kept = self._all("silences", SilenceRead)
        if not any(one.id == name and one.status.state != "expired" for one in kept):
            return False
        self.door.delete("silence", name)
        return True

    def _all(self, path: str, model: type[T]) -> tuple[T, ...]:
        try:
            return read_bodies(self.door.get(path), model, most=_MOST)
        except DataError as error:
            raise self.door.garbled(f"a list of {path}") from error
