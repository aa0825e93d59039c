"""What can be measured now, as metric families: what slices give and the exporter shows. Pure.

The rules are those of Prometheus's "Writing exporters" and "Metric and label naming": base units in
the name, `_total` for counters and nothing else, and no sample where nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from opskit.core.text import clean, shorten

Labels = tuple[tuple[str, str], ...]

# No longer text becomes a label: it says enough to find the thing, and every scrape carries it.
_LONGEST_LABEL = 120


class Sample(NamedTuple):
    """One number of a family, with its labels as pairs."""

    value: float
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Family:
    """A metric: its name with its unit, what it says, and a number for each set of labels.

    A counter's name ends in `_total`, as it is shown.
    """

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    samples: tuple[Sample, ...]


def gauge(name: str, says: str, samples: Iterable[tuple[float | None, Labels]]) -> Family:
    """Return what may go up and down; a value that is not known makes no sample."""
    return Family(name, "gauge", says, tuple(_known(samples)))


def counter(name: str, says: str, samples: Iterable[tuple[float | None, Labels]]) -> Family:
    """Return what only grows; a value that is not known makes no sample."""
    return Family(name, "counter", says, tuple(_known(samples)))


def _known(samples: Iterable[tuple[float | None, Labels]]) -> Iterator[Sample]:
    return (Sample(float(value), labels) for value, labels in samples if value is not None)


def one(value: float | None, **labels: str) -> tuple[tuple[float | None, Labels], ...]:
    """Return the only number of a family."""
    return ((value, tuple(labels.items())),)


def states(
    value: str, known: Iterable[str], labels: Labels, label: str = "state"
) -> Iterator[tuple[float, Labels]]:
    """Yield 1 for the state something is in and 0 for each other that there is."""
    for name in known:
        yield (1.0 if name == value else 0.0), (*labels, (label, name.replace(" ", "_")))


def tidied(families: Iterable[Family], most: int) -> tuple[Family, ...]:
    """Return families that may be shown: foreign text cleaned and cut, no set of labels twice.

    Each keeps at most `most` samples; what that leaves out is counted in `opskit_series_dropped`.
    """
    # Families of one slice share their labels: each set is cleaned once.
    clean_of: dict[Labels, Labels] = {}
    found = [(family, _tidy(family, most, clean_of)) for family in families]
    dropped = (
        (len(before.samples) - len(after.samples), (("family", before.name),))
        for before, after in found
    )
    says = "Series of a family that this page leaves out: over the limit, or the same labels twice."
    return (*(after for _, after in found), gauge("opskit_series_dropped", says, dropped))


def _tidy(family: Family, most: int, clean_of: dict[Labels, Labels]) -> Family:
    kept: dict[Labels, Sample] = {}
    for sample in family.samples:
        if len(kept) == most:
            break
        labels = sample.labels
        tidy = clean_of.get(labels)
        if tidy is None:
            tidy = clean_of[labels] = tuple((name, _foreign(text)) for name, text in labels)
        if tidy not in kept:
            kept[tidy] = sample if tidy == labels else Sample(sample.value, tidy)
    return replace(family, samples=tuple(kept.values()))


def _foreign(text: str) -> str:
    return shorten(clean(text), _LONGEST_LABEL)
