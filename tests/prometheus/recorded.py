"""A month that a Prometheus recorded, made up line by line, and what is true of it.

The truth is the plan itself: when the shop was down, when nobody looked, and for how long what was
last seen still held. Nothing of opskit is used to tell it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

START = 1_727_740_800  # 2024-10-01T00:00:00Z
DAYS = 30
DAY = 86_400
END = START + DAYS * DAY
CHANGE = START + DAYS // 2 * DAY  # from here on, a scrape each minute
BEFORE = 2 * 3_600  # recorded before the month began
PHASE = 3.217  # scrapes lie at some offset, never on the hour
QUICK, SLOW = 15, 60

# (from, until): the first scrape that is missing, the first that is there again.
BOTH_GONE = (
    (START + 6 * DAY + 7_200, START + 6 * DAY + 14_400),
    (CHANGE + 420_000, CHANGE + 420_180),
)
PROBER_GONE = ((CHANGE + 3 * DAY + 600, CHANGE + 3 * DAY + 3_000),)
AGREED = (START + 10 * DAY + 1_800, START + 10 * DAY + 7_200)
MAINTAINED = (AGREED[0] + 600, AGREED[0] + 600 + 3_600)
OUTAGES = 52

SHOP = '{instance="https://shop",job="blackbox"}'
DOCS = '{instance="https://docs",job="blackbox"}'


def interval(at: float) -> int:
    return QUICK if at < CHANGE else SLOW


def _outages() -> Iterator[tuple[int, int]]:
    """Yield the planned outages: from one scrape to another, well apart from all else."""
    rolled = random.Random(7)
    busy = [*BOTH_GONE, *PROBER_GONE, AGREED, (CHANGE, CHANGE)]
    share = DAYS * DAY // OUTAGES
    for number in range(OUTAGES):
        while True:
            start = START + number * share + rolled.randrange(600, share - 3_600)
            start -= (start - START) % interval(start)
            end = start + rolled.randint(1, 24) * interval(start)
            if all(end + 600 < other[0] or start - 600 > other[1] for other in busy):
                break
        yield start, end


@dataclass(frozen=True)
class Month:
    """The plan, and the figures that follow from it, in seconds."""

    outages: tuple[tuple[int, int], ...] = field(default_factory=lambda: tuple(_outages()))

    @property
    def down(self) -> int:
        """Return the downtime, without that inside maintenance."""
        return sum(end - start for start, end in self.outages)

    def unknown(self, gaps: tuple[tuple[int, int], ...]) -> Fraction:
        """Return the time of gaps for which what was last seen no longer held: 2.5 intervals."""
        whole = Fraction(0)
        for start, end in gaps:
            last = start - interval(start)
            whole += end - last - Fraction(5, 2) * interval(start)
        return whole

    def is_up(self, at: int) -> bool:
        down = (*self.outages, MAINTAINED)
        return not any(start <= at < end for start, end in down)

    def lines(self) -> Iterator[str]:
        """Yield the samples in the OpenMetrics text format."""
        yield "# TYPE probe_success gauge"
        for at in scrapes():
            if not _within(at, BOTH_GONE) and not _within(at, PROBER_GONE):
                yield f"probe_success{SHOP} {int(self.is_up(at))} {at + PHASE:.3f}"
        for at in scrapes():
            if not _within(at, BOTH_GONE):
                yield f"probe_success{DOCS} 1 {at + PHASE:.3f}"
        yield "# TYPE up gauge"
        for at in scrapes():
            if not _within(at, BOTH_GONE):
                yield f"up{SHOP} {int(not _within(at, PROBER_GONE))} {at + PHASE:.3f}"


def scrapes() -> Iterator[int]:
    """Yield when the server scraped, or would have."""
    yield from range(START - BEFORE, CHANGE, QUICK)
    yield from range(CHANGE, END, SLOW)


def _within(at: int, spans: tuple[tuple[int, int], ...]) -> bool:
    return any(start <= at < end for start, end in spans)
