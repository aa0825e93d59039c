"""The same incident in two systems: counted once where one of them links to the other. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from opskit.core.clock import DAY
from opskit.core.evidence import IncidentEvidence

Linked = tuple[IncidentEvidence, tuple[str, ...]]


def once(rows: Iterable[Linked]) -> tuple[IncidentEvidence, ...]:
    """Return incidents, one that links to just one other of the same day told with that.

    The one that is linked to is kept, as what people write of it comes later. It tells both as its
    source, and that users felt it where either says so. What begins a day apart, as an issue that
    recalls an older incident does, is another.
    """
    every = tuple(rows)
    found = {one.name: one for one, _ in every}
    for one, names in every:
        other = found.get(names[0]) if len(names) == 1 else None
        if other is None or abs(one.started_at - other.started_at) > DAY:
            continue
        del found[one.name]
        found[other.name] = _both(other, one)
    return tuple(found[one.name] for one, _ in every if one.name in found)


def _both(kept: IncidentEvidence, other: IncidentEvidence) -> IncidentEvidence:
    sources = dict.fromkeys((*kept.source.split(" and "), other.source))
    return replace(
        kept,
        service=kept.service or other.service,
        team=kept.team or other.team,
        cause=kept.cause or other.cause,
        visible=kept.visible or other.visible,
        source=" and ".join(sources),
        refs=tuple(sorted({*kept.refs, *other.refs})),
    )
