"""`services.yaml`: services, who owns them, what is watched and what was promised."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from opskit.monitor.probes import KINDS
from opskit.monitor.settings import Name, ProbeSettings, Share
from opskit.outside.documents import Model

if TYPE_CHECKING:
    Probe = ProbeSettings
else:
    # Which kinds there are is known once the plugins are: a union that no type checker can follow.
    Probe = Annotated[
        reduce(or_, (kind.settings for kind in KINDS.values())), Field(discriminator="kind")
    ]


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
    probe: ProbeSettings
