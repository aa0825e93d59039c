"""A role's entry in `access/roles.yaml` without what was not used, as a patch.

Lines are edited where the reader of the file says they stand, so comments and layout stay. Then the
edited text is read again: it must decode to exactly the roles that were meant, or the role is left.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from opskit.access.model import Role, Roles
from opskit.access.sudoers.render import render_grant
from opskit.core.errors import ConfigError
from opskit.outside.documents import Document, parse
from opskit.outside.files import translated
from opskit.outside.models import validate

# For each command of a role, by its places in `sudo` and `commands`, what it becomes.
Changes = Mapping[tuple[int, int], tuple[str, ...]]

_PLAIN = re.compile(r"[A-Za-z/](?:[A-Za-z0-9/_.+@%=*-]|,(?! )| (?!#))*\Z")
_MAY_BE_PLAIN_IN_A_LIST = re.compile(r"[^,\[\]{}]*\Z")
_NO_NEWLINE = "\\ No newline at end of file\n"


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A unified diff of the file, empty where nothing is to change; and what was left, and why."""

    diff: str
    changed: tuple[str, ...]
    left: tuple[tuple[str, str], ...]


def shrunk(path: Path, name: str, wanted: Mapping[str, Changes]) -> Shrunk:
    """Return what would take rights out of roles; `name` is what the file is called in the diff.

    Raises:
        DataError: the file cannot be read.
    """
    with translated(path):
        before = path.read_text(encoding="utf-8")
    text, changed, left = before, [], []
    for role, changes in wanted.items():
        try:
            text = _without(text, role, changes)
            changed.append(role)
        except _LeftError as error:
            left.append((role, str(error)))
    return Shrunk(_diff(before, text, name), tuple(changed), tuple(left))


class _LeftError(Exception):
    """A role that cannot be edited with certainty."""


def _without(text: str, name: str, changes: Changes) -> str:
    document, roles = _decoded(text)
    role = roles.roles.get(name) if roles else None
    if roles is None or role is None:
        raise _LeftError("it does not stand in the file")
    meant = _meant(role, changes)
    if meant is None:
        raise _LeftError("nothing would be left of it: its owners decide whether it goes")
    edited = _edited(text, document, name, role, changes)
    _, found = _decoded(edited)
    if found != Roles(roles={**roles.roles, name: meant}):
        raise _LeftError("its lines are laid out so that they cannot be edited with certainty")
    return edited


def _decoded(text: str) -> tuple[Document, Roles | None]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "roles.yaml"
        path.write_text(text, encoding="utf-8")
        document = parse(path)
        found = validate(document, Roles)
        return document, None if document.findings else found


def _meant(role: Role, changes: Changes) -> Role | None:
    """Return the role as it shall be; None where it would give nothing by sudo, nor else."""
    if role.linux is None:
        return None
    rights = []
    for at, right in enumerate(role.linux.sudo):
        commands = [
            one
            for index, command in enumerate(right.commands)
            for one in changes.get((at, index), (command,))
        ]
        if commands:
            rights.append(right.model_copy(update={"commands": tuple(commands)}))
    linux = role.linux.model_copy(update={"sudo": tuple(rights)})
    if not rights and not linux.groups and role.postgres is None and role.playbooks is None:
        return None
    try:
        render_grant("somebody", linux.sudo, None)
    except ConfigError as error:
        raise _LeftError(f"what was run cannot be written as a rule: {error.message}") from error
    return role.model_copy(update={"linux": linux})


# Lines


def _edited(text: str, document: Document, name: str, role: Role, changes: Changes) -> str:
    lines = text.splitlines(keepends=True)
    sudo = ("roles", name, "linux", "sudo")
    rights = role.linux.sudo if role.linux else ()
    gone = [
        all(changes.get((at, index)) == () for index in range(len(right.commands)))
        for at, right in enumerate(rights)
    ]
    if all(gone):
        _remove_block(lines, document.place(sudo).line - 1)
        return "".join(lines)
    # From below: what stands above keeps its line.
    for at in reversed(range(len(rights))):
        if gone[at]:
            _remove_block(lines, document.place((*sudo, at)).line - 1)
            continue
        places = [
            document.place((*sudo, at, "commands", index))
            for index in range(len(rights[at].commands))
        ]
        marks = [(one.line - 1, one.column - 1) for one in places]
        own = {index: new for (of, index), new in changes.items() if of == at}
        _change_list(lines, marks, own)
    return "".join(lines)


def _change_list(
    lines: list[str], marks: Sequence[tuple[int, int]], changes: Mapping[int, tuple[str, ...]]
) -> None:
    if not changes:
        return
    row, column = marks[0]
    if lines[row][:column].rstrip().endswith("["):
        _change_flow(lines, marks, changes)
        return
    for index in sorted(changes, reverse=True):
        row, column = marks[index]
        head, end = lines[row][:column], "\n" if lines[row].endswith("\n") else ""
        comment = re.search(r"\s+#.*", lines[row][column:].rstrip("\r\n"))
        new = [f"{head}{_written(one)}" for one in changes[index]]
        if new and comment:
            new[0] += comment[0]
        lines[row : row + 1] = [f"{one}{end}" for one in new]


def _change_flow(
    lines: list[str], marks: Sequence[tuple[int, int]], changes: Mapping[int, tuple[str, ...]]
) -> None:
    """Change `[a, b]` on one line; one that goes over several lines is left as it is."""
    row = marks[0][0]
    line = lines[row]
    close = line.find("]", marks[-1][1])
    if close < 0 or any(one != row for one, _ in marks):
        return
    edges = [*(column for _, column in marks), close]
    kept: list[str] = []
    for index, start in enumerate(edges[:-1]):
        source = line[start : edges[index + 1]].rstrip()
        if index < len(marks) - 1:
            source = source.removesuffix(",").rstrip()
        kept += [_written_in_list(one) for one in changes[index]] if index in changes else [source]
    lines[row] = f"{line[: edges[0]]}{', '.join(kept)}{line[close:]}"


def _remove_block(lines: list[str], start: int) -> None:
    """Remove a line and all that belongs to it; comments and blank lines after it stay."""
    indent = _indent(lines[start])
    is_key = not lines[start].lstrip().startswith("- ")
    end = last = start + 1
    while end < len(lines):
        words = lines[end].strip()
        deeper = _indent(lines[end]) > indent
        own_item = is_key and words.startswith("- ") and _indent(lines[end]) == indent
        if words and not words.startswith("#"):
            if not deeper and not own_item:
                break
            last = end + 1
        end += 1
    del lines[start:last]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _written(command: str) -> str:
    return command if _PLAIN.match(command) else "'" + command.replace("'", "''") + "'"


def _written_in_list(command: str) -> str:
    if _MAY_BE_PLAIN_IN_A_LIST.match(command):
        return _written(command)
    return "'" + command.replace("'", "''") + "'"


def _diff(before: str, after: str, name: str) -> str:
    if before == after:
        return ""
    made = unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    return "".join(_ended(made))


def _ended(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}"
