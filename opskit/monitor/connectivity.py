"""Whether opskit itself is cut off: told by things that have nothing to do with the services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from opskit.monitor.catalogue import Catalogue, Target
from opskit.monitor.model import Seen

CUT_OFF = "opskit itself is cut off"


@dataclass
class Gate:
    """References and what was last seen of each. Without references it never says anything."""

    references: Sequence[Target] = ()
    needed: int = 1
    _seen: dict[str, Seen] = field(default_factory=dict)

    @classmethod
    def of(cls, catalogue: Catalogue) -> Gate:
        """Return the gate that a catalogue asks for."""
        if catalogue.connectivity is None:
            return cls()
        probes = enumerate(catalogue.connectivity.probes)
        references = [Target(f"/{number}/{one.kind}", "", one) for number, one in probes]
        return cls(references, catalogue.connectivity.needed)

    def take(self, target: Target, seen: Seen) -> bool:
        """Note what was seen of a target if it is a reference; return whether it is one."""
        if target.service:
            return False
        self._seen[target.id] = seen
        return True

    @property
    def cut_off(self) -> bool:
        """Return whether fewer references answer than must, all having been looked at."""
        if not self.references or len(self._seen) < len(self.references):
            return False
        answering = sum(seen in {Seen.UP, Seen.DEGRADED} for seen in self._seen.values())
        return answering < self.needed
