"""Labels, series and where they are kept while rules look at them. Pure.

Times are milliseconds since 1970, as Prometheus has them; values are floats, and a series that
ended says so with Prometheus's stale NaN.
"""

from __future__ import annotations

import re
import struct
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

NAME: Final = "__name__"
_STALE_BITS: Final = 0x7FF0000000000002
STALE: Final[float] = struct.unpack("<d", struct.pack("<Q", _STALE_BITS))[0]
# Signatures of labels that are remembered; one takes about 300 bytes.
_REMEMBERED: Final = 65536


class Labels:
    """Sorted pairs of name and value, the metric's name among them; never an empty value."""

    __slots__ = ("_hash", "pairs")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs = tuple(sorted(pair for pair in pairs if pair[1]))
        self._hash = hash(self.pairs)

    @classmethod
    def of(cls, pairs: Mapping[str, str]) -> Labels:
        """Return these pairs as labels."""
        return cls(pairs.items())

    def __hash__(self) -> int:
        """Return the hash, computed once."""
        return self._hash

    def __eq__(self, other: object) -> bool:
        """Tell whether the pairs are the same."""
        return self is other or (isinstance(other, Labels) and self.pairs == other.pairs)

    def __repr__(self) -> str:
        """Write them as Prometheus does in its errors."""
        return "{" + ", ".join(f'{name}="{value}"' for name, value in self.pairs) + "}"

    def get(self, name: str) -> str:
        """Return the value of a label, empty where there is none."""
        return next((value for key, value in self.pairs if key == name), "")

    def changed(self, changes: Mapping[str, str]) -> Labels:
        """Return them with these values; an empty one takes the label away."""
        return Labels.of({**dict(self.pairs), **changes})


@lru_cache(_REMEMBERED)
def only(labels: Labels, names: frozenset[str]) -> Labels:
    """Return the labels of these names."""
    return Labels(pair for pair in labels.pairs if pair[0] in names)


@lru_cache(_REMEMBERED)
def without(labels: Labels, names: frozenset[str]) -> Labels:
    """Return all labels but those of these names."""
    return Labels(pair for pair in labels.pairs if pair[0] not in names)


_NAMES: Final = frozenset({NAME})


def unnamed(labels: Labels) -> Labels:
    """Return them without the metric's name."""
    return without(labels, _NAMES)


def is_stale(value: float) -> bool:
    """Tell whether this is the mark of a series that ended."""
    return value != value and struct.unpack("<Q", struct.pack("<d", value))[0] == _STALE_BITS  # noqa: PLR0124


class Sample(NamedTuple):
    """One element of an instant vector."""

    labels: Labels
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """What was seen of one set of labels, oldest first; TIMES in ms, each greater than the last."""

    labels: Labels
    times: array[int]
    values: array[float]

    @classmethod
    def made(cls, labels: Labels, points: Iterable[tuple[int, float]]) -> Series:
        """Return a series of these points."""
        times, values = array("q"), array("d")
        for time, value in points:
            times.append(time)
            values.append(value)
        return cls(labels, times, values)


class Match(StrEnum):
    """How a label is compared."""

    EQUAL = "="
    DIFFERENT = "!="
    LIKE = "=~"
    UNLIKE = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """What a label has to be; a label that is not there is empty."""

    name: str
    how: Match
    value: str

    def holds(self, value: str) -> bool:
        """Tell whether a label of this value is meant."""
        if self.how in {Match.EQUAL, Match.DIFFERENT}:
            return (value == self.value) is (self.how is Match.EQUAL)
        return (pattern(self.value).fullmatch(value) is not None) is (self.how is Match.LIKE)


@lru_cache(4096)
def pattern(text: str) -> re.Pattern[str]:
    """Return a regular expression as Prometheus reads it: anchored by its user, `.` takes all."""
    return re.compile(text, re.ASCII | re.DOTALL)


class Storage(Protocol):
    """Where series come from."""

    def select(self, matchers: tuple[Matcher, ...], start: int, end: int) -> Sequence[Series]:
        """Return all series that match, with at least their samples from START to END (ms)."""
        ...


@dataclass(eq=False)
class Memory:
    """Series kept in memory, found through an index of their labels."""

    _series: dict[Labels, Series] = field(default_factory=dict)
    _index: dict[str, dict[str, dict[Labels, None]]] = field(default_factory=dict)
    # What selectors found, by the one metric that they name, if they do.
    _found: dict[str, dict[tuple[Matcher, ...], Sequence[Series]]] = field(default_factory=dict)

    def add(self, series: Series) -> None:
        """Keep a series, in place of one with the same labels."""
        self._series[series.labels] = series
        for name, value in series.labels.pairs:
            self._index.setdefault(name, {}).setdefault(value, {})[series.labels] = None
        self._changed(series.labels)

    def move(self, by: int) -> None:
        """Let every sample have been taken BY ms later, or earlier."""
        for series in self._series.values():
            series.times[:] = array("q", (time + by for time in series.times))

    def append(self, labels: Labels, time: int, value: float) -> None:
        """Add one sample behind the others of its series."""
        series = self._series.get(labels)
        if series is None:
            self.add(Series.made(labels, [(time, value)]))
            return
        series.times.append(time)
        series.values.append(value)

    def extend(self, series: Series) -> None:
        """Add samples behind the others of their series."""
        known = self._series.get(series.labels)
        if known is None:
            self.add(series)
            return
        known.times.extend(series.times)
        known.values.extend(series.values)

    def forget(self, reach: Callable[[str], int], now: int) -> None:
        """Drop samples older than REACH (ms, by the metric's name) before NOW, and ended series."""
        border: dict[str, int] = {}
        gone = []
        for series in self._series.values():
            name = series.labels.get(NAME)
            first = border.get(name)
            if first is None:
                first = border[name] = now - reach(name)
            times, values = series.times, series.values
            if times and times[0] < first:
                behind = bisect_left(times, first)
                del times[:behind], values[:behind]
            if not times or (len(times) == 1 and is_stale(values[0])):
                gone.append(series.labels)
        for labels in gone:
            self._remove(labels)

    def select(self, matchers: tuple[Matcher, ...], start: int, end: int) -> Sequence[Series]:
        """Return all series that match, whole."""
        del start, end
        known = self._found.setdefault(_metric(matchers), {})
        found = known.get(matchers)
        if found is None:
            found = known[matchers] = tuple(self._matching(matchers))
        return found

    def _remove(self, labels: Labels) -> None:
        del self._series[labels]
        for name, value in labels.pairs:
            values = self._index[name]
            del values[value][labels]
            if not values[value]:
                del values[value]
            if not values:
                del self._index[name]
        self._changed(labels)

    def _changed(self, labels: Labels) -> None:
        """Let selectors that may meet a series look anew."""
        self._found.pop(labels.get(NAME), None)
        self._found.pop("", None)

    def _matching(self, matchers: tuple[Matcher, ...]) -> Iterator[Series]:
        sets = [self._equal(one) for one in matchers if one.how is Match.EQUAL and one.value]
        smallest = min(sets, key=len, default=self._series)
        rest = tuple(matchers)
        for labels in smallest:
            if all(one.holds(labels.get(one.name)) for one in rest):
                yield self._series[labels]

    def _equal(self, matcher: Matcher) -> Mapping[Labels, object]:
        return self._index.get(matcher.name, {}).get(matcher.value, {})


def _metric(matchers: Iterable[Matcher]) -> str:
    """Return the metric that a selector names, empty where it names none."""
    named = (one.value for one in matchers if one.name == NAME and one.how is Match.EQUAL)
    return next(named, "")
