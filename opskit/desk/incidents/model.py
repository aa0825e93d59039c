"""An incident and the events that it is told by. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from opskit.core.clock import Instant

# Who says what follows from alerts alone.
BY = "opskit"


class Severity(StrEnum):
    """How bad it is for whoever is hit, worst first."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"


class Status(StrEnum):
    """Where an incident stands. `MITIGATED`: nobody is hit any more, its cause is still there."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    MERGED = "merged"


class Kind(StrEnum):
    """What an event says. The order breaks ties between events of one instant."""

    OPENED = "opened"
    FIRED = "fired"
    ENDED = "ended"
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    RATED = "rated"
    NOTED = "noted"
    LINKED = "linked"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    SPLIT = "split"
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in an incident, once: two with one key are the same.

    `incident` is the number of the one it was told of, `at` when it happened, which may be told
    later. What `data` holds goes by kind: `text` of
    opened, noted and resolved; `alarm` of fired and ended; `what` and `name` of linked; `owner`,
    `severity`, `into`, `keys` of assigned, rated, merged, split; the rest of opened is `Opening`.
    """

    key: str
    incident: int
    at: Instant
    kind: Kind
    by: str
    data: Mapping[str, str] = field(default_factory=dict)
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known when an incident is opened. `group` is what alerts of it have in common.

    `started_at` is when it began for whoever is hit, `detected_at` when somebody or something
    first told of it. `visible` is whether users are hit. Incidents with one fingerprint look alike.
    """

    title: str
    severity: Severity
    started_at: Instant
    detected_at: Instant
    source: str
    service: str = ""
    team: str = ""
    visible: bool = False
    group: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """Something that belongs to an incident: a run, a grant, a ticket, a known fix."""

    what: str
    name: str
    at: Instant
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alert of an incident, by the name that it has for alerting."""

    name: str
    title: str
    begun: Instant
    ended: Instant | None = None


@dataclass(frozen=True, slots=True)
class Warned:
    """An alert as alerting tells of it, for the desk to decide what to make of it.

    `name` is of this one time that it fired, `look` is the same each time. `service` and `team`
    are whose it is, `visible` whether users are hit by it. `taken_by` has it in hand.
    """

    name: str
    look: str
    title: str
    severity: str
    labels: Mapping[str, str]
    begun: Instant
    ended: Instant | None = None
    service: str = ""
    team: str = ""
    visible: bool = False
    taken_by: str = ""
    taken_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as its events tell it.

    Times are kept apart: None is not yet. `mitigated_at` and `resolved_at` are of the last time
    it was; `reopened` counts how often it came back. `into` is the incident it was merged into.
    """

    number: int
    opening: Opening
    status: Status
    severity: Severity
    owner: str = ""
    acknowledged_at: Instant | None = None
    mitigated_at: Instant | None = None
    resolved_at: Instant | None = None
    reopened: int = 0
    into: int | None = None
    cause: str = ""
    change: str = ""
    alarms: tuple[Alarm, ...] = ()
    links: tuple[Link, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def name(self) -> str:
        """Return what it is called: `INC-7`."""
        return f"INC-{self.number}"

    @property
    def is_open(self) -> bool:
        """Return whether somebody still has to see to it."""
        return self.status not in (Status.RESOLVED, Status.MERGED)

    @property
    def over_at(self) -> Instant | None:
        """Return when it was over for whoever was hit; None while it is not."""
        return self.mitigated_at or self.resolved_at

    @property
    def refs(self) -> tuple[int, ...]:
        """Return the numbers of the ledger entries that it was written with."""
        return tuple(one.seq for one in self.events if one.seq)
