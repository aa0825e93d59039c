"""From observations to intervals. Pure; the rules of uptime are here and nowhere else.

An observation holds until the next one, at most `HOLD` times the interval then in force; beyond
that nobody knows. A first failure is suspect: confirmed, the target was down from then on; not
confirmed, it was up and the blip is listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from opskit.core.clock import Duration, Instant
from opskit.core.evidence import Blip
from opskit.core.interval import Interval, State, Stretch, Timeline, clip, fill, join, overlay
from opskit.monitor.model import Observation, Registration, Seen

HOLD = Fraction(5, 2)

NOT_YET = "not monitored yet"
RETIRED = "no longer monitored"
NO_OBSERVATION = "no observation"
UNCONFIRMED = "failed once, never confirmed"


@dataclass(frozen=True, slots=True)
class History:
    """A target's time as intervals, with the blips and how far its outage edges may be off."""

    timeline: Timeline
    blips: tuple[Blip, ...]
    edge: Duration


def history(
    observations: Sequence[Observation],
    registration: Registration,
    window: Interval,
    pauses: Sequence[Interval] = (),
) -> History:
    """Return what `observations`, in order of time, say of `window`; its end is at most now.

    `pauses` are times in which the target was not in the catalogue.
    """
    resolved = _resolve(observations)
    held = [
        Stretch(
            one.at,
            _holds_until(one, observations, index, window),
            state,
            _reason(one, state),
            _refs(one),
        )
        for index, (one, state) in enumerate(zip(observations, resolved, strict=True))
    ]
    watched = _watched(registration, observations, window)
    seen = fill(tuple(held), watched, State.UNKNOWN, NO_OBSERVATION)
    before = fill((), Interval(window.start, watched.start), State.EXCLUDED, NOT_YET)
    after = fill((), Interval(watched.end, window.end), State.EXCLUDED, RETIRED)
    out = [Stretch(pause.start, pause.end, State.EXCLUDED, RETIRED) for pause in pauses]
    return History(
        timeline=overlay(join(clip((*before, *seen, *after), window)), clip(out, window)),
        blips=_blips(observations, resolved, window),
        edge=_edge(observations, resolved, window),
    )


def _watched(
    registration: Registration, observations: Sequence[Observation], window: Interval
) -> Interval:
    """Return the part of `window` in which the target was watched.

    Watching begins with the first try, if that came within its hold after registration: the
    moment between the two is start-up, not a gap.
    """
    since = registration.since
    if observations and since <= observations[0].at <= since + int(HOLD * observations[0].interval):
        since = observations[0].at
    start = min(max(since, window.start), window.end)
    end = window.end if registration.until is None else min(registration.until, window.end)
    return Interval(Instant(start), Instant(max(start, end)))


def _reason(one: Observation, state: State) -> str:
    if one.seen is Seen.SUSPECT and state is State.UNKNOWN:
        return f"{UNCONFIRMED}: {one.reason}"
    return one.reason


def _refs(observation: Observation) -> tuple[int, ...]:
    return () if observation.seal is None else (observation.seal,)


def _holds_until(
    one: Observation, observations: Sequence[Observation], index: int, window: Interval
) -> Instant:
    longest = one.at + int(HOLD * one.interval)
    following = observations[index + 1].at if index + 1 < len(observations) else window.end
    return Instant(max(one.at, min(longest, following)))


def _resolve(observations: Sequence[Observation]) -> list[State]:
    """Return each observation's state; a suspect one takes what the next try found."""
    resolved: list[State] = []
    later: tuple[Instant, State] | None = None
    for one in reversed(observations):
        state = one.seen.state
        if state is None:
            in_time = later is not None and later[0] <= one.at + int(HOLD * one.interval)
            state = later[1] if later is not None and in_time else State.UNKNOWN
        resolved.append(state)
        later = (one.at, state)
    resolved.reverse()
    return resolved


def _blips(
    observations: Sequence[Observation], resolved: Sequence[State], window: Interval
) -> tuple[Blip, ...]:
    return tuple(
        Blip(one.at, one.target, one.reason)
        for one, state in zip(observations, resolved, strict=True)
        if one.seen is Seen.SUSPECT and state is State.UP and window.start <= one.at < window.end
    )


def _edge(
    observations: Sequence[Observation], resolved: Sequence[State], window: Interval
) -> Duration:
    """Return the sum of the gaps in which an outage began or ended, unseen."""
    pairs = zip(observations, observations[1:], resolved, resolved[1:], strict=False)
    return Duration(
        sum(
            second.at - first.at
            for first, second, before, after in pairs
            if {before, after} == {State.UP, State.DOWN} and window.start <= second.at < window.end
        )
    )
