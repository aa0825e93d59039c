"""The inventory as Ansible reads it: which hosts there are, their groups, how ssh reaches each."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opskit.core.errors import OutsideError
from opskit.outside.ansible.door import environment, find_program
from opskit.outside.process import Completed, run
from opskit.outside.ssh import firm

_SECONDS = 120.0
# Every host is in one of these: they tell no host from another.
_OF_ALL = frozenset({"all", "ungrouped"})
_REMOTE_PYTHON = "python3"


@dataclass(frozen=True, slots=True)
class Way:
    """How a program is run on a host, or why this cannot be told; the groups the host is in."""

    argv: tuple[str, ...] = ()
    reason: str = ""
    groups: frozenset[str] = frozenset()


def ways(inventory: Sequence[Path], project: Path, caller: Mapping[str, str]) -> Mapping[str, Way]:
    """Return every host of the inventories, and how to run Python from standard input there.

    Raises:
        OutsideError: Ansible cannot read them.
    """
    sources = [part for path in inventory for part in ("-i", str(path))]
    own = environment(project, caller)
    done = run(
        [find_program("ansible-inventory"), *sources, "--list"],
        timeout=_SECONDS,
        environment=own,
        directory=project,
    )
    listing = _listing(done)
    variables = listing.pop("_meta", {}).get("hostvars", {})
    defaults = _defaults(project, own)
    return {
        host: _way(host, {**defaults, **variables.get(host, {})}, _groups(host, listing))
        for host in sorted({host for group in listing.values() for host in group.get("hosts", ())})
    }


def _listing(done: Completed) -> dict[str, Any]:
    try:
        if done.status == 0 and not done.truncated:
            found = json.loads(done.stdout)
            return {str(name): group for name, group in found.items() if isinstance(group, dict)}
    except ValueError:
        pass
    raise OutsideError("Ansible cannot read the inventory", hint="opskit check")


_SETTINGS = {
    "DEFAULT_REMOTE_USER": "ansible_user",
    "DEFAULT_REMOTE_PORT": "ansible_port",
    "DEFAULT_PRIVATE_KEY_FILE": "ansible_ssh_private_key_file",
}


def _defaults(project: Path, own: Mapping[str, str]) -> dict[str, object]:
    """Return what ansible.cfg and the environment say of connections, as host variables."""
    asked = [find_program("ansible-config"), "dump", "--only-changed", "--format", "json"]
    done = run(asked, timeout=_SECONDS, environment=own, directory=project)
    try:
        changed = {one.get("name"): one.get("value") for one in json.loads(done.stdout)}
    except (ValueError, AttributeError):
        return {}
    return {variable: changed[name] for name, variable in _SETTINGS.items() if changed.get(name)}


def _groups(host: str, listing: Mapping[str, Any]) -> frozenset[str]:
    """Return the groups a host is in, those above its own included."""
    found = {name for name, group in listing.items() if host in group.get("hosts", ())}
    while (
        above := {name for name, group in listing.items() if found & set(group.get("children", ()))}
        - found
    ):
        found |= above
    return frozenset(found - _OF_ALL)


def _way(host: str, variables: Mapping[str, Any], groups: frozenset[str]) -> Way:
    reason = _unusable(variables)
    if reason:
        return Way(reason=reason, groups=groups)
    try:
        argv = _command(host, variables)
    except ValueError:
        return Way(reason="its ssh arguments are not well quoted", groups=groups)
    return Way(argv, groups=groups)


_READ = (
    "ansible_host", "ansible_port", "ansible_user", "ansible_ssh_private_key_file",
    "ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_python_interpreter",
)  # fmt: skip


def _unusable(variables: Mapping[str, Any]) -> str:
    connection = str(variables.get("ansible_connection", "ssh"))
    if connection not in {"ssh", "ansible.builtin.ssh", "smart"}:
        return "it is not reached by ssh"
    if any("{{" in str(variables.get(name, "")) for name in _READ):
        return "how it is reached is a template"
    if any(variables.get(name) for name in ("ansible_password", "ansible_ssh_pass")):
        return "it needs a password"
    return ""


def _command(host: str, variables: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ssh command that runs Python from standard input on a host."""
    options: list[str] = []
    for name in ("ansible_ssh_common_args", "ansible_ssh_extra_args"):
        options += shlex.split(str(variables.get(name) or ""))
    for flag, name in (
        ("-i", "ansible_ssh_private_key_file"), ("-p", "ansible_port"), ("-l", "ansible_user"),
    ):  # fmt: skip
        options += [flag, str(variables[name])] if variables.get(name) else []
    named = str(variables.get("ansible_python_interpreter") or "")
    python = named if named.startswith("/") else _REMOTE_PYTHON
    words = shlex.join([python, "-I", "-S", "-B", "-"])
    address = str(variables.get("ansible_host") or host)
    return firm(("ssh", *options, "--", address, words))
