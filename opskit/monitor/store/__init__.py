"""The monitor's tables: targets and their state, spells of what was seen, seals and gaps."""

from opskit.monitor.store import gaps, seals, spells, targets

__all__ = ["gaps", "seals", "spells", "targets"]
