"""What can be measured now, as metric families: what slices give and the exporter shows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Labels = tuple[tuple[str, str], ...]


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
