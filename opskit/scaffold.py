"""`opskit init`: lay out a working ops repository from what ships with opskit."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from opskit.core.errors import Refused
from opskit.outside.files import content_root, translated

_FOLDERS = ("playbooks", "alerts", "access", "inventory")
_FILES = ("opskit.yaml", "services.yaml", "assumptions.yaml", "desk.yaml")
_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", "callback")


def lay_out(directory: Path) -> tuple[Path, ...]:
    """Copy the shipped content into `directory`; return the files written, relative to it.

    Raises:
        Refused: one of the files is there already; nothing is written then.
    """
    source = content_root()
    present = [name for name in (*_FOLDERS, *_FILES) if (directory / name).exists()]
    if present:
        raise Refused(
            f"{directory} already has {', '.join(present)}",
            hint="opskit init writes over nothing; name a new directory",
        )
    with translated(directory):
        directory.mkdir(parents=True, exist_ok=True)
        for name in _FOLDERS:
            shutil.copytree(source / name, directory / name, ignore=_IGNORED)
        for name in _FILES:
            shutil.copyfile(source / name, directory / name)
        ignore = directory / ".gitignore"
        if not ignore.exists():
            ignore.write_text(".opskit/\n", encoding="utf-8")
    return tuple(_written(directory))


def _written(directory: Path) -> Iterator[Path]:
    for name in (*_FOLDERS, *_FILES):
        path = directory / name
        if path.is_file():
            yield path.relative_to(directory)
        for parent, folders, files in os.walk(path):
            folders.sort()
            yield from (Path(parent, file).relative_to(directory) for file in sorted(files))
