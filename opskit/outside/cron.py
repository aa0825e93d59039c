"""The door to cron expressions: when a job is due next, on the clocks of its place."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from opskit.core.clock import Instant, from_datetime, to_datetime


def check(expression: str) -> None:
    """Accept an expression of cron.

    Raises:
        ValueError: it is none, or never comes due.
    """
    try:
        next(CronSim(expression, to_datetime(Instant(0))))
    except (CronSimError, StopIteration) as error:
        message = f"{expression!r} is no cron expression that comes due; write '0 3 * * *'"
        raise ValueError(message) from error


def next_due(expression: str, zone: ZoneInfo, after: Instant) -> Instant:
    """Return the first instant after `after` at which an expression is due.

    A time that a change of clocks skips is due right after the gap, one that comes twice is due
    once, as Debian's cron has it.
    """
    # To the second: an instant within the minute it is due in has that one behind it.
    return from_datetime(next(CronSim(expression, to_datetime(after, zone))))
