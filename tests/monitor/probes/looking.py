"""One look of a probe, as the prober makes it: settings read from a catalogue, then a `Sight`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from opskit.core.clock import Clock, Instant, SystemClock
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.kinds import Around, Sight
from opskit.monitor.looks import Looks
from opskit.monitor.settings import ProbeSettings

PATIENCE = {"timeout": "20s", "confirm_after": "100ms", "interval": "5m"}
IMPATIENCE = {"timeout": "300ms", "confirm_after": "100ms"}


@dataclass(frozen=True)
class Diary:
    """What called in, and when; facts of hosts, and from when."""

    calls: Mapping[str, tuple[Instant, str]] = field(default_factory=dict)
    ends: Mapping[str, tuple[Instant, str]] = field(default_factory=dict)
    hosts: Mapping[str, tuple[Instant, Mapping[str, Any]]] = field(default_factory=dict)

    def last(self, name: str) -> tuple[Instant, str] | None:
        return self.calls.get(name)

    def ended(self, name: str) -> tuple[Instant, str] | None:
        return self.ends.get(name)

    def of(self, host: str) -> tuple[Instant, Mapping[str, Any]] | None:
        return self.hosts.get(host)


def around(root: Path, diary: Diary | None = None, clock: Clock | None = None) -> Around:
    """Return what a look may use, in a directory of its own."""
    told = diary or Diary()
    path = {"PATH": os.environ["PATH"]}
    return Around(root, clock or SystemClock(), path, beats=told, facts=told)


def probe(settings: Mapping[str, Any]) -> ProbeSettings:
    """Return the settings of a probe as they are read from a file."""
    whole = {"services": {"shop": {"owner": "web", "probes": [{**PATIENCE, **settings}]}}}
    known = Catalogue.model_validate_json(json.dumps(whole), strict=True)
    return known.services["shop"].probes[0]


def look(settings: Mapping[str, Any], near: Around) -> Sight:
    """Return what one try of a probe sees."""
    looks: Looks[str] = Looks(near)
    try:
        looks.start("only", probe(settings))
        while True:
            for ended in looks.poll(0.5):
                return ended.sight
    finally:
        looks.close()


def at(near: Around, **changes: Any) -> Around:
    """Return the same surroundings with a change."""
    return replace(near, **changes)
