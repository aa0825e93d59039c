"""What a kind of probe is: its settings, and how it looks.

There are two ways. A `TransferKind` asks for transfers one after another, which libcurl runs many
at a time; a `LookKind` does its own talking, in a thread of a bounded pool. Both end in a `Sight`
within the timeout of their settings, and neither remembers anything between two tries.

A package of yours may bring more: an entry point in the group `opskit.probes` that names a `Kind`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias

from opskit.core.clock import NOTHING, Clock, Duration, Instant
from opskit.monitor.model import Seen
from opskit.monitor.settings import ProbeSettings
from opskit.outside.transfer import Phases, TransferRequest, TransferResult


class Fact(NamedTuple):
    """A number that a try came upon: a metric's name, its value, its labels as pairs."""

    name: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sight:
    """What one try saw: up, degraded, down or unknown, never suspect; and what it learnt.

    A reason says why it is not up. It holds no number that differs from try to try: what says the
    same is kept as one.
    """

    seen: Seen
    reason: str = ""
    took: Duration = NOTHING
    phases: Phases | None = None
    facts: tuple[Fact, ...] = ()


class Beats(Protocol):
    """What called in."""

    def last(self, name: str) -> tuple[Instant, str] | None:
        """Return when a heartbeat last called in, and with what (`ok`, `fail`, `start`)."""
        ...

    def ended(self, name: str) -> tuple[Instant, str] | None:
        """Return when it last called in with an end (`ok`, `fail`), and with which."""
        ...


class HostFacts(Protocol):
    """What the last fleet check learnt of the hosts.

    The facts are those of Ansible's `setup`, under their full names, as far as they were gathered:
    `ansible_mounts` (a list of `mount`, `device`, `fstype`, `size_total`, `size_available`,
    `inode_total`, `inode_available`), `ansible_memtotal_mb`, `ansible_memory_mb` (its
    `nocache.free`) or `ansible_memfree_mb`, `ansible_loadavg` (`1m`, `5m`, `15m`),
    `ansible_processor_vcpus`, `ansible_uptime_seconds`; and under `opskit_posture` what the
    standard's module of that name found (its `certificates.items`: `path`, `not_after`).
    """

    def of(self, host: str) -> tuple[Instant, Mapping[str, Any]] | None:
        """Return when a host's facts were gathered, and the facts."""
        ...


@dataclass(frozen=True)
class Around:
    """What a look may use besides the network. Relative paths in settings start at `root`."""

    root: Path
    clock: Clock
    environment: Mapping[str, str]
    beats: Beats | None = None
    facts: HostFacts | None = None


Steps: TypeAlias = Generator[TransferRequest, TransferResult, Sight]


@dataclass(frozen=True, slots=True)
class TransferKind:
    """Looks by transfers: `steps(settings, around)` yields each and is sent what came of it."""

    settings: type[ProbeSettings]
    steps: Callable[[Any, Around], Steps]


@dataclass(frozen=True, slots=True)
class LookKind:
    """Looks by itself: `look(settings, around)` returns within the timeout of the settings."""

    settings: type[ProbeSettings]
    look: Callable[[Any, Around], Sight]


Kind: TypeAlias = TransferKind | LookKind
