"""A host out of a tree of files, with what a tree cannot tell said beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opskit.access.hosts.model import Account, File, Group, HostState, Line, PathFact

ROOT_OWNS = 0o440


def host_of(tree: Path, told: dict[str, Any], name: str = "web1") -> HostState:
    """Return the host whose files lie under `tree`."""
    files = {}
    for path in sorted(one for one in tree.rglob("*") if one.is_file()):
        where = "/" + str(path.relative_to(tree))
        mode = told.get("modes", {}).get(where, ROOT_OWNS)
        text = path.read_text(errors="surrogateescape")
        files[where] = File(where, text, where, mode, 0, 0)
    paths = None
    if "paths" in told:
        paths = {
            one["path"]: PathFact(
                one["path"], one["kind"], tuple(one.get("writable_by", ())),
                one.get("interpreter", ""),
            )
            for one in told["paths"]
        }  # fmt: skip
    return HostState(
        name, files, _accounts(files["/etc/passwd"]), _groups(files["/etc/group"]), paths=paths,
        sudo_version=told.get("sudo_version", "1.9.13p3"), production=told.get("production", False),
    )  # fmt: skip


def _accounts(file: File) -> tuple[Account, ...]:
    found = []
    for number, line in enumerate(file.text.splitlines(), 1):
        name, _, uid, gid, gecos, home, shell = line.split(":")
        at = Line(file.path, number, line)
        found.append(Account(name, int(uid), int(gid), gecos, home, shell, at))
    return tuple(found)


def _groups(file: File) -> tuple[Group, ...]:
    found = []
    for number, line in enumerate(file.text.splitlines(), 1):
        name, _, gid, members = line.split(":")
        who = tuple(one for one in members.split(",") if one)
        found.append(Group(name, int(gid), who, Line(file.path, number, line)))
    return tuple(found)
