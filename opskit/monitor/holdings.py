"""What facts of Ansible say of a host, as figures by node_exporter's meaning. Pure.

Facts come from hosts: any part may be missing or of another shape, and is then not known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opskit.core.clock import Instant, from_datetime

_MEGABYTE = 1024 * 1024
# File systems in memory or without room of their own say nothing of a disk.
_NO_DISK = frozenset({"tmpfs", "devtmpfs", "squashfs", "overlay", "iso9660", "ramfs", "autofs"})
_MOST = 200


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system: bytes and inodes, in all and left."""

    mount: str
    device: str
    fstype: str
    size: float
    available: float
    files: float | None
    files_free: float | None

    @property
    def used(self) -> float:
        """Return the share that is not available."""
        return 1 - self.available / self.size

    @property
    def files_used(self) -> float:
        """Return the share of inodes that are taken; none where there is no limit to them."""
        if not self.files or self.files_free is None:
            return 0.0
        return 1 - self.files_free / self.files


@dataclass(frozen=True, slots=True)
class Holdings:
    """What is known of a host: None or empty is not known."""

    disks: tuple[Disk, ...]
    memory: float | None
    memory_available: float | None
    load: tuple[tuple[str, float], ...]
    cpus: float | None
    uptime: float | None
    certificates: tuple[tuple[str, Instant], ...]

    @property
    def memory_used(self) -> float | None:
        """Return the share of memory in use, what can be freed at once not counted."""
        if not self.memory or self.memory_available is None:
            return None
        return 1 - self.memory_available / self.memory

    @property
    def load_per_cpu(self) -> float | None:
        """Return the load over 15 minutes by CPU."""
        load = dict(self.load).get("15m")
        return None if load is None or not self.cpus else load / self.cpus


def held(facts: Mapping[str, Any], mounts: tuple[str, ...]) -> Holdings:
    """Return the figures in a host's facts; of file systems those named, or all on disks."""
    total = _number(facts.get("ansible_memtotal_mb"))
    free = _number(_at(facts, "ansible_memory_mb", "nocache", "free"))
    free = _number(facts.get("ansible_memfree_mb")) if free is None else free
    loads = ((span, _number(_at(facts, "ansible_loadavg", span))) for span in ("1m", "5m", "15m"))
    return Holdings(
        disks=tuple(_disks(facts.get("ansible_mounts"), mounts)),
        memory=None if total is None else total * _MEGABYTE,
        memory_available=None if free is None else free * _MEGABYTE,
        load=tuple((span, load) for span, load in loads if load is not None),
        cpus=_number(facts.get("ansible_processor_vcpus")),
        uptime=_number(facts.get("ansible_uptime_seconds")),
        certificates=tuple(_certificates(facts)),
    )


def _disks(found: object, mounts: tuple[str, ...]) -> Iterator[Disk]:
    seen: set[str] = set()
    for one in _items(found):
        mount, fstype = str(one.get("mount", "")), str(one.get("fstype", ""))
        size, available = _number(one.get("size_total")), _number(one.get("size_available"))
        counts = mount in mounts if mounts else fstype not in _NO_DISK
        if counts and size and available is not None and mount not in seen:
            seen.add(mount)
            files, free = _number(one.get("inode_total")), _number(one.get("inode_available"))
            device = str(one.get("device", ""))
            yield Disk(mount, device, fstype, size, available, files, free)


def _certificates(facts: Mapping[str, Any]) -> Iterator[tuple[str, Instant]]:
    for one in _items(_at(facts, "opskit_posture", "certificates", "items")):
        try:
            moment = datetime.fromisoformat(str(one.get("not_after")))
            yield (
                str(one.get("path", "")),
                from_datetime(moment.replace(tzinfo=moment.tzinfo or UTC)),
            )
        except (ValueError, OverflowError):
            continue  # what cannot be read is told by the fleet check


def _items(found: object) -> Sequence[Mapping[str, Any]]:
    whole = found if isinstance(found, list) else []
    return [one for one in whole if isinstance(one, dict)][:_MOST]


def _at(found: object, *keys: str) -> object:
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _number(value: object) -> float | None:
    """Return a figure; Ansible may have made text of it on the way."""
    try:
        figure = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        return None
    return figure if math.isfinite(figure) and figure >= 0 else None
