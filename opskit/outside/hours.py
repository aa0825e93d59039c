"""Hours of the week in files that users write, whichever slice reads them."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from opskit.core.calendar import Hours
from opskit.outside.models import Model

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _clock_time(value: object) -> time:
    try:
        if isinstance(value, str) and len(value) == len("08:00"):
            return time.min if value == "24:00" else time.fromisoformat(value)
    except ValueError:
        pass
    message = f'{value!r} is no time of day; write it in quotes: "08:00"'
    raise ValueError(message)


ClockTime = Annotated[
    time,
    BeforeValidator(_clock_time),
    WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-4]):[0-5]\d$"}),
]


class HoursOfWeek(Model):
    """Times of day on some days of the week; one that ends before it starts ends the next day."""

    days: tuple[Day, ...] = Field(default=_DAYS, min_length=1)
    start: ClockTime = Field(alias="from", description='like "08:00"')
    end: ClockTime = Field(alias="to", description='like "18:00"; "24:00" is midnight')

    @property
    def hours(self) -> Hours:
        """Return the same as the calendar reads it."""
        return Hours(frozenset(map(_DAYS.index, self.days)), self.start, self.end)
