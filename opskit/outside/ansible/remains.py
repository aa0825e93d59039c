"""What a run leaves behind, running or on the disk, and how that is ended."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil

from opskit.outside.process import descendants, end_all

# Every process of a run carries its directory in its environment.
MARK = "OPSKIT_RUN_DIRECTORY"
# A process may start another while it is being ended; one that starts them faster is no Ansible.
_SWEEPS = 5


def end(directory: Path, *, grace: float = 0.0) -> set[psutil.Process]:
    """End every process of a run but the caller, and return them."""
    ended: set[psutil.Process] = set()
    for _ in range(_SWEEPS):
        left = _processes(directory)
        if not left:
            break
        end_all(left, grace=grace)
        ended |= left
    return ended


def clear(directory: Path) -> None:
    """Leave nothing of a run's directory but the callback's redacted lines."""
    for entry in [*directory.iterdir()] if directory.is_dir() else ():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != "events.jsonl":
            entry.unlink(missing_ok=True)


def _processes(directory: Path) -> set[psutil.Process]:
    """Return the processes of a run and all they started, also those that left its tree.

    A process number alone could belong to somebody else by now, and a module goes on without the
    parent it lost: what a process of the run cannot lose is its environment.
    """
    found: set[psutil.Process] = set()
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(directory):
                found |= {process, *descendants(process.pid)}
        except (psutil.Error, OSError):
            continue  # somebody else's, or gone
    return {process for process in found if process.pid != os.getpid()}
