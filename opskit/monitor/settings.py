"""What all kinds of probes share in `services.yaml`, and the types their settings are made of."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from opskit.core.clock import SECOND, parse_duration
from opskit.monitor.model import HOLD
from opskit.outside import cron
from opskit.outside.models import Model

DURATION = {"type": "string", "pattern": r"^(\d+(ms|s|m|h|d|w))+$", "examples": ["30s", "5m"]}
_ADDRESS = re.compile(r"([\w.-]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})", re.ASCII)


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


def _address(text: str) -> str:
    match = _ADDRESS.fullmatch(text)
    if match is None or not 0 < int(match[2]) < 65_536:
        message = f"{text!r} is no address; write host:port or [::1]:port"
        raise ValueError(message)
    return text


def _share(value: object) -> Fraction:
    match = (
        re.fullmatch(r"(\d{1,2}(?:\.\d{1,6})?|100)\s*%", value) if isinstance(value, str) else None
    )
    if match is None:
        message = 'write a percentage with its sign: "99.9%"'
        raise ValueError(message)
    return Fraction(match[1]) / 100


def _zone(value: object) -> ZoneInfo:
    try:
        if isinstance(value, str):
            return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    message = f"{value!r} is no time zone; write its IANA name: Europe/Berlin"
    raise ValueError(message)


def _cron(text: str) -> str:
    cron.check(text)
    return text


# A time of any length, and one between 100ms and a day.
Span = Annotated[int, BeforeValidator(_duration), WithJsonSchema(DURATION)]
Length = Annotated[int, BeforeValidator(_short), WithJsonSchema(DURATION)]
Share = Annotated[
    Fraction,
    BeforeValidator(_share),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,3}(\.\d{1,6})?\s*%$"}),
]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Zone = Annotated[
    ZoneInfo,
    BeforeValidator(_zone),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["Europe/Berlin", "UTC"]}),
]
Cron = Annotated[str, AfterValidator(_cron)]
Address = Annotated[str, AfterValidator(_address)]


class ProbeSettings(Model):
    """What every probe may say. A kind adds its `kind` and what it needs to look."""

    kind: str
    name: str = Field(
        default="", pattern=r"^[a-z0-9._-]{0,62}$", description="tells probes of a service apart"
    )
    interval: Length = Field(
        default=60 * SECOND,
        description="from one probe to the next",
        json_schema_extra={"default": "60s"},
    )
    timeout: Length = Field(
        default=5 * SECOND,
        description="for the whole exchange",
        json_schema_extra={"default": "5s"},
    )
    confirm_after: Length = Field(
        default=2 * SECOND,
        description="a failure counts once a second try this much later fails",
        json_schema_extra={"default": "2s"},
    )
    degraded_after: Length | None = Field(
        default=None, description="an answer that takes longer is degraded"
    )

    @model_validator(mode="after")
    def _fits(self) -> ProbeSettings:
        if self.timeout + self.confirm_after + self.timeout > HOLD * self.interval:
            message = "timeout and confirm_after do not fit into the interval"
            raise ValueError(message)
        return self
