"""`desk.yaml`: how a team of Ops wants to be met."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from opskit.core.clock import MINUTE
from opskit.core.text import plural
from opskit.outside.fields import Span, Zone
from opskit.outside.hours import HoursOfWeek
from opskit.outside.models import Model

Severity = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
_PAGING: tuple[Severity, ...] = ("page", "critical")


class FocusSettings(Model):
    """Time that a team keeps free: only what passes is told at once, the rest as one digest."""

    team: str = Field(min_length=1, description="a team in access/people.yaml")
    hours: tuple[HoursOfWeek, ...] = Field(
        min_length=1,
        max_length=20,
        description="when",
        examples=[[{"days": ["tue", "thu"], "from": "13:00", "to": "17:00"}]],
    )
    timezone: Zone | None = Field(default=None, description="of its hours; else opskit.yaml's")
    passes: tuple[Severity, ...] = Field(
        default=_PAGING, min_length=1, description="severities of alerts that are told all the same"
    )


class IncidentSettings(Model):
    """Which alerts open an incident, and which of them are one."""

    opens: tuple[Severity, ...] = Field(
        default=_PAGING, description="severities of alerts that open one; none: only people do"
    )
    critical: tuple[Severity, ...] = Field(
        default=("critical",), description="severities of alerts that make it critical, else major"
    )
    together: tuple[str, ...] = Field(
        default=("service",),
        min_length=1,
        description="alerts with the same values of these labels are one incident",
    )
    comes_back: Span = Field(
        default=30 * MINUTE, ge=0, description="an alert so soon after the end opens it again"
    )
    settles: Span = Field(
        default=15 * MINUTE,
        ge=MINUTE,
        description="what nobody had in hand is resolved so long after its last alert ended",
    )


class Desk(Model):
    """The file."""

    incidents: IncidentSettings = Field(
        default_factory=IncidentSettings, description="how alerts become incidents"
    )

    focus: tuple[FocusSettings, ...] = Field(default=(), description="time that teams keep free")

    @field_validator("focus")
    @classmethod
    def _one_of_each(cls, entries: tuple[FocusSettings, ...]) -> tuple[FocusSettings, ...]:
        teams = [one.team for one in entries]
        twice = sorted({one for one in teams if teams.count(one) > 1})
        if twice:
            message = f"{twice[0]!r} has {plural(teams.count(twice[0]), 'entry', 'entries')} below "
            raise ValueError(message + "focus; write all its hours in one")
        return entries

    def paging(self, team: str) -> tuple[str, ...]:
        """Return the severities that pass a focus window of a team."""
        return next((one.passes for one in self.focus if one.team == team), _PAGING)
