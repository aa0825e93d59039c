"""What fleet checks learnt of hosts, in the words in which probes ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opskit.core.clock import Instant
from opskit.fleet.posture import Posture
from opskit.fleet.store import exposures
from opskit.outside.database import Database

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class FleetFacts:
    """The facts that the standard's `opskit_posture` read in the last full check of each host."""

    database: Database

    def of(self, host: str) -> tuple[Instant, Mapping[str, Any]] | None:
        """Return when a host's facts were read, and the facts; nothing of one never checked."""
        with self.database.read() as connection:
            known = [one for one in exposures.all_known(connection) if one.host == host]
        return (known[0].at, as_ansible_facts(known[0])) if known else None


def as_ansible_facts(posture: Posture) -> dict[str, Any]:
    """Return a posture under the names of Ansible's own facts; what was not told is not there."""
    facts: dict[str, Any] = {"opskit_posture": posture.facts}
    system = posture.part("system")
    if system is None:
        return facts
    facts["ansible_mounts"] = system.get("mounts", [])
    facts["ansible_processor_vcpus"] = system.get("cpus")
    facts["ansible_uptime_seconds"] = system.get("uptime_seconds")
    load = system.get("load")
    if isinstance(load, list) and len(load) == 3:
        facts["ansible_loadavg"] = dict(zip(("1m", "5m", "15m"), load, strict=True))
    total, available = system.get("memory_total"), system.get("memory_available")
    if isinstance(total, int) and isinstance(available, int):
        facts["ansible_memtotal_mb"] = total / _MEGABYTE
        facts["ansible_memory_mb"] = {"nocache": {"free": available / _MEGABYTE}}
    return facts
