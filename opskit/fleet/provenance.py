"""What a run's result depends on, taken down before it starts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from opskit.core.change import keyed_hash
from opskit.core.text import shorten
from opskit.fleet.model import Provenance
from opskit.fleet.workplace import Request, Workplace
from opskit.outside.git import commit_of

# Beside an inventory file Ansible reads these as well.
BESIDE = ("group_vars", "host_vars")
NOT_CONTENT = frozenset({"__pycache__", ".git", ".opskit"})
# Enough to recognize a batch by; which hosts a run had is written with its end.
_LIMIT = 200


def provenance(place: Workplace, request: Request, key: bytes) -> Provenance:
    """Return the commit, the standard, the inventory and the settings a run starts from.

    Variables are hashed with `key`: nobody shall test guesses of a secret against the result.
    """
    sources = [
        path
        for source in request.inventory
        for path in (source, *(source.parent / name for name in BESIDE if source.is_file()))
    ]
    return Provenance(
        standard=_shown(request.playbook, place.root),
        policy_commit=commit_of(place.root, place.environment),
        inventory_hash=_content_hash(sources),
        limit=request.limit or shorten(",".join(request.hosts), _LIMIT),
        tags=request.tags,
        opskit_version=version("opskit"),
        ansible_version=version("ansible-core"),
        standard_hash=_content_hash([request.playbook.parent]),
        config_hash=_settings_hash(place, request, key),
    )


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _settings_hash(place: Workplace, request: Request, key: bytes) -> str:
    """Return one hash of what else decides what Ansible does."""
    own = place.root / "ansible.cfg"
    material = {
        "ansible.cfg": own.read_text(encoding="utf-8", errors="replace") if own.is_file() else "",
        "environment": {k: v for k, v in place.environment.items() if k.startswith("ANSIBLE_")},
        "variables": dict(request.variables or {}),
        "ansible": version("ansible-core"),
    }
    return keyed_hash(key, json.dumps(material, sort_keys=True, default=str))[:16]


def _content_hash(sources: Iterable[Path]) -> str:
    """Return one hash of the names and contents of files and all below directories."""
    digest = hashlib.sha256()
    for source in sources:
        for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if path.is_file() and not NOT_CONTENT.intersection(path.parts):
                name = path.relative_to(source) if path != source else path.name
                digest.update(f"{name}\0".encode("utf-8", "surrogateescape"))
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
