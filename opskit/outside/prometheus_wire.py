"""What the HTTP API of a Prometheus answers, decoded. No input or output.

Nothing of an answer is believed before it was looked at: it may be cut, somebody else's, or made
up. Times come as seconds with three decimals, values as text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from opskit.core.clock import Instant
from opskit.core.interval import Interval
from opskit.core.text import clean, decode, shorten

Labels = Mapping[str, str]
# A time in microseconds and what was recorded then.
Point = tuple[Instant, float]

MILLISECOND = 1_000
_LATEST = 1e11  # seconds: the year 5138, and no time that somebody wrote in milliseconds


class Garbled(ValueError):
    """An answer is not what it should be; the text says what it should."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a query: points by series. With `warnings`, part of it may be missing."""

    series: Sequence[tuple[Labels, Sequence[Point]]]
    warnings: tuple[str, ...] = ()

    def within(self, span: Interval) -> Answer:
        """Return the points in `(start, end]`: a range closed on both sides tells one more."""
        kept = [
            (labels, [point for point in points if span.start < point[0] <= span.end])
            for labels, points in self.series
        ]
        return Answer(kept, self.warnings)


def parsed(body: bytes, wanted: str = "JSON") -> dict[str, object]:
    """Return a JSON object."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Garbled(wanted) from error
    if not isinstance(found, dict):
        raise Garbled(wanted)
    return found


def result(data: object) -> Sequence[tuple[Labels, Sequence[Point]]]:
    """Return the series of a vector or a matrix."""
    if not isinstance(data, dict) or not isinstance(data.get("result"), list):
        raise Garbled("a result")
    return [_series(one) for one in data["result"]]


def _series(one: object) -> tuple[Labels, Sequence[Point]]:
    if not isinstance(one, dict):
        raise Garbled("a series")
    pairs = one.get("values", [one.get("value")])
    if not isinstance(pairs, list):
        raise Garbled("a series of plain numbers")
    return labels(one.get("metric")), [_pair(pair) for pair in pairs]


def _pair(pair: object) -> Point:
    if not isinstance(pair, list) or len(pair) != 2:
        raise Garbled("a sample")
    return _point(number(pair[0]), pair[1])


def exported(body: bytes) -> Sequence[tuple[Labels, Sequence[Point]]]:
    """Return what the export API of VictoriaMetrics tells: a series a line, in pieces even."""
    return [_line(line) for line in body.splitlines() if line.strip()]


def _line(line: bytes) -> tuple[Labels, Sequence[Point]]:
    one = parsed(line, "an exported series")
    ats, values = one.get("timestamps"), one.get("values")
    if not isinstance(ats, list) or not isinstance(values, list) or len(ats) != len(values):
        raise Garbled("an exported series")
    pairs = zip(ats, values, strict=True)
    # A value of null marks where a series ended.
    points = [_point(number(at) / 1_000, value) for at, value in pairs if value is not None]
    return labels(one.get("metric")), points


def _point(at: float, value: object) -> Point:
    if not 0 <= at < _LATEST:
        raise Garbled("a sample")
    return Instant(round(at * 1_000) * MILLISECOND), number(value)


def number(value: object) -> float:
    """Return a number, written as one or as text; what is none is NaN."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def labels(metric: object) -> Labels:
    """Return the labels of a series."""
    if not isinstance(metric, dict):
        raise Garbled("the labels of a series")
    return {str(name): str(value) for name, value in metric.items()}


def warnings(body: Mapping[str, object]) -> Iterator[str]:
    """Yield what an answer says about itself: what Thanos or Mimir could not reach is missing."""
    said = body.get("warnings")
    for one in said if isinstance(said, list) else []:
        yield shorten(clean(str(one)), 300)
    if body.get("isPartial") is True:
        yield "the answer is partial"


def complaint(body: bytes) -> tuple[str, str]:
    """Return the type and the words of an error, as far as it has any."""
    try:
        said = parsed(body)
    except Garbled:
        return "", shorten(clean(decode(body[:500])).strip(), 200)
    return str(said.get("errorType", "")), shorten(clean(str(said.get("error", ""))), 300)


def seconds(duration: int) -> str:
    """Return microseconds as seconds, exact to the millisecond the API knows."""
    whole, rest = divmod(duration // MILLISECOND, 1_000)
    return f"{whole}.{rest:03d}"
