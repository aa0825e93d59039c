"""What should become of a rule, by what its recorded firings were worth. Pure.

A proposal needs evidence: with fewer firings than `LEAST` whose outcome is known nothing is said.
Another `for` is held against the firings on record: a firing would have been spared if its
condition held no longer than what is added, and none that was worth it may be lost or told only
after somebody acted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from opskit.alerts.worth import ACTIONS, Judged, Kind, Outcome, RuleWorth
from opskit.core.clock import DAY, HOUR, MINUTE, Duration, format_duration
from opskit.core.text import plural

LEAST: Final = 10
# So long without an action, and nobody misses the call.
UNUSED: Final = Duration(90 * DAY)
# A rule whose firings are silenced this often is not wanted.
_MOSTLY = 0.5
# Nobody is called for these: there is nothing below them.
_LOWEST: Final = frozenset({"ticket", "info", "none"})
_LONGER: Final = tuple(
    Duration(one * MINUTE) for one in (1, 2, 5, 10, 15, 30)
) + tuple(Duration(one * HOUR) for one in (1, 2, 4, 6, 12))  # fmt: skip


class Verdict(StrEnum):
    """What is proposed for a rule."""

    KEEP = "keep"
    REWINDOW = "re-window"
    DOWNGRADE = "downgrade"
    REMOVE = "remove"
    TOO_FEW = "too few firings to say"

    @property
    def proposes(self) -> bool:
        """Return whether something is to be changed."""
        return self in (Verdict.REWINDOW, Verdict.DOWNGRADE, Verdict.REMOVE)


@dataclass(frozen=True, slots=True)
class Backtest:
    """What a longer `for` would have done: `spared` of `idle` firings, all that were worth kept."""

    longer: Duration
    spared: int
    idle: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed for a rule, and why; `backtest` of another `for`, where that is proposed."""

    verdict: Verdict
    reason: str
    backtest: Backtest | None = None


def proposal(one: RuleWorth) -> Proposal:
    """Return what should become of a rule."""
    if one.decided < LEAST:
        return Proposal(Verdict.TOO_FEW, f"{one.decided} decided, {LEAST} are needed")
    if one.worth_it == 0:
        return _unwanted(one)
    told = f"{one.worth_it} of {one.decided} were acted on or came true"
    found = backtest(one.judged)
    if found is None or 2 * found.spared < found.idle:
        return Proposal(Verdict.KEEP, told)
    reason = (
        f"a for longer by {format_duration(found.longer)} would have spared {found.spared} of "
        f"{plural(found.idle, 'firing')} that led to nothing, and kept all {one.worth_it} that did"
    )
    return Proposal(Verdict.REWINDOW, reason, found)


def _unwanted(one: RuleWorth) -> Proposal:
    silenced = one.count(Outcome.SILENCED)
    none = f"none of {one.decided} firings was acted on or came true"
    if silenced >= _MOSTLY * one.decided:
        return Proposal(Verdict.REMOVE, f"{none}, and {silenced} were silenced")
    if one.severity in _LOWEST:
        return Proposal(Verdict.REMOVE, f"{none}, and it is {one.severity} already")
    return Proposal(Verdict.DOWNGRADE, none)


def backtest(some: Iterable[Judged]) -> Backtest | None:
    """Return the longest `for` to add that loses no firing that was worth it.

    None where none loses nothing, or none would spare anything. One that still fires is kept.
    """
    own = tuple(some)
    limits = [limit for one in own if one.was_worth_it and (limit := _useful(one)) is not None]
    idle = [one.lasted for one in own if one.outcome in _IDLE]
    allowed = [one for one in _LONGER if all(one < limit for limit in limits)]
    if not allowed:
        return None
    most = max(_spared(idle, one) for one in allowed)
    # The shortest of those that spare the most: what is told later is answered later.
    shortest = min(one for one in allowed if _spared(idle, one) == most)
    return Backtest(shortest, most, len(idle)) if most else None


_IDLE = frozenset({Outcome.SILENCED, Outcome.SEEN, Outcome.NOTHING})


def _spared(idle: Iterable[Duration | None], longer: Duration) -> int:
    return sum(lasted is not None and lasted <= longer for lasted in idle)


def _useful(one: Judged) -> Duration | None:
    """Return within which time it had to be told: before it ended, and before what followed."""
    times = [] if one.lasted is None else [one.lasted]
    followed = one.first(*ACTIONS, Kind.OUTAGE)
    if followed is not None and followed > one.begun:
        times.append(Duration(followed - one.begun))
    return Duration(min(times)) if times else None


def never_acted(one: RuleWorth, looked: Duration) -> bool:
    """Return whether a rule that fired was not acted on once, in 90 days or more."""
    return looked >= UNUSED and one.decided > 0 and one.acted == 0
