"""Whether opskit itself is cut off: told by things that have nothing to do with the services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from opskit.core.clock import Duration
from opskit.monitor.catalogue import Catalogue, Target
from opskit.monitor.model import Seen

CUT_OFF = "opskit itself is cut off"


@dataclass
class Gate:
    """References, what was last seen of each, and when that look began, by the monotonic clock.

    Without references it never says anything.
    """

    references: Sequence[Target] = ()
    needed: int = 1
    _seen: dict[str, tuple[Seen, Duration]] = field(default_factory=dict)

    @classmethod
    def of(cls, catalogue: Catalogue) -> Gate:
        """Return the gate that a catalogue asks for."""
        if catalogue.connectivity is None:
            return cls()
        probes = enumerate(catalogue.connectivity.probes)
        references = [Target(f"/{number}/{one.kind}", "", one) for number, one in probes]
        return cls(references, catalogue.connectivity.needed)

    def take(self, target: Target, seen: Seen, began: Duration) -> bool:
        """Note what was seen of a target if it is a reference; return whether it is one."""
        if target.service:
            return False
        self._seen[target.id] = (seen, began)
        return True

    @property
    def cut_off(self) -> bool:
        """Return whether fewer references answer than must, all having been looked at."""
        if not self.references or len(self._seen) < len(self.references):
            return False
        answering = sum(seen in {Seen.UP, Seen.DEGRADED} for seen, _ in self._seen.values())
        return answering < self.needed

    def knows(self, since: Duration) -> bool:
        """Return whether every reference was looked at by a look that began since then."""
        looked = (self._seen.get(one.id) for one in self.references)
        return all(one is not None and one[1] >= since for one in looked)
