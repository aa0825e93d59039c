"""How long a page of a hundred thousand series takes, beside prometheus_client's own writer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from opskit.core.clock import SystemClock
from opskit.core.metrics import Family, gauge, tidied
from opskit.serve.exporter import Pages, page

TARGETS, FAMILIES = 10_000, 10


def families() -> tuple[Family, ...]:
    """Return ten families of ten thousand targets each."""
    labels = [(("service", f"service{n}"), ("target", f"service{n}/http")) for n in range(TARGETS)]
    return tuple(
        gauge(
            f"opskit_bench{chr(97 + number)}_seconds", "A number.",
            ((number + at / 7, one) for at, one in enumerate(labels)),
        )
        for number in range(FAMILIES)
    )  # fmt: skip


class Peer:
    """The same numbers in the library's own form, made for each page as a collector must."""

    def __init__(self, found: tuple[Family, ...]) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        """Yield each family as the library's documentation does."""
        for family in self._found:
            metric = GaugeMetricFamily(family.name, family.help, labels=["service", "target"])
            for value, labels in family.samples:
                metric.add_metric([text for _, text in labels], value)
            yield metric


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds that something takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def lines() -> Iterator[str]:
    """Measure both in turn, on the same numbers."""
    found = families()
    registry = CollectorRegistry()
    registry.register(Peer(found))
    own: list[float] = []
    peer: list[float] = []
    for _ in range(7):
        own.append(seconds(lambda: page(tidied(found, 100_000))))
        peer.append(seconds(lambda: generate_latest(registry)))
    ratio = median(a / b for a, b in zip(own, peer, strict=True))
    pages = Pages(lambda: found, SystemClock())
    pages.text()
    again = seconds(pages.text) * 1_000
    size = len(page(found))
    same = size == len(generate_latest(registry))
    yield (
        f"exposition of {TARGETS * FAMILIES:,} series, CPU: opskit {median(own) * 1_000:.0f} ms"
        f" (cleaned and capped), prometheus_client {median(peer) * 1_000:.0f} ms,"
        f" ratio {ratio:.2f} (n=7)"
    )
    yield (
        f"  {size:,} bytes{'' if same else ', NOT the same as the peer'};"
        f" the same page again within 15 s: {again:.2f} ms"
    )


if __name__ == "__main__":
    for line in lines():
        print(line, flush=True)
