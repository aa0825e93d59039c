"""What all kinds of probes share in `services.yaml`, and the types their settings are made of."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    WithJsonSchema,
    model_validator,
)

from opskit.core.clock import SECOND
from opskit.monitor.model import HOLD
from opskit.outside import cron
from opskit.outside.fields import Length
from opskit.outside.models import Model

_ADDRESS = re.compile(r"([\w.-]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})", re.ASCII)


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


def _cron(text: str) -> str:
    cron.check(text)
    return text


Share = Annotated[
    Fraction,
    BeforeValidator(_share),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,3}(\.\d{1,6})?\s*%$"}),
]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
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
