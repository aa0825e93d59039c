"""Types of values in files that users write: durations and zones, whichever slice reads them."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from opskit.core.clock import SECOND, parse_duration

DURATION = {"type": "string", "pattern": r"^(\d+(ms|s|m|h|d|w))+$", "examples": ["30s", "5m"]}


def _duration(value: object) -> int:
    if not isinstance(value, str):
        message = "write a number with a unit: 500ms, 30s, 5m"
        raise ValueError(message)  # noqa: TRY004  # pydantic reports ValueError
    return parse_duration(value)


def _short(value: object) -> int:
    duration = _duration(value)
    if not SECOND // 10 <= duration <= 86_400 * SECOND:
        message = f"{value!r} is out of range; use 100ms to 1d"
        raise ValueError(message)
    return duration


def _zone(value: object) -> ZoneInfo:
    try:
        if isinstance(value, str):
            return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    message = f"{value!r} is no time zone; write its IANA name: Europe/Berlin"
    raise ValueError(message)


# A time of any length, and one between 100ms and a day.
Span = Annotated[int, BeforeValidator(_duration), WithJsonSchema(DURATION)]
Length = Annotated[int, BeforeValidator(_short), WithJsonSchema(DURATION)]
Zone = Annotated[
    ZoneInfo,
    BeforeValidator(_zone),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["Europe/Berlin", "UTC"]}),
]
