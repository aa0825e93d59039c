"""Uptime of the series of a Prometheus, under the same rules as that of opskit's own probes.

Nothing is stored, and nothing averaged: samples become spells, spells a timeline. What was
recorded holds until the next sample, at most 2.5 of the intervals then in force; a gap is unknown,
and `up` of the same scrape target says which part of the chain was missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from opskit.core.clock import Instant
from opskit.core.errors import ConfigError, OutsideError
from opskit.core.interval import Interval, State, Stretch, Timeline, availability, clip, overlay
from opskit.core.text import clean
from opskit.monitor import rules
from opskit.monitor.backread import Reader, Recorded, exactly
from opskit.monitor.model import Registration, Spell
from opskit.monitor.uptime import ServiceUptime
from opskit.outside.prometheus_wire import Labels

# Down itself, or slower than the scrape may take: the server cannot tell the two apart.
PROBER_DOWN = "the prober did not answer the scrape (up = 0)"
NOT_RECORDED = "scraped (up = 1), but this series was not there"
SERVER_DOWN = "Prometheus recorded nothing, not even up"
PARTIAL = "the answer was partial"
MAINTENANCE = "maintenance"
OUT_OF_HOURS = "out of service hours"

# What tells a scrape target: a series and the `up` of its scrape share them.
_TARGET = ("instance", "job")


@dataclass(frozen=True, slots=True)
class Question:
    """What to tell the uptime of: series by selector, one row for each value of the labels `by`.

    `up` selects the `up` series of the scrapes; without it, those with the same instance and job.
    `maintenance` and `excluded` are laid over what was recorded.
    """

    selector: str
    window: Interval
    up: str = ""
    by: tuple[str, ...] = ()
    maintenance: Sequence[Interval] = ()
    excluded: Sequence[Interval] = ()


def uptimes(reader: Reader, question: Question) -> tuple[ServiceUptime, ...]:
    """Return the uptime of each group of series, in order of their names.

    Raises:
        OutsideError: the server cannot tell, or has no such series in that time.
        ConfigError: the selector is wrong, or a row would mix series that ran side by side.
    """
    found = reader.recorded(question.selector, question.window)
    if not found:
        raise OutsideError(
            f"no samples of {clean(question.selector)} in that time",
            hint="try the selector on the server's own page, and look how far back it keeps data",
        )
    groups: dict[str, list[Recorded]] = {}
    for one in found:
        groups.setdefault(_name(one.labels, question), []).append(one)
    return tuple(_uptime(reader, question, name, groups[name]) for name in sorted(groups))


def _name(labels: Labels, question: Question) -> str:
    if not question.by:
        return question.selector
    return ", ".join(labels.get(name) or f"no {name}" for name in question.by)


def _uptime(
    reader: Reader, question: Question, name: str, group: Sequence[Recorded]
) -> ServiceUptime:
    spells = _one_after_another(group)
    history = _history(spells, question.window, ())
    unseen = [part for part in history.timeline if part.state is State.UNKNOWN]
    if unseen and any(one.labels.get("__name__") != "up" for one in group):
        history = _history(spells, question.window, _reasons(reader, question, group, unseen))
    timeline = overlay(history.timeline, _over(question, group))
    return ServiceUptime(
        service=name,
        owner="",
        kind="",
        objective=None,
        window=question.window,
        timeline=timeline,
        availability=availability(timeline),
        blips=(),
        edge=history.edge,
    )


def _history(spells: Sequence[Spell], window: Interval, gaps: Sequence[Stretch]) -> rules.History:
    """Return the window as intervals. Since when a series should exist, nobody wrote down."""
    always = Registration("", "", Instant(0), 0, Instant(0))
    return rules.history(spells, always, window, (), gaps)


def _one_after_another(group: Sequence[Recorded]) -> list[Spell]:
    """Return the spells of series that are one and the same, relabeled on the way.

    Raises:
        ConfigError: they ran side by side, so that a time would have two states.
    """
    spells = sorted(
        ((spell, one) for one in group for spell in one.spells), key=lambda pair: pair[0].began_at
    )
    for (spell, one), (then, other) in pairwise(spells):
        if spell.last_at >= then.began_at and one is not other:
            names = sorted(set(one.labels) | set(other.labels))
            apart = [key for key in names if one.labels.get(key) != other.labels.get(key)]
            raise ConfigError(
                f"{clean(exactly(one.labels))} and {clean(exactly(other.labels))} ran side by side",
                hint=f"--by {apart[0]}, or a narrower selector" if apart else "",
            )
    return [spell for spell, _ in spells]


def _over(question: Question, group: Sequence[Recorded]) -> Timeline:
    """Return what is laid over what was recorded, within the window."""
    partial = [span for one in group for span in one.partial]
    over = [
        *_stretches(partial, State.UNKNOWN, PARTIAL),
        *_stretches(question.maintenance, State.MAINTENANCE, MAINTENANCE),
        *_stretches(question.excluded, State.EXCLUDED, OUT_OF_HOURS),
    ]
    return clip(over, question.window)


def _stretches(spans: Iterable[Interval], state: State, reason: str) -> Iterable[Stretch]:
    return (Stretch(span.start, span.end, state, reason) for span in spans)


_WHY = {
    State.UP: NOT_RECORDED,
    State.DOWN: PROBER_DOWN,
    State.UNKNOWN: SERVER_DOWN,
}


def _reasons(
    reader: Reader, question: Question, group: Sequence[Recorded], unseen: Sequence[Stretch]
) -> list[Stretch]:
    """Return why nothing was recorded, as `up` of the same scrapes tells, if there is one."""
    hull = Interval(unseen[0].start, unseen[-1].end)
    found = _ups(reader, question, group, hull)
    if not found:
        return []
    timeline = _history(_one_after_another(found), hull, ()).timeline
    partial = [span for one in found for span in one.partial]
    timeline = overlay(timeline, clip(_stretches(partial, State.EXCLUDED, PARTIAL), hull))
    return [
        Stretch(part.start, part.end, State.UNKNOWN, _WHY.get(part.state, PARTIAL))
        for part in timeline
    ]


def _ups(
    reader: Reader, question: Question, group: Sequence[Recorded], hull: Interval
) -> list[Recorded]:
    targets = [{name: one.labels.get(name, "") for name in _TARGET} for one in group]
    if question.up:
        found = reader.recorded(question.up, hull)
        same = [one for one in found if {k: one.labels.get(k, "") for k in _TARGET} in targets]
        if same or len(found) <= 1:
            return same or found
        raise ConfigError(
            f"{clean(question.up)} selects {len(found)} series, none of the same instance and job",
            hint="select the one of the exporter that probes",
        )
    ups: list[Recorded] = []
    for target in {tuple(sorted(one.items())): one for one in targets}.values():
        if all(target.values()):
            ups += reader.recorded(exactly({"__name__": "up", **target}), hull)
    return ups
