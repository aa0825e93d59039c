"""When to look: starts spread over the interval, at the same instants whoever looks. Pure.

A target is due once each interval at an instant that its name alone decides, counted from the
epoch. So the load is even, a restart keeps the rhythm, and two that look at the same time write
the same instants, of which one is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from opskit.core.clock import NOTHING, SECOND, Duration, Instant
from opskit.monitor.catalogue import Target
from opskit.monitor.settings import ProbeSettings

# So many first looks a second when opskit starts: soon, and not all at once.
_FIRST_LOOKS = 500
# Looks that begin together: waking up costs more than the work, and each waits for those before.
_TOGETHER = 4
_LONGEST_TICK = SECOND // 50
# What begins later than this share of its interval after it was due stands for its own instant.
_SLACK = 50


@dataclass(order=True, slots=True)
class Due:
    """A look that is to begin at an instant; `regular` if that is one of the target's own.

    `failed` is when what it is to confirm was seen, by the monotonic clock.
    """

    at: Instant
    target_id: str
    target: Target = field(compare=False)
    confirming: bool = field(compare=False, default=False)
    regular: bool = field(compare=False, default=True)
    failed: Duration = field(compare=False, default=NOTHING)

    def stands_for(self, began: Instant) -> Instant:
        """Return the instant that a look stands for which began at `began`."""
        late = began - self.at
        return self.at if self.regular and late * _SLACK <= self.target.probe.interval else began


def tick(probes: Sequence[ProbeSettings]) -> Duration:
    """Return how long to gather looks that are due, so that a few of them begin together.

    It is short beside every timeout: a look that begins late tells little.
    """
    per_second = sum(SECOND / one.interval for one in probes)
    gather = int(_TOGETHER * SECOND / max(per_second, 1))
    shortest = min((one.timeout for one in probes), default=SECOND)
    return Duration(min(gather, _LONGEST_TICK, shortest // 40))


def offset(target: str, interval: int) -> int:
    """Return where in its interval a target is due: spread by its name."""
    digest = hashlib.sha256(target.encode()).digest()
    return int.from_bytes(digest[:8]) % interval


def following(target: Target, now: int) -> Due:
    """Return the first look that is due after an instant."""
    interval = target.probe.interval
    start = offset(target.id, interval)
    slot = (now - start) // interval + 1
    return Due(Instant(slot * interval + start), target.id, target)


def first(target: Target, now: int, count: int) -> Due:
    """Return a look soon after the start, one of `count`; it is none of the regular ones."""
    longest = min(target.probe.interval, Duration(SECOND * max(1, count // _FIRST_LOOKS)))
    return Due(Instant(now + offset(target.id, longest)), target.id, target, regular=False)


def confirming(due: Due, now: int, failed: Duration) -> Due:
    """Return the second look after a failure."""
    at = Instant(now + due.target.probe.confirm_after)
    return Due(at, due.target_id, due.target, confirming=True, regular=False, failed=failed)
