"""Families as the text that Prometheus reads: the only door to prometheus_client.

The plain text format (0.0.4) is written here: at a hundred thousand series the library's own way
takes several times as long. What it writes must be the same, byte for byte; the tests hold that.
OpenMetrics is left to the library. No `_created` series, no timestamps.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import (
    CONTENT_TYPE_LATEST as OPENMETRICS,
    generate_latest as openmetrics_of,
)
from prometheus_client.utils import floatToGoString

from opskit.core.clock import SECOND, Clock
from opskit.core.metrics import Family, Labels, gauge, one

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_TYPE = OPENMETRICS
# Above so many series a page takes long enough that several readers share one.
_SHARED_ABOVE = 20_000
_SHARED_FOR = 15 * SECOND


def page(families: Iterable[Family]) -> bytes:
    """Return the text of a metrics page."""
    # Families of one slice share their labels: each set is written once.
    written: dict[Labels, str] = {(): ""}
    return "".join([_text(family, written) for family in families]).encode()


def _text(family: Family, written: dict[Labels, str]) -> str:
    says = family.help.replace("\\", r"\\").replace("\n", r"\n")
    name = family.name
    lines = [f"# HELP {name} {says}\n# TYPE {name} {family.kind}\n"]
    for value, labels in family.samples:
        told = written.get(labels)
        if told is None:
            told = written[labels] = _labels(labels)
        # Up to a million a float is written by Go as by Python; beyond that they differ.
        number = repr(value) if -1e6 < value < 1e6 else _number(value)
        lines.append(f"{name}{told} {number}\n")
    return "".join(lines)


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(text)}"' for name, text in sorted(labels)) + "}"


def _escaped(text: str) -> str:
    if text.isalnum():
        return text
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]


def openmetrics(families: Iterable[Family]) -> bytes:
    """Return the same as OpenMetrics 1.0 text."""
    registry = CollectorRegistry()
    registry.register(_Families(tuple(families)))
    return bytes(openmetrics_of(registry))  # type: ignore[no-untyped-call]


class _Families:
    """A collector of what is at hand now; nothing is registered and nothing is kept."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Yield each family in the library's own form."""
        yield from map(as_metric, self._families)

    def describe(self) -> tuple[()]:
        """Return nothing: what there is depends on what is watched."""
        return ()


def as_metric(family: Family) -> Metric:
    """Return a family in the library's own form."""
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric: Metric = kind(family.name, family.help)
    for sample in family.samples:
        metric.add_sample(family.name, dict(sample.labels), sample.value)
    return metric


@dataclass(frozen=True, slots=True)
class Rendered:
    """A page, how many series it shows, and when it was made by the monotonic clock."""

    text: bytes
    series: int
    at: int


class Pages:
    """Makes pages; a very large one is shown again for 15 s, whoever asks."""

    def __init__(self, families: Callable[[], tuple[Family, ...]], clock: Clock) -> None:
        self._families = families
        self._clock = clock
        self._last: Rendered | None = None
        self._lock = threading.Lock()

    def text(self) -> bytes:
        """Return the page as it is now, or a large one as it was a moment ago."""
        with self._lock:
            if self._last is None or not self._is_good(self._last):
                self._last = self._rendered()
            return self._last.text

    def _is_good(self, last: Rendered) -> bool:
        young = self._clock.monotonic() - last.at < _SHARED_FOR
        return young and last.series > _SHARED_ABOVE

    def _rendered(self) -> Rendered:
        at = self._clock.monotonic()
        says = "When this page was made; above 20,000 series one is shown for up to 15 s."
        made = gauge("opskit_page_timestamp_seconds", says, one(self._clock.now() / SECOND))
        families = (*self._families(), made)
        return Rendered(page(families), sum(len(one.samples) for one in families), at)
