"""Read the text of a standard, its inventory and its settings, to learn what they depend on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from opskit.fleet.dependence import Dependence, of_files, of_settings
from opskit.fleet.fingerprint import Standard
from opskit.fleet.provenance import BESIDE, NOT_CONTENT
from opskit.fleet.workplace import Request, Workplace

_LARGEST = 2_000_000
_COMPUTED = re.compile(rb"^plugin\s*:", re.MULTILINE)


def standard_of(place: Workplace, request: Request) -> Standard:
    """Return what the standard, the inventory and the settings depend on."""
    directory = request.playbook.parent
    own, around = list(_files(directory)), list(_inventory(request.inventory))
    depends = of_files((str(path.relative_to(directory)), text) for path, text in own)
    depends |= _settings(place) | _links([directory, *request.inventory])
    depends |= _computed(around)
    texts = (text.decode("utf-8", "replace") for _, text in (*own, *around))
    return Standard(depends, "\n".join(texts), str(directory), str(place.root))


def _files(directory: Path) -> Iterator[tuple[Path, bytes]]:
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not NOT_CONTENT.intersection(path.parts):
            # What is too large to be read is taken for no text, and so for a reason to doubt.
            small = path.stat().st_size <= _LARGEST
            yield path, path.read_bytes() if small else b"\xff"


def _inventory(sources: Iterable[Path]) -> Iterator[tuple[Path, bytes]]:
    for source in sources:
        if source.is_dir():
            yield from _files(source)
            continue
        yield source, source.read_bytes()
        for name in BESIDE:
            yield from _files(source.parent / name)


def _settings(place: Workplace) -> Dependence:
    path = place.root / "ansible.cfg"
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    names = [name for name in place.environment if name.startswith("ANSIBLE_")]
    home = place.environment.get("ANSIBLE_HOME") or f"{place.environment.get('HOME', '')}/.ansible"
    everywhere = (Path(home, "plugins"), Path("/usr/share/ansible/plugins"))
    plugins = [path for where in everywhere for path in where.rglob("*.py")]
    own = frozenset({"plugins of its own"}) if plugins else frozenset()
    return of_settings(text, names) | Dependence(reasons=own)


def _links(directories: Iterable[Path]) -> Dependence:
    """Say where the hash of a directory does not follow, and Ansible does."""
    below = (path for directory in directories for path in directory.rglob("*"))
    linked = [path.name for path in below if path.is_symlink() and path.is_dir()]
    return Dependence(reasons=frozenset(f"the linked directory {name}" for name in linked))


def _computed(files: Iterable[tuple[Path, bytes]]) -> Dependence:
    """Say which inventories are programs, or ask somewhere else for their hosts."""
    reasons = {
        f"the computed inventory {path.name}"
        for path, text in files
        if os.access(path, os.X_OK) or _COMPUTED.search(text)
    }
    return Dependence(reasons=frozenset(reasons))
