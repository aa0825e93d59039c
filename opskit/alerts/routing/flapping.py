"""Whether an alert comes and goes too often to be told each time. Pure.

Source: Nagios Core documentation, "Detection and Handling of State Flapping": of the last 21
looks the 20 changes are weighted from 0.75 for the oldest to 1.25 for the newest; what flaps does
so until it falls below a lower threshold.
"""

from __future__ import annotations

from collections.abc import Mapping, Set as AbstractSet
from dataclasses import dataclass
from fractions import Fraction

from opskit.alerts.routing.settings import FlappingSettings

LOOKS = 21
_CHANGES = LOOKS - 1
_WEIGHTS = tuple(Fraction(3, 4) + Fraction(index, 2 * (_CHANGES - 1)) for index in range(_CHANGES))
_WHOLE = sum(_WEIGHTS)


@dataclass(frozen=True, slots=True)
class Steadiness:
    """What the last looks at an alert saw, oldest first, and whether it flaps."""

    looks: tuple[bool, ...] = ()
    flaps: bool = False

    @property
    def percent(self) -> int:
        """Return the weighted share of changes; looks that were not made changed nothing."""
        missing = LOOKS - len(self.looks)
        seen = zip(self.looks, self.looks[1:], strict=False)
        changed = (
            weight
            for weight, (one, two) in zip(_WEIGHTS[missing:], seen, strict=False)
            if one != two
        )
        return int(100 * sum(changed, Fraction(0)) / _WHOLE)

    def looked(self, fires: bool, start: int, stop: int) -> Steadiness:
        """Return it after one more look; it flaps from `start` percent on, until below `stop`."""
        after = Steadiness((*self.looks, fires)[-LOOKS:], self.flaps)
        bound = stop if self.flaps else start
        return Steadiness(after.looks, after.percent >= bound)


def steadied(
    before: Mapping[str, Steadiness], firing: AbstractSet[str], settings: FlappingSettings
) -> Mapping[str, Steadiness]:
    """Return how steady alerts are after one more look; what did not fire for long is left out."""
    looked = {
        name: before.get(name, _NEW).looked(name in firing, settings.start, settings.stop)
        for name in before.keys() | firing
    }
    return {name: one for name, one in looked.items() if any(one.looks)}


_NEW = Steadiness()
