"""The three claims that stand on the first page. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opskit.report.claims.candidate import Kind
from opskit.report.model import Claim, Standing, Tag

SHOWN = 3


def wins(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """Return at most three claims that stand: confirmed ones first, then by strength of evidence.

    None rests on an assumption, no two are of one kind while there are others, and none tells of
    figures that another one tells of.
    """
    standing = [
        one for one in claims if one.standing is Standing.MADE and one.tag is not Tag.ASSUMED
    ]
    ordered = sorted(standing, key=lambda one: (-len(one.confirmed_by), Kind(one.kind).priority))
    first = _one_of_each(ordered)
    rest = [one for one in ordered if one not in first]
    chosen: list[Claim] = []
    for one in (*first, *rest):
        told = {name for each in chosen for name in each.figures}
        if told.isdisjoint(one.figures):
            chosen.append(one)
    return tuple(chosen[:SHOWN])


def _one_of_each(claims: Iterable[Claim]) -> list[Claim]:
    seen: dict[str, Claim] = {}
    for one in claims:
        seen.setdefault(one.kind, one)
    return list(seen.values())
