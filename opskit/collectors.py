"""What the metrics page is made of: parts of slices, each read by itself, and opskit itself.

A part that cannot be read leaves the others as they are: its slice says `opskit_<slice>_up 0`. What
takes long to read is shown again for a while; when it was read last is on the page too.
"""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from opskit import __version__
from opskit.core.clock import NOTHING, SECOND, Clock, Duration, Instant
from opskit.core.errors import OpskitError
from opskit.core.metrics import Family, Labels, counter, gauge, one, tidied
from opskit.monitor.pulse import Pulse


@dataclass(frozen=True, slots=True)
class Part:
    """Something that a slice can show, and for how long what was read may be shown again."""

    slice: str
    name: str
    read: Callable[[], Iterable[Family]]
    keep: Duration = NOTHING

    @property
    def labels(self) -> Labels:
        """Return what tells it apart on the page."""
        return (("collector", f"{self.slice}/{self.name}"),)


@dataclass(frozen=True, slots=True)
class _Read:
    """What came of reading a part; `at` by the monotonic clock, `fault` is why it failed."""

    part: Part
    families: tuple[Family, ...]
    at: int
    stamp: Instant
    took: int
    fault: str = ""


class Gatherer:
    """Reads the parts when they are asked for, and keeps what may be kept."""

    def __init__(self, parts: Sequence[Part], clock: Clock, most: int) -> None:
        self._parts = parts
        self._clock = clock
        self._most = most
        self._last: dict[Part, _Read] = {}
        self._succeeded: dict[str, Instant] = {}
        self._names: dict[Part, frozenset[str]] = {}
        self._lock = threading.Lock()

    def families(self, pulse: Pulse | None = None) -> tuple[Family, ...]:
        """Return all that can be shown now."""
        with self._lock:
            found = [self._read(part) for part in self._parts]
            shown = [family for each in found for family in each.families]
            own = (*itself(pulse), *self._about(found))
            return tidied((*shown, *own), self._most)

    def hides(self, metric: str) -> bool:
        """Return whether a metric may be missing only because its part could not be read.

        Of a part that was never read nobody knows what it would show: all that no other shows.
        """
        with self._lock:
            failed = {part for part, read in self._last.items() if read.fault}
            names = self._names.items()
            if any(metric in own for part, own in names if part not in failed):
                return False
            return any(part not in self._names or metric in self._names[part] for part in failed)

    @property
    def faults(self) -> tuple[str, ...]:
        """Return why parts could not be read the last time."""
        failed = (read for read in self._last.values() if read.fault)
        return tuple(f"{read.part.slice}/{read.part.name}: {read.fault}" for read in failed)

    def _read(self, part: Part) -> _Read:
        last = self._last.get(part)
        if last and not last.fault and self._clock.monotonic() - last.at < part.keep:
            return last
        began = self._clock.monotonic()
        try:
            families, fault = tuple(part.read()), ""
        except OpskitError as error:
            families, fault = (), error.message
        except Exception as error:  # noqa: BLE001  # one slice's mistake must not hide the others
            families, fault = (), f"a bug in opskit: {type(error).__name__}: {error}"
        ended, stamp = self._clock.monotonic(), self._clock.now()
        self._last[part] = _Read(part, families, ended, stamp, ended - began, fault)
        if not fault:
            self._names[part] = frozenset(one.name for one in families)
        return self._last[part]

    def _about(self, found: Sequence[_Read]) -> Iterator[Family]:
        for name in dict.fromkeys(read.part.slice for read in found):
            own = [read for read in found if read.part.slice == name]
            well = not any(read.fault for read in own)
            if well:
                # As old as the oldest of what is shown.
                self._succeeded[name] = min(read.stamp for read in own)
            at = self._succeeded.get(name)
            says = "Whether all of this slice could be read for this page."
            yield gauge(f"opskit_{name}_up", says, one(float(well)))
            says = "When the oldest part of this slice that is shown was read; parts that take long"
            says += " are kept for a minute or more."
            seconds = None if at is None else at / SECOND
            yield gauge(f"opskit_{name}_last_success_timestamp_seconds", says, one(seconds))
        says = "How long it took to read a part of this page, the last time it was read."
        took = ((read.took / SECOND, read.part.labels) for read in found)
        yield gauge("opskit_collector_duration_seconds", says, took)


def itself(pulse: Pulse | None) -> Iterator[Family]:
    """Yield what opskit says of itself; of its looks only where somebody runs them."""
    version = one(1, version=__version__, python=platform.python_version())
    yield gauge("opskit_build_info", "Which opskit this is.", version)
    if pulse is None:
        return
    since = one(pulse.started_at / SECOND)
    yield gauge("opskit_start_timestamp_seconds", "When this opskit began.", since)
    for name, says, value in (
        ("opskit_looks_total", "Tries of probes that ended.", pulse.looks),
        ("opskit_looks_late_total", "Tries that opskit was too late for to tell.", pulse.late),
        (
            "opskit_look_start_lateness_seconds_total",
            "How much later than due tries began, all together.",
            pulse.lateness / SECOND,
        ),
        (
            "opskit_writer_forgotten_total",
            "Observations that could not be written and no longer fitted into memory.",
            pulse.forgotten,
        ),
    ):
        yield counter(name, says, one(value))
    for name, says, number in (
        ("opskit_looks_in_flight", "Tries of probes under way.", pulse.in_flight),
        ("opskit_writer_backlog", "Observations seen and not written yet.", pulse.waiting),
        ("opskit_writer_up", "Whether the last try to write observations worked.", pulse.writing),
    ):
        yield gauge(name, says, one(float(number)))
