"""Opskit on a small disk of its own, that nobody else sees."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tests.conftest import Finished
from tests.fleet.repository import Repository

SMALL = "mount -t tmpfs -o size={},mode=700 small .opskit"


def on_disk(place: Repository, mount: str, command: Sequence[str]) -> Finished:
    """Run COMMAND with `.opskit` mounted by the shell command MOUNT, seen by this run only."""
    state = place.root / ".opskit"
    state.mkdir(mode=0o700, exist_ok=True)
    script = f"set -e; {mount}; exec {shlex.join(command)}"
    return place.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script])
