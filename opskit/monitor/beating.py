"""Whether a job that must call in did: judged from when it last called, and with what. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from opskit.core.clock import Duration, Instant, format_duration
from opskit.monitor.kinds import Sight
from opskit.monitor.model import Seen

# When a job that ended at an instant is due to call in again.
Due = Callable[[Instant], Instant]


@dataclass(frozen=True, slots=True)
class Calls:
    """When a job last called in, and when it last said that it ended; `well` is how that went."""

    last: Instant
    word: str
    ended: Instant | None
    well: bool


def judged(
    calls: Calls | None, due: Due, grace: Duration, longest: Duration, now: Instant
) -> Sight:
    """Return what the calls of a job tell now.

    A run that began in time has `longest` to end. That it began does not undo that the last one
    failed or is missing: only an end does.
    """
    if calls is None:
        return Sight(Seen.UNKNOWN, "it has never called in")
    if calls.word == "start" and now - calls.last > longest:
        return Sight(Seen.DOWN, f"it began and did not end within {format_duration(longest)}")
    if calls.ended is None:
        return Sight(Seen.UNKNOWN, "its first run has not ended")
    if not calls.well:
        return Sight(Seen.DOWN, "its last run failed")
    latest = due(calls.ended) + grace
    if now <= latest or (calls.word == "start" and calls.last <= latest):
        return Sight(Seen.UP)
    return Sight(Seen.DOWN, f"it has not called in, {format_duration(grace)} after it was due")
