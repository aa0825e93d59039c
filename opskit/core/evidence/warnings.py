"""What was told beforehand, and what came of it: predictions, trends, renewals, test faults."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from opskit.core.clock import Duration, Instant
from opskit.core.interval import Interval


@dataclass(frozen=True, slots=True)
class PredictionEvidence:
    """One prediction of a failure, or one failure that nobody predicted.

    `warned_at` is None for a failure that came without a warning. `expected` is when it was to
    come. `acted_at` is when somebody did something about it, `failed_at` when it came about;
    `closed_at` when it could no longer come about, or when its time was over. All None: still open.
    """

    name: str
    rule: str
    subject: str
    warned_at: Instant | None
    expected: Interval | None
    acted_at: Instant | None
    failed_at: Instant | None
    closed_at: Instant | None
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class FiringEvidence:
    """One time that an alert fired, and whether it was worth it.

    `worth` is whether somebody acted on it or it came true, None where that is not known yet;
    `acted` whether somebody did something. `lead` is from it to the outage that it told of, None
    where none came after it. `after_hours` as for calls.
    """

    at: Instant
    team: str
    rule: str
    worth: bool | None
    acted: bool
    after_hours: bool
    lead: Duration | None = None
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TrendEvidence:
    """What was measured before somebody acted, so that it can be run on without the action.

    `samples` are (when, level) in `unit`, oldest first, none after `acted_at`; `limit` is the
    level at which it fails, in the same unit; it fails above it if `rising`, else below.
    `relief` names what could have helped without the action (rotation, growth by itself); empty:
    nothing could.
    """

    name: str
    subject: str
    unit: str
    limit: Fraction
    rising: bool
    samples: tuple[tuple[Instant, Fraction], ...]
    acted_at: Instant
    action: str
    relief: str = ""
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RenewalEvidence:
    """A certificate, domain, licence or contract that was renewed, or that ran out in service.

    `ends_at` is the end of the old one. `by_hand` is whether a person had to remember it; None:
    not known.
    """

    name: str
    kind: str
    ends_at: Instant
    renewed_at: Instant | None
    by_hand: bool | None
    refs: tuple[int, ...] = ()

    def missed(self, end: Instant) -> bool:
        """Return whether it ran out before it was renewed, as far as was seen at `end`."""
        return self.ends_at <= (end if self.renewed_at is None else self.renewed_at)


@dataclass(frozen=True, slots=True)
class DrillEvidence:
    """A fault made on purpose, to see whether it is noticed.

    `seen` is whether the probe noticed, `routed` whether the alert was sent, `received` whether
    the human channel had it; None where the drill did not look so far.
    """

    at: Instant
    service: str
    seen: bool | None
    routed: bool | None
    received: bool | None
    refs: tuple[int, ...] = ()

    @property
    def proved(self) -> bool:
        """Return whether the whole way was shown to work."""
        return self.seen is True and self.routed is True and self.received is True
