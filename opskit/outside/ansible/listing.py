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


def matching(
    inventory: tuple[Path, ...], pattern: str, project: Path, caller: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the hosts a pattern names, as Ansible understands it, in the order of their names.

    Raises:
        OutsideError: it cannot read the inventory.
    """
    sources = [part for path in inventory for part in ("-i", str(path))]
    done = run(
        [find_program("ansible"), *sources, "--list-hosts", "--", pattern],
        timeout=_SECONDS,
        environment=environment(project, caller) | {"ANSIBLE_HOST_PATTERN_MISMATCH": "ignore"},
        directory=project,
    )
    if done.status != 0:
        raise OutsideError("the inventory cannot be read", hint="opskit check names the mistake")
    # The first line counts what follows, one host a line, indented.
    named = [line.strip() for line in done.stdout.splitlines() if line.startswith("    ")]
    return tuple(sorted(named))
