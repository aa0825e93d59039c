"""What was seen of which target, and when. Settings are in `settings` and `catalogue`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from opskit.core.clock import Duration, Instant
from opskit.core.interval import State

# What was seen holds until the next look, at most this many intervals; then nobody knows.
HOLD = Fraction(5, 2)


class Seen(StrEnum):
    """What one try saw. `SUSPECT` is a failure that the next try confirms or refutes."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    SUSPECT = "suspect"
    UNKNOWN = "unknown"

    @property
    def state(self) -> State | None:
        """Return the state it stands for; a suspect one alone stands for none."""
        return None if self is Seen.SUSPECT else State(self.value)


@dataclass(frozen=True, slots=True)
class Observation:
    """What a try saw and the instant it stands for: when it was due, if it began in time.

    `location` is where from; empty is where opskit runs.
    """

    target: str
    at: Instant
    seen: Seen
    reason: str
    took: Duration
    interval: Duration
    location: str = ""


class Spell(NamedTuple):
    """A run of observations that all saw the same, one each `interval`, none left out.

    It stands for `(last_at - began_at) / interval + 1` observations, and says no less than they
    do: at `began_at`, one interval later, and so on up to `last_at`.
    """

    began_at: Instant
    last_at: Instant
    interval: Duration
    seen: Seen
    reason: str

    @property
    def holds_until(self) -> Instant:
        """Return until when it speaks if nothing follows it."""
        return Instant(self.last_at + self.interval * HOLD.numerator // HOLD.denominator)

    @classmethod
    def of(cls, one: Observation) -> Spell:
        """Return the spell that a single observation is."""
        return cls(one.at, one.at, one.interval, one.seen, one.reason)


@dataclass(frozen=True, slots=True)
class Registration:
    """Since when, and until when, a target is watched; the ledger entry that says so.

    `watched_from` is when watching really began: with the first look, if that came soon.
    """

    target: str
    service: str
    since: Instant
    seq: int
    watched_from: Instant
    until: Instant | None = None
    seen: Seen | None = None
    seen_since: Instant | None = None
