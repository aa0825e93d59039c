"""Families as the text that Prometheus reads: the only door to prometheus_client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from opskit.core.metrics import Family

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Families:
    """A collector of what is at hand now; nothing is registered and nothing is kept."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Yield each family in the library's own form."""
        yield from map(_as_metric, self._families)

    def describe(self) -> tuple[()]:
        """Return nothing: what there is depends on what is watched."""
        return ()


def _as_metric(family: Family) -> Metric:
    labels = sorted({name for sample in family.samples for name, _ in sample.labels})
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = kind(family.name, family.help, labels=labels)
    for sample in family.samples:
        given = dict(sample.labels)
        metric.add_metric([given.get(name, "") for name in labels], sample.value)
    return metric


def page(families: Iterable[Family]) -> bytes:
    """Return the text of a metrics page."""
    registry = CollectorRegistry()
    registry.register(_Families(tuple(families)))
    return generate_latest(registry)
