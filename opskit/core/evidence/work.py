"""What work there was: done by machines, asked for, timed by hand, and of which kind."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from opskit.core.clock import Duration, Instant


class WorkClass(StrEnum):
    """What a piece of work was for. What no rule can place is told as such."""

    REACTIVE = "reactive"
    PREVENTIVE = "preventive"
    SERVICE = "service"
    UNCLASSIFIED = "unclassified"


@dataclass(frozen=True, slots=True)
class WorkEvidence:
    """A piece of work by hand. `took` is hands-on time; None where nobody noted it.

    `priority` is the business priority it served, empty for none named.
    """

    at: Instant
    team: str
    work: WorkClass
    took: Duration | None
    subject: str
    after_hours: bool = False
    priority: str = ""
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AutomatedEvidence:
    """Work that a command did: `units` things of kind `task` that really changed.

    Trials, runs without a change and failed units are 0 units. `attended` is what people spent on
    it all the same: looking, approving, mending what failed; None where that is not known.
    """

    at: Instant
    task: str
    units: int
    attended: Duration | None
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DemandEvidence:
    """How much of a task was wanted in the period, whoever would have done it.

    `basis` says how that is known: requests that came in, or how often it was done by hand before.
    """

    task: str
    units: int
    basis: str
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TimedEvidence:
    """A task done by hand with a watch running: hands-on time for one unit of it."""

    at: Instant
    task: str
    took: Duration
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class UpkeepEvidence:
    """Time spent on building or mending the automation of a task."""

    at: Instant
    task: str
    took: Duration
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class FixUseEvidence:
    """A known fix that helped: `first` where it was found, later where it was used again."""

    at: Instant
    fix: str
    team: str
    took: Duration | None
    first: bool
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class IntakeEvidence:
    """A request that came to Ops. `rounds` is how often something missing had to be asked for.

    `blocked` is for how long whoever asked could not work meanwhile, by their own word; None where
    they were not asked.
    """

    name: str
    kind: str
    team: str
    asked_at: Instant
    rounds: int
    done_at: Instant | None
    blocked: Duration | None = None
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ProcessEvidence:
    """A process of Ops: how many units came in the period, and how many people can do it.

    `hours` is how long one person can work on it in the period.
    """

    process: str
    arrivals: int
    able: int
    hours: Duration
    refs: tuple[int, ...] = ()
