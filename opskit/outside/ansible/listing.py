"""What hosts an inventory has, as Ansible itself reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opskit.core.errors import OutsideError
from opskit.outside.ansible.door import environment, find_program
from opskit.outside.process import run

_SECONDS = 120


def listing(
    inventory: tuple[Path, ...], project: Path, caller: Mapping[str, str]
) -> Mapping[str, Any]:
    """Return what `ansible-inventory --list` says.

    Raises:
        OutsideError: it cannot read the inventory.
    """
    sources = [part for path in inventory for part in ("-i", str(path))]
    done = run(
        [find_program("ansible-inventory"), *sources, "--list"],
        timeout=_SECONDS,
        environment=environment(project, caller),
        directory=project,
    )
    try:
        found = json.loads(done.stdout) if done.status == 0 else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise OutsideError("the inventory cannot be read", hint="opskit check names the mistake")
    return found
