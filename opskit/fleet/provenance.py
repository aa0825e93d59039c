"""What a run's result depends on, taken down before it starts."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

from opskit.fleet.model import Provenance
from opskit.fleet.workplace import Request, Workplace
from opskit.outside.git import commit_of


def provenance(place: Workplace, request: Request) -> Provenance:
    """Return the commit, the inventory and the versions a run starts from."""
    return Provenance(
        standard=_shown(request.playbook, place.root),
        policy_commit=commit_of(place.root, place.environment),
        inventory_hash=_inventory_hash(request.inventory),
        limit=request.limit,
        tags=request.tags,
        opskit_version=version("opskit"),
        ansible_version=version("ansible-core"),
    )


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _inventory_hash(inventory: tuple[Path, ...]) -> str:
    digest = hashlib.sha256()
    for source in inventory:
        files = sorted(source.rglob("*")) if source.is_dir() else [source]
        for path in files:
            if path.is_file():
                digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
