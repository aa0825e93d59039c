"""An alert in time: pending, firing, over. Pure.

The fingerprint is Alertmanager's, so that one alert has one name in both: FNV-1a of 64 bits over
the sorted labels (source: prometheus/common, `model.LabelsToSignature`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from opskit.core.clock import Instant

_OFFSET: Final = 14695981039346656037
_PRIME: Final = 1099511628211
_MASK: Final = 2**64 - 1
# What opskit's own rules found; other sources have the names of who sent it.
OWN: Final = ""


class State(StrEnum):
    """How an alert stands."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Firing:
    """One time that an alert was pending or fired.

    `since` is when its condition held first, `starts_at` when it began to fire, `missing_at` when
    the condition was first not there any more, of one that is kept firing; `ends_at` when it is
    over, for one from elsewhere perhaps in the future. `refs` are ledger entries about it.
    """

    id: int
    fingerprint: str
    source: str
    rule: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    value: float | None
    since: Instant
    starts_at: Instant | None
    missing_at: Instant | None = None
    ends_at: Instant | None = None
    refs: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Return the name of the alert."""
        return self.labels.get("alertname", "")

    @property
    def severity(self) -> str:
        """Return the label severity; empty where it has none."""
        return self.labels.get("severity", "")

    def state(self, now: Instant) -> State:
        """Return how it stands."""
        if self.ends_at is not None and self.ends_at <= now:
            return State.RESOLVED
        return State.PENDING if self.starts_at is None else State.FIRING


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return what tells an alert apart, 16 hexadecimal digits."""
    return _signature(tuple(sorted(labels.items())))


@lru_cache(65_536)
def _signature(pairs: tuple[tuple[str, str], ...]) -> str:
    found = _OFFSET
    for name, value in pairs:
        for byte in b"%b\xff%b\xff" % (name.encode(), value.encode()):
            found = ((found ^ byte) * _PRIME) & _MASK
    return f"{found:016x}"
