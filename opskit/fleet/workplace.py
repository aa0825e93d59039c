"""What a run is given: the world around it, and what to run against which hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from opskit.core.clock import Clock
from opskit.core.transcript import Strategy
from opskit.outside.database import Database
from opskit.records.leases import Leases
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox


@dataclass(frozen=True)
class Workplace:
    """What a run needs of the world around it."""

    database: Database
    ledger: Ledger
    leases: Leases
    clock: Clock
    environment: Mapping[str, str]
    root: Path
    state_directory: Path
    outbox: Outbox
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """What to run against which hosts: those of `hosts`, else those of the pattern `limit`.

    `strategy` is how a check may look; changes are always made in Ansible's own way.
    """

    playbook: Path
    inventory: tuple[Path, ...]
    limit: str = ""
    hosts: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    forks: int = 0
    variables: Mapping[str, object] | None = None
    force_handlers: bool = False
    strategy: Strategy = Strategy.PLAIN
