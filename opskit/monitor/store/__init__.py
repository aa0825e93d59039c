"""The monitor's tables: targets, spells of what was seen, seals and gaps, maintenance, numbers."""

from opskit.monitor.store import (
    beats,
    counts,
    forecasts,
    gaps,
    maintenance,
    samples,
    seals,
    spells,
    targets,
)

__all__ = [
    "beats",
    "counts",
    "forecasts",
    "gaps",
    "maintenance",
    "samples",
    "seals",
    "spells",
    "targets",
]
