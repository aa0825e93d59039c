"""Opskit on a small disk of its own, that nobody else sees."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence

from tests.conftest import Finished
from tests.fleet.repository import DEADLINE, Repository

SMALL = "mount -t tmpfs -o size={},mode=700 small .opskit"


def on_disk(place: Repository, mount: str, command: Sequence[str]) -> Finished:
    """Run COMMAND with `.opskit` mounted by the shell command MOUNT, seen by this run only."""
    state = place.root / ".opskit"
    state.mkdir(mode=0o700, exist_ok=True)
    script = f"set -e; cd {shlex.quote(str(place.root))}; {mount}; exec {shlex.join(command)}"
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
        env=dict(place.environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="backslashreplace",
        timeout=DEADLINE,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)
