"""Samples of a foreign monitor as spells. Pure.

There is no try that confirms a failure: each sample speaks for itself from its instant on, also in
a series that flaps between one and the next. Whoever wants retries puts a policy over the result.

The interval in force is told from the samples alone: it is the commonest spacing around a sample
(`NEAR` spacings to either side, to a tenth of a second; of two as common, the one that follows the
sample, else the shorter). So it turns where the scrape interval was changed, and neither a gap nor
a missed scrape passes for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from opskit.core.clock import MINUTE, SECOND, Duration, Instant
from opskit.monitor.model import Seen, Spell

NEAR = 8
# Samples further apart than this are not a rhythm: nothing between them was observed.
LONGEST = 20 * MINUTE
_GRAIN = SECOND // 10


class Sample(NamedTuple):
    """What was recorded at an instant: 1, or 0."""

    at: Instant
    up: bool


def in_order(samples: Iterable[Sample]) -> list[Sample]:
    """Return samples in order, one to an instant; of two that contradict each other, the 0."""
    found: dict[Instant, bool] = {}
    for at, up in sorted(samples):
        found.setdefault(at, up)
    return [Sample(at, up) for at, up in found.items()]


def intervals(samples: Sequence[Sample]) -> list[int]:
    """Return the interval in force at each sample, in microseconds; 0 where none can be told."""
    spacings = [_rounded(then.at - one.at) for one, then in pairwise(samples)]
    found: list[int] = []
    counts: dict[int, int] = {}
    for index in range(len(samples)):
        # Spacing i lies between samples i and i + 1.
        new = range(NEAR) if index == 0 else range(index + NEAR - 1, index + NEAR)
        for position in new:
            if position < len(spacings):
                counts[spacings[position]] = counts.get(spacings[position], 0) + 1
        if index > NEAR:
            _forget(counts, spacings[index - NEAR - 1])
        found.append(_commonest(counts, spacings[index] if index < len(spacings) else 0))
    return found


def _rounded(spacing: int) -> int:
    """Return a spacing to the grain; 0 stands for one too long to be an interval."""
    if spacing > LONGEST:
        return 0
    return max(_GRAIN, (spacing + _GRAIN // 2) // _GRAIN * _GRAIN)


def _forget(counts: dict[int, int], spacing: int) -> None:
    counts[spacing] -= 1
    if not counts[spacing]:
        del counts[spacing]


def _commonest(counts: dict[int, int], following: int) -> int:
    if len(counts) == 1:
        return next(iter(counts))
    known = [
        (-count, spacing != following, spacing) for spacing, count in counts.items() if spacing
    ]
    return min(known)[2] if known else 0


def spells(samples: Sequence[Sample], reason: str) -> list[Spell]:
    """Return samples, in order, as spells; `reason` is why a 0 means down.

    A sample around which no rhythm can be told holds for no time, and is left out.
    """
    found: list[Spell] = []
    began = last = Instant(0)
    current: tuple[int, bool] | None = None
    for one, interval in zip(samples, intervals(samples), strict=True):
        if not interval:
            continue
        if current == (interval, one.up) and _rounded(one.at - last) == interval:
            last = one.at
            continue
        if current is not None:
            found.append(_spell(began, last, current, reason))
        began = last = one.at
        current = (interval, one.up)
    if current is not None:
        found.append(_spell(began, last, current, reason))
    return found


def _spell(began: Instant, last: Instant, what: tuple[int, bool], reason: str) -> Spell:
    interval, up = what
    return Spell(
        began, last, Duration(interval), Seen.UP if up else Seen.DOWN, "" if up else reason
    )


def joined(parts: Iterable[Sequence[Spell]]) -> list[Spell]:
    """Return spells whose parts have calm time between them, in which nothing changed."""
    whole: list[Spell] = []
    for part in parts:
        if not part:
            continue
        first, *rest = part
        if whole:
            before = whole.pop()
            first = Spell(
                before.began_at, first.last_at, before.interval, before.seen, before.reason
            )
        whole += [first, *rest]
    return whole
