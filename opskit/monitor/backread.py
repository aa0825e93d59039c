"""Series of a foreign monitor, read back as spells: as few samples as tell all of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from opskit.core.clock import HOUR, SECOND, Instant, iso
from opskit.core.errors import ConfigError
from opskit.core.interval import Interval
from opskit.core.text import clean
from opskit.monitor.model import Spell
from opskit.monitor.samples import Sample, in_order, joined, spells
from opskit.monitor.slots import SLOT, Plan, Slot, around, merged, plan, segments, unfit
from opskit.outside.prometheus import MAX_POINTS, Edges, Flavor, Identity, Server, TooMuch
from opskit.outside.prometheus_wire import MILLISECOND, Answer, Labels

# Where part of an answer may be missing, no more than this is given up as unknown at once.
_PARTIAL = 6 * HOUR
# Samples of a second each: an answer of some 40 MB. Rarer ones come to less.
_AT_ONCE = 2_000_000
_ODD = 0.5  # no sum of ones and zeros
_PLAIN = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)

Key = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded of one series. In `partial`, more may have been than was told."""

    labels: Labels
    spells: Sequence[Spell]
    partial: Sequence[Interval]


@dataclass(frozen=True)
class _Hours:
    """How many samples each series has in each hour, and what they sum to, by the hour's end."""

    counts: dict[Key, dict[Instant, float]] = field(default_factory=dict)
    sums: dict[Key, dict[Instant, float]] = field(default_factory=dict)
    doubtful: set[Instant] = field(default_factory=set)

    def of(self, labels: Labels) -> list[Slot]:
        """Return the hours of a series. One of which not all was told is one to look into."""
        counts, sums = self.counts.get(_key(labels), {}), self.sums.get(_key(labels), {})
        ends = {*counts, *sums, *self.doubtful}
        sure = (counts.keys() & sums.keys()) - self.doubtful
        return [
            Slot(end, int(counts[end]), sums[end]) if end in sure else Slot(end, 1, _ODD)
            for end in sorted(ends)
        ]


@dataclass
class Reader:
    """Reads from one server; `warnings` gathers what it said about its answers."""

    server: Server
    identity: Identity
    warnings: dict[str, None] = field(default_factory=dict)

    def recorded(
        self, selector: str, window: Interval, wanted: Callable[[Labels], bool] | None = None
    ) -> list[Recorded]:
        """Return every series of a selector, or those `wanted`, of which `window` has samples.

        Raises:
            ConfigError: it selects no samples, or not such as are 0 or 1.
            OutsideError: the server cannot tell.
        """
        whole = around(window)
        found, warnings = self.server.series(selector, whole)
        self._warn(warnings)
        series = [labels for labels in found if wanted is None or wanted(labels)]
        if len({_key(labels) for labels in series}) < len(series):
            message = f"{clean(selector)} selects metrics of several names"
            raise ConfigError(message, hint='name one: probe_success{instance="https://shop"}')
        hours = self._hours(selector, whole, len(found)) if series else None
        read = [self._one(labels, whole, hours) for labels in series]
        return [one for one in read if one.spells or one.partial]

    def _one(self, labels: Labels, whole: Interval, hours: _Hours | None) -> Recorded:
        """Return one series: where it changes from its samples, elsewhere from its hours."""
        planned = Plan((whole,), ()) if hours is None else plan(hours.of(labels), whole)
        samples, partial = self._samples(labels, planned.raw)
        odd = {one.hole for one in unfit(planned.calm, samples)}
        if odd:
            more, missing = self._samples(labels, merged(odd))
            samples, partial = in_order([*samples, *more]), [*partial, *missing]
        holes = [one.hole for one in planned.calm if one.hole not in odd]
        reason = f"{labels.get('__name__', 'value')} = 0"
        parts = [spells(part, reason) for part in segments(samples, holes)]
        return Recorded(labels, joined(parts), merged(partial))

    def _hours(self, selector: str, whole: Interval, series: int) -> _Hours | None:
        """Return the samples and the ones of each hour; nothing where that is no use."""
        edges = self.identity.edges
        if self.identity.flavor is Flavor.VICTORIAMETRICS or edges is None:
            return None
        steps = max(1, min(MAX_POINTS, self.server.limits.max_samples // max(1, series)))
        hours = _Hours()
        for function, found in (("count_over_time", hours.counts), ("sum_over_time", hours.sums)):
            ask = self._over_time(function, selector, edges)
            for span, answer in self._answers(ask, whole, steps * SLOT):
                if answer.warnings:
                    hours.doubtful.update(one.end for one in _cut(span, SLOT))
                for labels, points in answer.series:
                    found.setdefault(_key(labels), {}).update(points)
        return hours

    def _over_time(
        self, function: str, selector: str, edges: Edges
    ) -> Callable[[Interval], Answer]:
        return lambda span: self.server.over_time(function, selector, span, SLOT, edges)

    def _samples(
        self, labels: Labels, spans: Sequence[Interval]
    ) -> tuple[list[Sample], list[Interval]]:
        """Return the samples of one series in some spans, and where there may be more."""
        selector = exactly(labels)
        raw = self.identity.flavor is Flavor.VICTORIAMETRICS
        ask = self.server.exported if raw else self.server.points
        at_once = min(self.server.limits.max_samples, _AT_ONCE) * SECOND
        samples: list[Sample] = []
        partial: list[Interval] = []
        for whole in spans:
            for span, answer in self._answers(lambda span: ask(selector, span), whole, at_once):
                if answer.warnings:
                    partial.append(span)
                # A selector of all its labels also finds a series that has more of them.
                own = (points for found, points in answer.series if found == labels)
                samples += [_sample(labels, at, value) for points in own for at, value in points]
        return in_order(samples), partial

    def _answers(
        self, ask: Callable[[Interval], Answer], span: Interval, most: int
    ) -> Iterator[tuple[Interval, Answer]]:
        """Yield the answers for a span, of which at most so much is asked for at once."""
        for part in _cut(span, most):
            yield from self._pieces(ask, part)

    def _pieces(
        self, ask: Callable[[Interval], Answer], span: Interval
    ) -> Iterator[tuple[Interval, Answer]]:
        """Yield the answer for a span, or for its halves where it is too much or not all of it."""
        try:
            answer = ask(span)
        except TooMuch:
            if span.length <= SLOT:
                raise
        else:
            self._warn(answer.warnings)
            if not answer.warnings or span.length <= _PARTIAL:
                yield span, answer
                return
        for half in _halves(span):
            yield from self._pieces(ask, half)

    def _warn(self, warnings: Sequence[str]) -> None:
        self.warnings.update(dict.fromkeys(warnings))


def _key(labels: Labels) -> Key:
    """Return what tells a series from others once a function took its name off."""
    return frozenset((name, value) for name, value in labels.items() if name != "__name__")


def _sample(labels: Labels, at: Instant, value: float) -> Sample:
    if value not in {0.0, 1.0}:
        message = f"{clean(exactly(labels))} is {value:g} at {iso(at)}, neither 0 nor 1"
        raise ConfigError(message, hint="uptime is told from series such as probe_success and up")
    return Sample(at, value == 1.0)


def _cut(span: Interval, length: int) -> Iterator[Interval]:
    for start in range(span.start, span.end, length):
        yield Interval(Instant(start), Instant(min(start + length, span.end)))


def _halves(span: Interval) -> tuple[Interval, Interval]:
    """Return a span's halves; whole hours are cut at a whole hour."""
    grain = SLOT if span.start % SLOT == span.end % SLOT == 0 else MILLISECOND
    middle = Instant((span.start + span.end) // 2 // grain * grain)
    return Interval(span.start, middle), Interval(middle, span.end)


def exactly(labels: Labels) -> str:
    """Return the selector of one series."""
    pairs = (
        # JSON escapes what a string of PromQL must.
        f"{name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)}"
        f"={json.dumps(value, ensure_ascii=False)}"
        for name, value in sorted(labels.items())
    )
    return "{" + ",".join(pairs) + "}"
