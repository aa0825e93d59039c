"""What of a review campaign needs a human, and whether humans looked. Pure.

Reviews are by exception: what is low in risk, unchanged since it was approved, and shown to be used
keeps itself, with its evidence. Humans are asked about the rest; a list in which everything is
asked is a list in which everything is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from opskit.access.store.reviews import Item
from opskit.core.clock import SECOND, Duration, Instant, format_duration
from opskit.core.findings import Severity

# Who keeps so many, none of them taken away, one every few seconds, does not look.
_STAMPS = 10
_LOOKING = 5 * SECOND


@dataclass(frozen=True, slots=True)
class Circumstances:
    """A grant at the time of a review.

    `allowed` is whether the files would give it today. `last_used_at` None is: no use is known of;
    `covered` whether all logs were read for the whole time in which it would count as unused.
    """

    role: str
    digest: str
    allowed: bool
    unchanged: bool
    risk: Severity
    break_glass: bool
    last_used_at: Instant | None
    covered: bool

    def as_json(self) -> dict[str, object]:
        """Return it as data, which is the evidence of a review."""
        return {
            "role": self.role,
            "digest": self.digest,
            "allowed": self.allowed,
            "unchanged": self.unchanged,
            "risk": self.risk.value,
            "break_glass": self.break_glass,
            "last_used_at": self.last_used_at,
            "covered": self.covered,
        }


def reasons(one: Circumstances, unused_after: Duration, now: Instant) -> Iterator[str]:
    """Yield why a human is asked about a grant; nothing where it keeps itself."""
    if one.risk.rank >= Severity.HIGH.rank:
        yield f"its risk is {one.risk.value}"
    if not one.allowed:
        yield "the files would not give it today"
    if not one.unchanged:
        yield "the role was changed since it was approved"
    if one.break_glass:
        yield "it was taken in an emergency"
    # A use that is yet to come is the word of a host whose clock is wrong.
    recently = one.last_used_at is not None and 0 <= now - one.last_used_at <= unused_after
    if not recently and one.covered:
        yield f"it was not used for {format_duration(unused_after)}"
    elif not recently:
        yield "nobody can tell whether it is used"


def rubber_stamps(items: Iterable[Item]) -> tuple[str, ...]:
    """Return who kept at least ten, took none away, and took less than five seconds for each."""
    by: dict[str, list[Item]] = {}
    for item in items:
        if item.decided_by:
            by.setdefault(item.decided_by, []).append(item)
    return tuple(sorted(name for name, said in by.items() if _stamps(said)))


def _stamps(said: Sequence[Item]) -> bool:
    if len(said) < _STAMPS or any(one.outcome != "kept" for one in said):
        return False
    times = sorted(one.decided_at for one in said if one.decided_at is not None)
    return median(later - earlier for earlier, later in pairwise(times)) < _LOOKING
