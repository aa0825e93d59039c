"""Services, probes, targets and observations; `services.yaml` is `Catalogue`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from opskit.core.clock import SECOND, Duration, Instant, parse_duration
from opskit.core.interval import State
from opskit.outside.documents import Model

_DURATION = {"type": "string", "pattern": r"^(\d+(ms|s|m|h|d|w))+$", "examples": ["30s", "5m"]}


def _duration(value: object) -> int:
    if not isinstance(value, str):
        message = "write a number with a unit: 500ms, 30s, 5m"
        raise ValueError(message)  # noqa: TRY004  # pydantic reports ValueError
    duration = parse_duration(value)
    if not SECOND // 10 <= duration <= 86_400 * SECOND:
        message = f"{value!r} is out of range; use 100ms to 1d"
        raise ValueError(message)
    return duration


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


Length = Annotated[int, BeforeValidator(_duration), WithJsonSchema(_DURATION)]
Share = Annotated[
    Fraction,
    BeforeValidator(_share),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,3}(\.\d{1,6})?\s*%$"}),
]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]


class _Probe(Model):
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

    @model_validator(mode="after")
    def _fits(self) -> _Probe:
        if self.timeout + self.confirm_after + self.timeout > 2.5 * self.interval:
            message = "timeout and confirm_after do not fit into the interval"
            raise ValueError(message)
        return self


class HttpProbe(_Probe):
    """An HTTP or HTTPS request; up if the status is expected and the body holds the text."""

    kind: Literal["http"]
    url: str = Field(pattern=r"^https?://[^\s/]\S*$", description="certificates are verified")
    method: Literal["GET", "HEAD"] = "GET"
    status: tuple[Annotated[int, Field(ge=100, le=599)], ...] = Field(default=(200,), min_length=1)
    contains: str = Field(default="", description="text the body must hold")

    @model_validator(mode="after")
    def _has_a_body(self) -> HttpProbe:
        if self.method == "HEAD" and self.contains:
            message = "an answer to HEAD has no body that could hold a text"
            raise ValueError(message)
        return self


class TcpProbe(_Probe):
    """A TCP connection; up if it opens."""

    kind: Literal["tcp"]
    address: Annotated[str, AfterValidator(_address)] = Field(description="host:port")


Probe = Annotated[HttpProbe | TcpProbe, Field(discriminator="kind")]


class Objective(Model):
    """What was promised."""

    availability: Share = Field(description='share of the time in service, like "99.9%"')


class Service(Model):
    """Something people rely on. It is up while all its probes are."""

    owner: str = Field(min_length=1, description="a person or team in access/people.yaml")
    kind: Literal["customer-facing", "internal"] = "internal"
    serves: tuple[str, ...] = Field(default=(), description="who relies on it")
    runbook: str = Field(default="", description="what to do when it is down")
    objective: Objective | None = None
    probes: tuple[Probe, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_differ(self) -> Service:
        names = [probe.name or probe.kind for probe in self.probes]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            message = f"two probes are called {twice!r}; give each a name"
            raise ValueError(message)
        return self


class Catalogue(Model):
    """`services.yaml`: what is watched, who owns it, what was promised."""

    # Without the extra word a schema takes any other name for a key it knows nothing of.
    services: dict[Name, Service] = Field(
        min_length=1, json_schema_extra={"additionalProperties": False}
    )

    def targets(self, services: tuple[str, ...] = ()) -> tuple[Target, ...]:
        """Return every probe of the named services, or of all, as a target."""
        return tuple(
            Target(f"{name}/{probe.name or probe.kind}", name, probe)
            for name, service in self.services.items()
            if not services or name in services
            for probe in service.probes
        )


@dataclass(frozen=True, slots=True)
class Target:
    """One probe of one service; `id` is `service/probe` and stays the same in history."""

    id: str
    service: str
    probe: HttpProbe | TcpProbe


class Seen(StrEnum):
    """What one try saw. `SUSPECT` is a failure that the next try confirms or refutes."""

    UP = "up"
    DOWN = "down"
    SUSPECT = "suspect"
    UNKNOWN = "unknown"

    @property
    def state(self) -> State | None:
        """Return the state it stands for; a suspect one alone stands for none."""
        return None if self is Seen.SUSPECT else State(self.value)


@dataclass(frozen=True, slots=True)
class Observation:
    """What a try saw and when it began. It holds until the next, at most 2.5 intervals."""

    target: str
    at: Instant
    seen: Seen
    reason: str
    took: Duration
    interval: Duration
    seal: int | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """Since when, and until when, a target is watched; the ledger entry that says so."""

    target: str
    service: str
    since: Instant
    seq: int
    until: Instant | None = None
    seen: Seen | None = None
    seen_since: Instant | None = None
