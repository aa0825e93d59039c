"""The time before opskit first watched a service, as an import tells of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import takewhile

from opskit.core.clock import Duration
from opskit.core.evidence import ServiceEvidence
from opskit.core.interval import Interval, Stretch, clip

NOT_IMPORTED = "no import tells of it"


def filled(
    own: Iterable[ServiceEvidence], brought: Iterable[ServiceEvidence], not_yet: str
) -> tuple[ServiceEvidence, ...]:
    """Return services with what was imported of the time before they were first watched.

    That time has `not_yet` as its reason. What opskit saw itself, or failed to see, stays.
    """
    known = {one.name: one for one in brought}
    return tuple(
        _filled(one, known[one.name], not_yet) if one.name in known else one for one in own
    )


def _filled(own: ServiceEvidence, brought: ServiceEvidence, not_yet: str) -> ServiceEvidence:
    lead = tuple(takewhile(lambda part: part.reason == not_yet, own.timeline))
    if not lead:
        return own
    window = Interval(lead[0].start, lead[-1].end)
    told = [one for one in clip(brought.timeline, window) if one.reason != NOT_IMPORTED]
    if not told:
        return own
    pieces: list[Stretch] = []
    at, end = window.start, own.timeline[-1].end
    for one in told:
        if at < one.start:
            pieces += clip(own.timeline, Interval(at, one.start))
        pieces.append(one)
        at = one.end
    if at < end:
        pieces += clip(own.timeline, Interval(at, end))
    return replace(
        own,
        timeline=tuple(pieces),
        edge=Duration(own.edge + brought.edge),
        refs=tuple(sorted({*own.refs, *brought.refs})),
    )
