"""Which part of a long series has to be read sample by sample. Pure.

Two sums per hour tell most of it: an hour with as many ones as samples was up throughout. Samples
are needed only where something changes: at the ends of each run of hours that are alike, and
through all of a run whose number of samples does not fit the rhythm at its ends. An hour, here,
is the time after its start up to and including its end, as a range selector of Prometheus 3 takes
it.

One thing hours hide: a scrape interval that was shortened and restored within an hour that also
lost exactly as many scrapes in a row as the shorter one added.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from opskit.core.clock import HOUR, Instant
from opskit.core.interval import Interval
from opskit.monitor.samples import NEAR, Sample, intervals

SLOT = HOUR
# Spacings read at each end of a run: enough that the rhythm beside its end is told as if all were.
_MARGIN = NEAR + 2


@dataclass(frozen=True, slots=True)
class Slot:
    """How many samples an hour holds, and what they sum to."""

    end: Instant
    count: int
    total: float


@dataclass(frozen=True, slots=True)
class Calm:
    """The inside of a run of hours that are alike: nothing changes in it, if its rhythm fits.

    `fewest` and `most` samples lie in an hour of the run, `fewest_in_two` in two that follow each
    other.
    """

    hole: Interval
    up: bool
    fewest: int
    fewest_in_two: int
    most: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read, in order and apart, and what need not be."""

    raw: tuple[Interval, ...]
    calm: tuple[Calm, ...]


def around(window: Interval) -> Interval:
    """Return the whole hours of a window, with one before it: what was seen then holds on."""
    start = window.start // SLOT * SLOT - SLOT
    return Interval(Instant(max(start, 0)), Instant(-(-window.end // SLOT) * SLOT))


def plan(slots: Iterable[Slot], whole: Interval) -> Plan:
    """Return what to read of `whole`, of which `slots`, in order, are the hours with samples."""
    raw: list[Interval] = []
    calm: list[Calm] = []
    for run in _runs(slots, whole):
        start, end = Instant(run[0].end - SLOT), run[-1].end
        fewest, most = min(one.count for one in run), max(one.count for one in run)
        margin = _MARGIN * SLOT // fewest if fewest else 0
        if not most:
            continue
        if not _uniform(run[0]) or 2 * margin >= end - start or len(run) < 3:
            raw.append(Interval(start, end))
            continue
        hole = Interval(Instant(start + margin), Instant(end - margin))
        raw += [Interval(start, hole.start), Interval(hole.end, end)]
        in_two = min(one.count + then.count for one, then in pairwise(run))
        calm.append(Calm(hole, run[0].total > 0, fewest, in_two, most))
    return Plan(merged(raw), tuple(calm))


def _uniform(slot: Slot) -> bool:
    return slot.total in {0, slot.count}


def _runs(slots: Iterable[Slot], whole: Interval) -> list[list[Slot]]:
    """Return the hours of `whole`, those without a sample too, in runs that look alike."""
    known = {slot.end: slot for slot in slots}
    runs: list[list[Slot]] = []
    for end in range(whole.start + SLOT, whole.end + 1, SLOT):
        slot = known.get(Instant(end), Slot(Instant(end), 0, 0.0))
        if runs and _alike(runs[-1], slot):
            runs[-1].append(slot)
        else:
            runs.append([slot])
    return runs


def _alike(run: Sequence[Slot], slot: Slot) -> bool:
    """Return whether an hour continues a run: at most one sample more or less than any of it."""
    first = run[0]
    if not _uniform(first) or not _uniform(slot) or bool(first.count) is not bool(slot.count):
        return False
    if (first.total > 0) is not (slot.total > 0):
        return False
    return abs(first.count - slot.count) <= 1


def merged(spans: Iterable[Interval]) -> tuple[Interval, ...]:
    """Return spans in order, those that touch as one."""
    found: list[Interval] = []
    for span in sorted(spans, key=lambda one: one.start):
        if found and span.start <= found[-1].end:
            found[-1] = Interval(found[-1].start, Instant(max(found[-1].end, span.end)))
        else:
            found.append(span)
    return tuple(found)


def unfit(calm: Sequence[Calm], samples: Sequence[Sample]) -> tuple[Calm, ...]:
    """Return those whose hours do not fit the rhythm of the samples read beside them.

    They have to be read as well. What fits holds as many samples each hour as the interval before
    it and after it, one and the same, makes. So no two in a row are missing, in an hour or from
    one to the next; one alone is no gap.
    """
    ats = [one.at for one in samples]
    parts = segments(samples, [one.hole for one in calm])
    rhythm = [interval for part in parts for interval in intervals(part)]
    return tuple(one for one in calm if not _fits(one, samples, rhythm, ats))


def _fits(calm: Calm, samples: Sequence[Sample], rhythm: Sequence[int], ats: list[Instant]) -> bool:
    before, after = bisect_right(ats, calm.hole.start) - 1, bisect_right(ats, calm.hole.end)
    if before < 0 or after >= len(samples):
        return False
    interval = rhythm[before]
    if not interval or interval != rhythm[after]:
        return False
    last, first = samples[before], samples[after]
    if calm.hole.start - last.at > 2 * interval or first.at - calm.hole.end > 2 * interval:
        return False
    if {last.up, first.up} != {calm.up}:
        return False
    enough = SLOT // interval <= calm.fewest and 2 * SLOT // interval <= calm.fewest_in_two
    return enough and calm.most <= -(-SLOT // interval)


def segments(samples: Sequence[Sample], holes: Iterable[Interval]) -> list[Sequence[Sample]]:
    """Return the samples cut where calm time lies between them."""
    ats = [one.at for one in samples]
    parts: list[Sequence[Sample]] = []
    at = 0
    for hole in sorted(holes, key=lambda one: one.start):
        cut = bisect_right(ats, hole.start)
        parts.append(samples[at:cut])
        at = cut
    return [*parts, samples[at:]]
