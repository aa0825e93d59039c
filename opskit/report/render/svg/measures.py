"""Scales, their ticks, and how wide words are. Pure, and the same to the last digit everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from opskit.core.text import clean
from opskit.report.render.svg.looks import SIZE
from opskit.report.statistics.functions import ln

# Share of the size of the letters, by how wide they are in the usual sans serif fonts; what is
# not listed is as wide as a digit.
_WIDTHS = {
    **dict.fromkeys("fijlrtI.,:;'|!()[]/ -", 0.3),
    **dict.fromkeys("ABCDEFGHJKLNOPQRSTUVXYZ&", 0.7),
    **dict.fromkeys("mwMW%@", 0.88),
}
_DIGIT, _WIDE = 0.56, 1.0
_BEYOND_LATIN = 0x2E80
# Larger values are drawn at this, smaller ones as nothing: a picture cannot tell them apart.
_MOST, _LEAST = 1e15, 1e-9
# Beyond these, digits are no longer read.
_LEAST_READ, _MOST_READ = 1e-3, 1e9


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight way from values to places; values outside are drawn at its ends."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the place of a value."""
        span = self.high - self.low
        share = (value - self.low) / span if span > 0 else 0.5
        return self.start + (self.end - self.start) * min(1.0, max(0.0, share))


@dataclass(frozen=True, slots=True)
class TimeScale:
    """A logarithmic way from minutes to places, with ends at times that have names."""

    low: float
    high: float
    start: float
    end: float

    def at(self, minutes: float) -> float:
        """Return the place of a length of time; what is shorter than the scale is at its start."""
        share = ln(max(minutes, self.low) / self.low) / ln(self.high / self.low)
        return self.start + (self.end - self.start) * min(1.0, share)

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Yield the times that have names on it, in minutes."""
        for minutes, name in _TIMES:
            if self.low <= minutes <= self.high:
                yield minutes, name


_TIMES = (
    (1 / 60, "1 s"), (1 / 6, "10 s"), (1.0, "1 min"), (10.0, "10 min"), (60.0, "1 h"),
    (480.0, "8 h"), (2_880.0, "2 d"), (20_160.0, "2 w"), (129_600.0, "90 d"),
    (525_600.0, "1 y"), (5_256_000.0, "10 y"), (52_560_000.0, "100 y"),
)  # fmt: skip


def drawable(value: float) -> float:
    """Return a value that can be drawn: finite, and neither too large nor too small to tell."""
    if value != value:  # noqa: PLR0124  # not a number
        return 0.0
    bounded = min(_MOST, max(-_MOST, value))
    return bounded if abs(bounded) > _LEAST else 0.0


def time_scale(minutes: Iterable[float], start: float, end: float) -> TimeScale:
    """Return the scale on which all of some lengths of time have their place."""
    known = [one for one in map(drawable, minutes) if one > 0]
    names = [one for one, _ in _TIMES]
    least, most = min(known, default=1.0), max(known, default=60.0)
    low = max((one for one in names if one <= least), default=names[0])
    high = min((one for one in names if one >= most and one > low), default=names[-1])
    return TimeScale(min(low, names[-2]), high, start, end)


def ticks(low: float, high: float, count: int = 5) -> tuple[float, ...]:
    """Return about `count` round numbers from at most `low` to at least `high`."""
    if not high > low:
        high = low + (abs(low) or 1.0)
    step = _round_step((high - low) / count)
    first = int(low // step)
    last = -int(-high // step)
    return tuple(number * step for number in range(first, last + 1))


def _round_step(wanted: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is at least `wanted`."""
    power = int(f"{wanted:e}".partition("e")[2])
    steps = (float(f"{digit}e{power}") for digit in (1, 2, 5, 10))
    return next((step for step in steps if step >= wanted), float(f"1e{power + 1}"))


def short(value: float, values: Sequence[float]) -> str:
    """Return a tick's number with no more digits than tell it from the others."""
    most = max(map(abs, values), default=0.0)
    if not _LEAST_READ <= most < _MOST_READ:
        return f"{value:.2g}"
    step = min((abs(b - a) for a, b in pairwise(values)), default=1.0)
    digits = max(0, -int(f"{step:e}".partition("e")[2]))
    text = f"{value:,.{digits}f}"
    return (
        text.removeprefix("-") if float(text.replace(",", "")) == 0 else text.replace("-", "\u2212")
    )


def wide(text: str, size: float = SIZE) -> float:
    """Return about how wide words are in a sans serif font."""
    return size * sum(_width(letter) for letter in text)


def _width(letter: str) -> float:
    return _WIDTHS.get(letter, _WIDE if ord(letter) >= _BEYOND_LATIN else _DIGIT)


def fitting(text: str, width: float, size: float = SIZE) -> str:
    """Return words, the end given up for an ellipsis where they are wider than `width`."""
    text = clean(text)
    if wide(text, size) <= width:
        return text
    room, kept = width - size * _WIDE, 0
    for letter in text:
        room -= size * _width(letter)
        if room < 0:
            break
        kept += 1
    return f"{text[:kept].rstrip()}…"
