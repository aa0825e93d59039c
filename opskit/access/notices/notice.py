"""One message, and what every kind of them is written from. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from opskit.access.registry import Registry
from opskit.core.clock import to_datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """One message. `urgent` wakes somebody; `people` are those whom it concerns."""

    title: str
    lines: tuple[str, ...]
    commands: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    urgent: bool = False

    def as_json(self) -> dict[str, object]:
        """Return what a channel for people shows of it."""
        return {
            "title": self.title,
            "lines": list(self.lines),
            "commands": list(self.commands),
            "urgent": self.urgent,
        }


@dataclass(frozen=True, slots=True)
class Files:
    """The files in `access/` and the day it is: who stands for which role."""

    registry: Registry
    today: date
    zone: ZoneInfo

    def when(self, instant: int | None) -> str:
        """Return an instant for people."""
        if instant is None:
            return "no time that is known"
        return f"{to_datetime(instant, self.zone):%Y-%m-%d %H:%M} {self.zone.key}"
