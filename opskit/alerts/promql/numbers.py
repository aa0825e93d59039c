"""Sums, quantiles and lines as Prometheus computes them, NaN and Inf included. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

NAN = math.nan
INF = math.inf


def compensated(total: float, lost: float, more: float) -> tuple[float, float]:
    """Return a running sum and what it lost, after Kahan and Neumaier."""
    now = total + more
    if abs(total) >= abs(more):
        return now, lost + ((total - now) + more)
    return now, lost + ((more - now) + total)


def total(values: Iterable[float]) -> float:
    """Return the sum."""
    result = lost = 0.0
    for value in values:
        result, lost = compensated(result, lost, value)
    return result if math.isinf(result) else result + lost


def mean(values: Iterable[float]) -> float:
    """Return the running mean, which does not overflow where the sum would."""
    result = lost = 0.0
    for count, value in enumerate(values, 1):
        if math.isinf(result) and not math.isnan(value) and value != -result:
            continue
        result, lost = compensated(result, lost, value / count - result / count)
    return result if math.isinf(result) else result + lost


def variance(values: Iterable[float]) -> float:
    """Return the population's variance, after Welford."""
    count = 0
    middle = lost = squares = lost_squares = 0.0
    for count, value in enumerate(values, 1):
        delta = value - (middle + lost)
        middle, lost = compensated(middle, lost, delta / count)
        squares, lost_squares = compensated(
            squares, lost_squares, delta * (value - (middle + lost))
        )
    return (squares + lost_squares) / count


def deviation(values: Iterable[float]) -> float:
    """Return the population's standard deviation."""
    return math.sqrt(variance(values))


def highest(values: Sequence[float]) -> float:
    """Return the greatest; NaN only where there is nothing else."""
    if values and not math.isnan(sum(values)):
        return max(values)
    return max((value for value in values if not math.isnan(value)), default=NAN)


def lowest(values: Sequence[float]) -> float:
    """Return the least; NaN only where there is nothing else."""
    if values and not math.isnan(sum(values)):
        return min(values)
    return min((value for value in values if not math.isnan(value)), default=NAN)


def ascending(value: float) -> tuple[bool, float]:
    """Return the key that sorts NaN before all others."""
    return (False, 0.0) if math.isnan(value) else (True, value)


def quantile(share: float, values: Iterable[float]) -> float:
    """Return the quantile between the two nearest ranks; outside [0, 1] it is infinite."""
    ordered = sorted(values, key=ascending)
    if not ordered or math.isnan(share):
        return NAN
    if not 0 <= share <= 1:
        return math.copysign(INF, share)
    rank = share * (len(ordered) - 1)
    lower = math.floor(rank)
    upper = min(len(ordered) - 1, lower + 1)
    weight = rank - lower
    return ordered[lower] * (1 - weight) + ordered[upper] * weight


def line(times: Sequence[int], values: Sequence[float], origin: int) -> tuple[float, float]:
    """Return slope (per second) and value at ORIGIN of the least squares line."""
    first = values[0]
    if all(value == first for value in values):
        return (NAN, NAN) if math.isinf(first) else (0.0, first)
    count = len(values)
    seconds = [(time - origin) / 1000 for time in times]
    x, y = _sum(seconds), _sum(values)
    xy = _sum([s * v for s, v in zip(seconds, values, strict=True)])
    squares = _sum([s * s for s in seconds])
    slope = divided(xy - x * y / count, squares - x * x / count)
    return slope, y / count - slope * x / count


def _sum(values: Sequence[float]) -> float:
    result = lost = 0.0
    for value in values:
        result, lost = compensated(result, lost, value)
    return result + lost


def divided(left: float, right: float) -> float:
    """Return the quotient; by zero it is infinite, or NaN for 0/0."""
    if right != 0:
        return left / right
    if left == 0 or math.isnan(left):
        return NAN
    return math.copysign(INF, left) * math.copysign(1, right)


def remainder(left: float, right: float) -> float:
    """Return the remainder with the sign of LEFT."""
    return NAN if right == 0 or math.isinf(left) else math.fmod(left, right)


def power(left: float, right: float) -> float:
    """Return LEFT to the power of RIGHT, NaN where that is no real number."""
    try:
        return math.pow(left, right)
    except OverflowError:
        return -INF if left < 0 and right % 2 == 1 else INF
    except ValueError:
        if left != 0:
            return NAN
        return math.copysign(INF, left) if right % 2 == 1 else INF


def bucket_quantile(share: float, buckets: Iterable[tuple[float, float]]) -> float:
    """Return the quantile of a classic histogram from (upper bound, cumulated count) pairs."""
    if math.isnan(share):
        return NAN
    if not 0 <= share <= 1:
        return math.copysign(INF, share)
    bounds, counts = _monotonic(buckets)
    if len(bounds) < 2 or bounds[-1] != INF or not counts[-1]:
        return NAN
    rank = share * counts[-1]
    found = _first_reaching(counts[:-1], rank)
    if found == len(bounds) - 1:
        return bounds[-2]
    if found == 0 and bounds[0] <= 0:
        return bounds[0]
    start = bounds[found - 1] if found else 0.0
    before = counts[found - 1] if found else 0.0
    share_of_bucket = divided(rank - before, counts[found] - before)
    return start + (bounds[found] - start) * share_of_bucket


def _monotonic(buckets: Iterable[tuple[float, float]]) -> tuple[list[float], list[float]]:
    merged: dict[float, float] = {}
    for bound, count in sorted(buckets, key=lambda pair: pair[0]):
        merged[bound] = merged[bound] + count if bound in merged else count
    counts: list[float] = []
    for count in merged.values():
        counts.append(counts[-1] if counts and count < counts[-1] else count)
    return list(merged), counts


def _first_reaching(counts: Sequence[float], rank: float) -> int:
    low, high = 0, len(counts)
    while low < high:
        middle = (low + high) // 2
        if counts[middle] >= rank:
            high = middle
        else:
            low = middle + 1
    return low
