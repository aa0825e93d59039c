"""Targets for Prometheus: hosts of the inventory, probes of the catalogue. Pure.

In the form of file_sd and http_sd: groups of addresses with labels. What opskit knows of them is
in `__meta_opskit_` labels, so that whoever scrapes decides which of it to keep.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from opskit.core.text import clean
from opskit.monitor.catalogue import Catalogue, Target

_ADDRESS = re.compile(r"[A-Za-z0-9_.-]{1,253}|[0-9a-fA-F:.]{2,45}")
_CREDENTIALS = re.compile(r"://[^/?#]*@")
_MODULES = {"http": "http_2xx", "tcp": "tcp_connect", "icmp": "icmp"}


class TargetGroup(NamedTuple):
    """Addresses that share labels."""

    targets: tuple[str, ...]
    labels: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return the group as file_sd and http_sd have it."""
        return {"targets": list(self.targets), "labels": dict(self.labels)}


def of_inventory(listing: Mapping[str, Any], port: int) -> tuple[TargetGroup, ...]:
    """Return the hosts that `ansible-inventory --list` names, each at `port`."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name, group in listing.items():
        for host in group.get("hosts", ()) if name != "_meta" else ():
            groups[host].append(name)
    variables = listing.get("_meta", {}).get("hostvars", {})
    return tuple(
        _host(host, sorted(groups[host]), variables.get(host, {}), port) for host in sorted(groups)
    )


def _host(host: str, groups: list[str], variables: Mapping[str, Any], port: int) -> TargetGroup:
    here = "127.0.0.1" if variables.get("ansible_connection") == "local" else host
    address = str(variables.get("ansible_host", here))
    if not _ADDRESS.fullmatch(address):
        address = host  # a template, which only Ansible can fill in
    bracketed = f"[{address}]" if ":" in address else address
    labels = {
        "__meta_opskit_source": "inventory",
        "__meta_opskit_host": clean(host),
        "__meta_opskit_groups": clean(f",{','.join(groups)},"),
    }
    return TargetGroup((f"{clean(bracketed)}:{port}",), labels)


def of_catalogue(catalogue: Catalogue) -> tuple[TargetGroup, ...]:
    """Return what /probe can look at, each with the module to look with."""
    return tuple(_probes(catalogue))


def _probes(catalogue: Catalogue) -> Iterator[TargetGroup]:
    for target in catalogue.targets():
        place = _place(target)
        if not place or _CREDENTIALS.search(place):
            continue  # it has no address, or one that holds a password
        service = catalogue.services[target.service]
        labels = {
            "__meta_opskit_source": "catalogue",
            "__meta_opskit_module": _MODULES[target.probe.kind],
            "__meta_opskit_service": target.service,
            "__meta_opskit_target": target.id,
            "__meta_opskit_owner": clean(service.owner),
        }
        yield TargetGroup((clean(place),), labels)


def _place(target: Target) -> str:
    if target.probe.kind not in _MODULES:
        return ""
    names = ("url", "address", "host")
    return next((found for name in names if (found := getattr(target.probe, name, ""))), "")
