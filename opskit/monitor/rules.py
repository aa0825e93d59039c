"""From what was seen to intervals. Pure; the rules of uptime are here and nowhere else.

What was seen holds until the next look, at most `HOLD` times the interval then in force; beyond
that nobody knows. A first failure is suspect: confirmed, the target was down from then on; not
confirmed, it was up and the blip is listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest

from opskit.core.clock import Duration, Instant
from opskit.core.evidence import Blip
from opskit.core.interval import Interval, State, Stretch, Timeline, clip, overlay
from opskit.monitor.model import HOLD, Registration, Seen, Spell

NOT_YET = "not monitored yet"
RETIRED = "no longer monitored"
NO_OBSERVATION = "no observation"
UNCONFIRMED = "failed once, never confirmed"


Resolve = Callable[[Sequence[Spell]], list[State]]


@dataclass(frozen=True, slots=True)
class History:
    """A target's time as intervals, with the blips and how far its outage edges may be off."""

    timeline: Timeline
    blips: tuple[Blip, ...]
    edge: Duration


def watched_from(since: Instant, first: tuple[int, int] | None) -> Instant:
    """Return when watching began of a target registered at `since`.

    That is the first look, (at, interval), if it came within its hold: the moment between the two
    is start-up, not a gap.
    """
    if first is not None and since <= first[0] <= since + int(HOLD * first[1]):
        return Instant(first[0])
    return since


def history(
    spells: Sequence[Spell],
    registration: Registration,
    window: Interval,
    pauses: Sequence[Interval] = (),
    gaps: Sequence[Stretch] = (),
    resolve: Resolve | None = None,
) -> History:
    """Return what `spells`, in order and apart, say of `window`; its end is at most now.

    `pauses` are times in which the target was not in the catalogue; `gaps`, in order and apart,
    say why nothing was observed where nothing was. `resolve` says what each spell's state is; by
    default `confirmed`.
    """
    states = (resolve or confirmed)(spells)
    line = _Line()
    watched = _watched(registration, window)
    line.put(window.start, watched.start, State.EXCLUDED, NOT_YET)
    at: int = watched.start
    for start, end, state, reason in _held(spells, states):
        begin, until = max(start, at), min(end, watched.end)
        if begin < until:
            line.unseen(at, begin, gaps)
            line.put(begin, until, state, reason)
            at = until
    line.unseen(at, watched.end, gaps)
    line.put(watched.end, window.end, State.EXCLUDED, RETIRED)
    timeline = line.timeline()
    out = [Stretch(pause.start, pause.end, State.EXCLUDED, RETIRED) for pause in pauses]
    return History(
        timeline=overlay(timeline, clip(out, window)) if out else timeline,
        blips=_blips(spells, states, registration.target, window),
        edge=_edge(spells, states, window),
    )


@dataclass(slots=True)
class _Line:
    """A timeline as it is put together; stretches of the same state and reason grow into one."""

    parts: list[tuple[int, int, State, str]] = field(default_factory=list)

    def put(self, start: int, end: int, state: State, reason: str) -> None:
        if start >= end:
            return
        if self.parts:
            began, ended, last, why = self.parts[-1]
            if ended == start and last is state and why == reason:
                self.parts[-1] = (began, end, state, reason)
                return
        self.parts.append((start, end, state, reason))

    def unseen(self, start: int, end: int, gaps: Sequence[Stretch]) -> None:
        """Put a time in which nothing was observed, with the reason where one is known."""
        if start >= end:
            return
        at = start
        for gap in gaps:
            if gap.start < end and gap.end > at:
                self.put(at, max(at, gap.start), State.UNKNOWN, NO_OBSERVATION)
                until = min(gap.end, end)
                self.put(max(at, gap.start), until, State.UNKNOWN, gap.reason)
                at = until
        self.put(at, end, State.UNKNOWN, NO_OBSERVATION)

    def timeline(self) -> Timeline:
        return tuple(
            Stretch(Instant(start), Instant(end), state, reason)
            for start, end, state, reason in self.parts
        )


def _watched(registration: Registration, window: Interval) -> Interval:
    """Return the part of `window` in which the target was watched."""
    start = min(max(registration.watched_from, window.start), window.end)
    end = window.end if registration.until is None else min(registration.until, window.end)
    return Interval(Instant(start), Instant(max(start, end)))


def _held(
    spells: Sequence[Spell], states: Sequence[State]
) -> Iterator[tuple[int, int, State, str]]:
    """Yield (from, until, state, reason) of each run of spells that say the same.

    A spell speaks until the next, at most for its hold. This loop sees every spell there is: a
    year of a thousand services has some hundred thousand.
    """
    begins = [one[0] for one in spells[1:]]
    start = end = 0
    current, why = State.UNKNOWN, ""
    for state, (began, last, interval, seen, reason), following in zip_longest(
        states, spells, begins
    ):
        until = last + interval * HOLD.numerator // HOLD.denominator
        if following is not None and following < until:
            until = following
        says = _suspected(state, reason) if seen == Seen.SUSPECT else reason
        if began == end and state is current and says == why:
            end = until
            continue
        if start < end:
            yield start, end, current, why
        start, end, current, why = began, until, state, says
    if start < end:
        yield start, end, current, why


def _suspected(state: State, reason: str) -> str:
    """Return what to say of a failure that turned out to be something."""
    if state is State.UNKNOWN:
        return f"{UNCONFIRMED}: {reason}"
    return "" if state is State.UP else reason


_STATES = {seen: seen.state for seen in Seen}


def confirmed(spells: Sequence[Spell]) -> list[State]:
    """Return each spell's state; a suspect one takes what the next look found."""
    resolved: list[State] = []
    began, later = None, State.UNKNOWN
    for one in reversed(spells):
        state = _STATES[one[3]]
        if state is None:
            in_time = began is not None and began <= one.holds_until
            state = later if in_time else State.UNKNOWN
        resolved.append(state)
        began, later = one[0], state
    resolved.reverse()
    return resolved


def first_failure(spells: Sequence[Spell]) -> list[State]:
    """Return each spell's state where every failure counts, also one that was a blip."""
    return [_STATES[one.seen] or State.DOWN for one in spells]


def _blips(
    spells: Sequence[Spell], states: Sequence[State], target: str, window: Interval
) -> tuple[Blip, ...]:
    return tuple(
        Blip(spell[0], target, spell[4])
        for spell, state in zip(spells, states, strict=True)
        if spell[3] == Seen.SUSPECT
        and state in {State.UP, State.DEGRADED}
        and window.start <= spell[0] < window.end
    )


def _edge(spells: Sequence[Spell], states: Sequence[State], window: Interval) -> Duration:
    """Return how much of `window` lies between two looks, one of which found it down alone.

    Nothing is counted where the hold of the first has passed: that time is unknown already.
    """
    edge = 0
    for index, (before, now) in enumerate(pairwise(states)):
        if before is now or (before is not State.DOWN and now is not State.DOWN):
            continue
        if before is State.UNKNOWN or now is State.UNKNOWN:
            continue
        first = spells[index]
        until = min(first.holds_until, spells[index + 1].began_at, window.end)
        edge += max(0, until - max(first.last_at, window.start))
    return Duration(edge)
