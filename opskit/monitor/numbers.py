"""Which of the numbers that looks come upon are kept, and the keeping.

They are few: what forecasts are made of and the page shows. A metric has one sample in five
minutes, stamped with the five minutes' begin, so that a look again or a restart adds none.
"""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from opskit.core.clock import DAY, MINUTE, Instant
from opskit.monitor.kinds import Fact
from opskit.monitor.store import samples
from opskit.monitor.store.samples import Metric
from opskit.outside.database import Database

EVERY = 5 * MINUTE
KEPT = 40 * DAY
# What one look may have kept; a page has thousands of series, and a service a few that matter.
_MOST = 200
# While the database cannot be written: beyond that the newest are let go.
_MOST_WAITING = 100_000

DISK, INODES, MEMORY = "disk_used_ratio", "inode_used_ratio", "memory_used_ratio"
CERTIFICATE = "certificate_expiry_timestamp_seconds"
DOMAIN = "domain_expiry_timestamp_seconds"
# As a page that is scraped names it: an exporter of a license server, or a textfile.
LICENSE = "license_expiry_timestamp_seconds"
BEAT, BEAT_DUE = "heartbeat_last_timestamp_seconds", "heartbeat_due_timestamp_seconds"

# Instants that stay what they are for days: when one was seen first and last says all.
_STEADY = frozenset({CERTIFICATE, DOMAIN, LICENSE, BEAT, BEAT_DUE})

_RENAMED = {
    "probe_ssl_earliest_cert_expiry": CERTIFICATE,
    "probe_ssl_last_chain_expiry_timestamp_seconds": CERTIFICATE,
    "opskit_host_certificate_expiry_timestamp_seconds": CERTIFICATE,
    "opskit_probe_domain_expiry_timestamp_seconds": DOMAIN,
    "opskit_probe_heartbeat_last_timestamp_seconds": BEAT,
    "opskit_probe_heartbeat_due_timestamp_seconds": BEAT_DUE,
    "opskit_probe_query_value": "query_value",
    "opskit_probe_performance": "performance",
}
# What is left and what there is of it, as node_exporter and the facts of hosts name them.
_SHARES = {
    "filesystem_avail_bytes": ("filesystem_size_bytes", DISK),
    "filesystem_files_free": ("filesystem_files", INODES),
    "memory_MemAvailable_bytes": ("memory_MemTotal_bytes", MEMORY),
}
_WHOLES = frozenset(whole for whole, _ in _SHARES.values())
_PREFIXES = ("node_", "opskit_host_")
_NO_DISKS = frozenset({"tmpfs", "devtmpfs", "ramfs", "overlay", "squashfs", "iso9660", "efivarfs"})
_OF_THE_DEVICE = frozenset({"device", "fstype"})


def kept(kind: str, target: str, facts: Sequence[Fact]) -> dict[Metric, float]:
    """Return the numbers to keep of what a probe of some kind came upon.

    Of a scrape that is every series it was asked for; of what is left of a disk, of inodes and of
    memory the share in use, whoever told it.
    """
    found: dict[Metric, float] = {}
    everything = kind == "scrape"
    for name, value, labels in (*_shares(facts), *_named(facts, everything=everything)):
        if math.isfinite(value) and len(found) < _MOST:
            found[Metric(target, name, tuple(sorted(labels)))] = value
    return found


def _named(facts: Iterable[Fact], *, everything: bool) -> Iterator[Fact]:
    for fact in facts:
        if fact.name in _RENAMED:
            yield fact._replace(name=_RENAMED[fact.name])
        elif everything and _bare(fact.name) not in _SHARES.keys() | _WHOLES:
            yield fact


def _bare(name: str) -> str:
    return next((name.removeprefix(one) for one in _PREFIXES if name.startswith(one)), name)


def _shares(facts: Iterable[Fact]) -> Iterator[Fact]:
    by_name = {(_bare(fact.name), fact.labels): fact.value for fact in facts}
    for (name, labels), free in by_name.items():
        if name not in _SHARES or dict(labels).get("fstype") in _NO_DISKS:
            continue
        whole_name, share = _SHARES[name]
        whole = by_name.get((whole_name, labels), 0.0)
        if whole > 0:
            own = tuple(pair for pair in labels if pair[0] not in _OF_THE_DEVICE)
            yield Fact(share, 1 - free / whole, own)


class Numbers:
    """Takes numbers from the thread that looks; the thread that writes has them written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._slots: dict[str, int] = {}
        self._waiting: dict[int, dict[Metric, float]] = defaultdict(dict)
        self._lock = threading.Lock()
        self._pruned: Instant | None = None

    def take(self, target: str, kind: str, at: Instant, facts: Sequence[Fact]) -> None:
        """Take what a look came upon, if it is the first of its five minutes to tell anything."""
        slot = at - at % EVERY
        if not facts or self._slots.get(target) == slot:
            return
        if picked := kept(kind, target, facts):
            self._slots[target] = slot
            with self._lock:
                if sum(map(len, self._waiting.values())) < _MOST_WAITING:
                    self._waiting[slot].update(picked)

    def flush(self, now: Instant) -> int:
        """Write what was taken, and once a day forget what is old; return how much was written.

        What cannot be written now stays, and the error is raised.
        """
        with self._lock:
            batch: Mapping[int, Mapping[Metric, float]] = {
                slot: dict(values) for slot, values in self._waiting.items()
            }
        due = self._pruned is None or not 0 <= now - self._pruned < DAY
        if not batch and not due:
            return 0
        with self._database.write() as connection:
            for slot, values in sorted(batch.items()):
                samples.insert(connection, Instant(slot), values, _STEADY)
            if due:
                samples.forget(connection, Instant(now - KEPT))
        self._pruned = now if due else self._pruned
        with self._lock:
            for slot, values in batch.items():
                self._forget(slot, values)
        return sum(map(len, batch.values()))

    def _forget(self, slot: int, written: Mapping[Metric, float]) -> None:
        left = self._waiting.pop(slot, {})
        if rest := {metric: value for metric, value in left.items() if metric not in written}:
            self._waiting[slot] = rest
