"""Series of every kind, made the same each time: for a real Prometheus and for the evaluator."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from opskit.alerts.promql.series import NAME, Labels, Memory, Series

# 2024-02-28T22:00:00Z: two hours later February has one more day.
START = 1_709_157_600_000
STEP = 15_000
COUNT = 480
END = START + COUNT * STEP
Points = list[tuple[int, float]]


def _times(rng: random.Random) -> Iterator[int]:
    offset = rng.randrange(STEP)
    for index in range(COUNT):
        yield START + offset + index * STEP + (rng.randrange(200) if index % 7 == 0 else 0)


def _counter(rng: random.Random) -> Points:
    points, value = [], rng.uniform(0, 50)
    for time in _times(rng):
        value = 0.0 if rng.random() < 0.01 else value + rng.choice((0.0, rng.uniform(0, 9)))
        points.append((time, value))
    return points


def _gauge(rng: random.Random, *, gaps: bool) -> Points:
    return [
        (time, rng.uniform(-20, 100))
        for index, time in enumerate(_times(rng))
        if not gaps or (index // 20) % 3 or not index % 9
    ]


def _odd(rng: random.Random) -> Points:
    odd = (math.nan, math.inf, -math.inf)
    return [(t, rng.choice(odd) if rng.random() < 0.1 else rng.gauss(0, 2)) for t in _times(rng)]


def _buckets(rng: random.Random) -> list[Points]:
    totals = [0.0] * 5
    rows: list[Points] = [[] for _ in totals]
    for time in _times(rng):
        grown = rng.randrange(6)
        for index in range(grown % 5, 5):
            totals[index] += grown
        for row, value in zip(rows, totals, strict=True):
            row.append((time, value))
    return rows


def series() -> Iterator[tuple[dict[str, str], Points]]:
    """Yield labels and points of each series."""
    rng = random.Random(7)
    for job, instance, code in (
        (job, f"{job}{number}", code)
        for job in ("web", "db")
        for number in (1, 2, 3)
        for code in ("200", "500")
    ):
        at = {"job": job, "instance": instance}
        yield {NAME: "requests_total", **at, "code": code}, _counter(rng)
        if code == "200":
            yield {NAME: "load", **at}, _gauge(rng, gaps=False)
            yield {NAME: "patchy", **at}, _gauge(rng, gaps=True)
            yield {NAME: "up", **at}, [(t, float(rng.random() < 0.8)) for t in _times(rng)]
            yield (
                {NAME: "info", **at, "version": f"1.{len(instance)}"},
                [(t, 1.0) for t in _times(rng)],
            )
    yield {NAME: "odd", "kind": "a"}, _odd(rng)
    yield {NAME: "odd", "kind": "b"}, _odd(rng)
    yield {NAME: "ended", "job": "web"}, _gauge(rng, gaps=False)[: COUNT // 2]
    yield {NAME: "limit", "job": "web"}, [(t, 40.0) for t in _times(rng)]
    yield {NAME: "limit", "job": "db"}, [(t, 60.0) for t in _times(rng)]
    for job in ("web", "db"):
        bounds = ("0.1", "0.5", "1", "5", "+Inf")
        for bound, points in zip(bounds, _buckets(rng), strict=True):
            yield {NAME: "seconds_bucket", "job": job, "le": bound}, points


def lines() -> Iterator[str]:
    """Yield the samples as OpenMetrics text."""
    named = sorted(series(), key=lambda one: one[0][NAME])
    seen = ""
    for labels, points in named:
        if labels[NAME] != seen:
            seen = labels[NAME]
            yield f"# TYPE {seen} unknown"
        text = ",".join(f'{key}="{value}"' for key, value in labels.items() if key != NAME)
        for time, value in points:
            yield f"{seen}{{{text}}} {_written(value)} {time / 1000:.3f}"


def _written(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return repr(value) if math.isfinite(value) else ("+Inf" if value > 0 else "-Inf")


def memory() -> Memory:
    """Return them as the evaluator reads them."""
    storage = Memory()
    for labels, points in series():
        storage.add(Series.made(Labels.of(labels), points))
    return storage
