"""What only people can say: of teams, never of persons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from opskit.core.clock import Instant
from opskit.core.evidence.rows import settle_order
from opskit.core.interval import Interval

# A smaller group's answers could be traced to one of it.
LEAST_GROUP = 5


@dataclass(frozen=True, slots=True)
class FocusEvidence:
    """Time a team kept free for work that is not urgent, and how often it was interrupted."""

    team: str
    period: Interval
    interrupts: int
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class WinEvidence:
    """Something a team is proud of. `helped` is the team it helped, `figures` what it moved."""

    at: Instant
    team: str
    helped: str
    text: str
    figures: tuple[str, ...] = ()
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class OutcomeEvidence:
    """A goal in people's terms: who, what changes for them, from which value to which.

    `frozen_at` is when the baseline was written down, `begun_at` when the work began.
    """

    name: str
    who: str
    change: str
    unit: str
    baseline: Fraction
    target: Fraction
    now: Fraction | None
    frozen_at: Instant
    begun_at: Instant | None
    due_at: Instant
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class FrictionEvidence:
    """Answers to "which tools are slowing you down or getting in your way?", by theme."""

    at: Instant
    asked: int
    answered: int
    themes: Mapping[str, int] = field(default_factory=dict)
    refs: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Put themes into the order of their names."""
        settle_order(self, "themes")

    @property
    def hidden(self) -> bool:
        """Return whether so few answered that nothing may be shown but that."""
        return self.answered < LEAST_GROUP


@dataclass(frozen=True, slots=True)
class HandoverEvidence:
    """Something that changed its owner. `accepted_at` is when the new one said yes to it."""

    subject: str
    giver: str
    taker: str
    at: Instant
    accepted_at: Instant | None
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfirmationEvidence:
    """A team that benefited says that a line of the report is so. `line` is the figure's id.

    `period` is what that report is of: a line has the same id in each month, and who agreed to
    one month's has not seen the next.
    """

    at: Instant
    team: str
    line: str
    period: Interval
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RiskEvidence:
    """A risk that was spotted, and what became of it."""

    name: str
    subject: str
    spotted_at: Instant
    mitigated_at: Instant | None
    closed_at: Instant | None
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class GrayAreaEvidence:
    """Something that belonged to nobody: owned, handed over or refused, and why."""

    subject: str
    at: Instant
    decision: str
    reason: str
    offered: str = ""
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class WantedEvidence:
    """A decision that Ops needs from whoever reads the report."""

    at: Instant
    subject: str
    choice: str
    until: Instant | None
    refs: tuple[int, ...] = ()
