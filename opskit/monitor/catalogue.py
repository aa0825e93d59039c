"""`services.yaml`: services, who owns them, what is watched and what was promised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from opskit.core.errors import ConfigError
from opskit.core.text import nearest
from opskit.monitor.probes import KINDS
from opskit.monitor.settings import Cron, Name, ProbeSettings, Share
from opskit.outside.fields import Span, Zone
from opskit.outside.hours import HoursOfWeek
from opskit.outside.models import Model

if TYPE_CHECKING:
    Probe = ProbeSettings
else:
    # Which kinds there are is known once the plugins are: a union that no type checker can follow.
    Probe = Annotated[
        reduce(or_, (kind.settings for kind in KINDS.values())), Field(discriminator="kind")
    ]


class WeightedHours(HoursOfWeek):
    """Hours in which a minute counts for more, or for less, than one."""

    weight: int = Field(ge=0, le=1_000, description="what a minute counts for")


class Objective(Model):
    """What was promised, and over which time it is measured."""

    availability: Share = Field(description='share of the time in service, like "99.9%"')
    over: Literal["month", "quarter", "year"] | Span = Field(
        default="month", description="a month, quarter or year of the calendar, or the last 28d"
    )
    timezone: Zone | None = Field(default=None, description="whose calendar; else the catalogue's")
    weighted: tuple[WeightedHours, ...] = Field(
        default=(), description="hours that count for more; all others count once"
    )


class AnyOf(Model):
    """Several services of which some are enough."""

    any_of: tuple[Name, ...] = Field(min_length=2)
    needed: int = Field(default=1, ge=1, description="how many of them are enough")

    @model_validator(mode="after")
    def _can_be(self) -> AnyOf:
        if self.needed > len(self.any_of):
            message = f"{self.needed} of {len(self.any_of)} can never be"
            raise ValueError(message)
        return self


Need = Name | AnyOf


class ConfirmFrom(Model):
    """Managed hosts that are asked to look too when a failure was confirmed here."""

    hosts: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(), max_length=20, description="names in the inventory; none: nobody is asked"
    )
    needed: int = Field(
        default=2, ge=1, description="how many must see it down, this place included"
    )

    @model_validator(mode="after")
    def _can_be(self) -> ConfirmFrom:
        if len(set(self.hosts)) < len(self.hosts):
            message = "a host is named twice; it has one voice"
            raise ValueError(message)
        if self.hosts and self.needed > len(self.hosts) + 1:
            message = f"{self.needed} of {len(self.hosts) + 1} can never be, this place included"
            raise ValueError(message)
        return self


class Service(Model):
    """Something people rely on. It is up while all its probes are."""

    owner: str = Field(min_length=1, description="a person or team in access/people.yaml")
    kind: Literal["customer-facing", "internal"] = "internal"
    serves: tuple[str, ...] = Field(default=(), description="who relies on it")
    runbook: str = Field(default="", description="what to do when it is down")
    hours: tuple[HoursOfWeek, ...] = Field(
        default=(), description="when it is in service; always, where nothing is said"
    )
    timezone: Zone | None = Field(default=None, description="of its hours; else the catalogue's")
    depends_on: tuple[Need, ...] = Field(
        default=(), description="what it needs to run: named when it is down, so that one alerts"
    )
    made_of: tuple[Need, ...] = Field(
        default=(), description="services that it is up with: all of these, beside its own probes"
    )
    objective: Objective | None = None
    objectives: tuple[Objective, ...] = Field(default=(), description="if there are several")
    confirm_from: ConfirmFrom | None = Field(
        default=None, description="who else is asked; else the catalogue's. No hosts: nobody"
    )
    probes: tuple[Probe, ...] = Field(default_factory=tuple, min_length=1)

    @model_validator(mode="after")
    def _is_whole(self) -> Service:
        names = [probe.name or probe.kind for probe in self.probes]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            message = f"two probes are called {twice!r}; give each a name"
            raise ValueError(message)
        if not self.probes and not self.made_of:
            message = "nothing watches it; give it probes, or say what it is made_of"
            raise ValueError(message)
        if self.objective and self.objectives:
            message = "give it an objective or objectives, not both"
            raise ValueError(message)
        return self

    @property
    def promises(self) -> tuple[Objective, ...]:
        """Return what was promised, the first being what it is called by."""
        return self.objectives or ((self.objective,) if self.objective else ())

    @property
    def promised(self) -> Fraction | None:
        """Return the share that was promised first."""
        return self.promises[0].availability if self.promises else None


class Recurring(Model):
    """Maintenance that comes again: cron says when it begins, and it lasts so long."""

    services: tuple[Name, ...] = Field(default=(), description="all, where none is named")
    schedule: Cron = Field(description='when it begins, as cron writes it: "0 2 * * sun"')
    length: Span = Field(description="how long it lasts")
    timezone: Zone | None = Field(default=None, description="of its schedule")
    reason: str = Field(default="planned maintenance", description="what it is for")


class Connectivity(Model):
    """Something else to look at: where none of it can be reached, opskit itself is cut off."""

    probes: tuple[Probe, ...] = Field(min_length=1)
    needed: int = Field(default=1, ge=1, description="how many of them must answer")


class Catalogue(Model):
    """`services.yaml`: what is watched, who owns it, what was promised."""

    timezone: Zone | None = Field(default=None, description="IANA name; else that of opskit.yaml")
    # Without the extra word a schema takes any other name for a key it knows nothing of.
    services: dict[Name, Service] = Field(
        min_length=1, json_schema_extra={"additionalProperties": False}
    )
    maintenance: tuple[Recurring, ...] = Field(default=(), description="what comes again")
    connectivity: Connectivity | None = None
    confirm_from: ConfirmFrom | None = Field(
        default=None, description="who else is asked when a failure was confirmed here"
    )
    openslo: tuple[str, ...] = Field(
        default=(), description="OpenSLO v1 files with objectives of services, from the root"
    )

    @model_validator(mode="after")
    def _refers_to_what_is_there(self) -> Catalogue:
        for name, service in self.services.items():
            for other in (*named(service.depends_on), *named(service.made_of)):
                self._there_must_be(other, f"services.{name}")
        for planned in self.maintenance:
            for other in planned.services:
                self._there_must_be(other, "maintenance")
        for name in self.services:
            _refuse_circle(self, name)
        return self

    def _there_must_be(self, name: str, place: str) -> None:
        if name not in self.services:
            guess = nearest(name, list(self.services))
            meant = f"; did you mean {guess!r}?" if guess else ""
            message = f"{place}: there is no service {name!r}{meant}"
            raise ValueError(message)

    def known(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of services, all of which exist.

        Raises:
            ConfigError: one does not.
        """
        for name in names:
            if name not in self.services:
                guess = nearest(name, list(self.services))
                hint = f"did you mean {guess!r}?" if guess else "opskit monitor status lists them"
                raise ConfigError(f"there is no service {name!r}", hint=hint)
        return names

    @property
    def names_witnesses(self) -> bool:
        """Return whether anybody else is to look where a failure was confirmed."""
        asked = (self.confirm_from, *(one.confirm_from for one in self.services.values()))
        return any(one is not None and one.hosts for one in asked)

    @property
    def target_ids(self) -> frozenset[str]:
        """Return what tells each target apart."""
        return frozenset(one.id for one in self.targets())

    def targets(self, services: tuple[str, ...] = ()) -> tuple[Target, ...]:
        """Return every probe of the named services, or of all, as a target."""
        return tuple(
            Target(f"{name}/{probe.name or probe.kind}", name, probe)
            for name in services or self.services
            for probe in self.services[name].probes
        )


def named(needs: tuple[Need, ...]) -> Iterator[str]:
    """Yield every service that is named there."""
    for need in needs:
        yield from need.any_of if isinstance(need, AnyOf) else (need,)


def _refuse_circle(catalogue: Catalogue, start: str) -> None:
    """Raise if a service needs itself, by whatever way."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        service = catalogue.services[way[-1]]
        for other in (*named(service.depends_on), *named(service.made_of)):
            if other == start:
                message = f"services.{start} needs itself: {' -> '.join((*way, start))}"
                raise ValueError(message)
            if other not in seen:
                seen.add(other)
                ways.append((*way, other))


@dataclass(frozen=True, slots=True)
class Target:
    """One probe of one service; `id` is `service/probe` and stays the same in history."""

    id: str
    service: str
    probe: ProbeSettings
