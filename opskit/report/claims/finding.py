"""What the rules for misses and for decisions look at. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from opskit.report.ground import Ground
from opskit.report.model import Claim, Figure, Point, Restatement


@dataclass(frozen=True, slots=True)
class Found:
    """What is known once figures and claims are: evidence, figures by id, claims, restatements."""

    ground: Ground
    by_id: Mapping[str, Figure]
    claims: Sequence[Claim]
    restated: Sequence[Restatement]


Rule = Callable[[Found], Iterator[Point]]

NAMED = 3


def listed(names: Iterable[str]) -> str:
    """Return names in order, after a few only how many more there are."""
    every = sorted(set(names))
    more = len(every) - NAMED
    return ", ".join(every[:NAMED]) + (f" and {more} more" if more > 0 else "")
