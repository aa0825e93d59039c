"""`fleet adopt`: the patch that would make the standard say what the hosts have. Pure.

Only text can be moved from a host into the standard, and only where the standard says it in one
place; what is computed, hidden or said twice is left to a person.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from opskit.core.redact import MASK
from opskit.fleet.model import Drift

_NO_END = "\n\\ No newline at end of file\n"
Edit = tuple[list[str], list[str]]


@dataclass(frozen=True, slots=True)
class Adoption:
    """A deviation and the patch that would make it the standard; empty if a person has to."""

    drift: Drift
    patch: str

    def as_json(self) -> dict[str, str]:
        """Return it for JSON."""
        return {"deviation": self.drift.id, "path": self.drift.path, "patch": self.patch}


def adopted(drift: Drift, files: Mapping[str, str]) -> Adoption:
    """Return what would make the standard, given as texts by path, say what the host has."""
    return Adoption(drift, patch(drift, files))


def patch(drift: Drift, files: Mapping[str, str]) -> str:
    """Return a unified diff of one of the standard's files; empty where there is no sure one.

    `files` are the texts of the standard by their path.
    """
    edits = _edits(drift)
    found = [name for name, text in files.items() if edits and _applied(text, edits) is not None]
    if len(found) != 1:
        return ""
    (name,) = found
    before, after = files[name], _applied(files[name], edits) or ""
    lines = difflib.unified_diff(_ended(before), _ended(after), f"a/{name}", f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}{_NO_END}" for line in lines)


def _ended(text: str) -> list[str]:
    """Return a text's lines with their ends, as git counts lines."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _edits(drift: Drift) -> list[Edit]:
    """Return (lines the standard wants, lines the host has instead) for each difference."""
    # A host without the thing says nothing of what it should be, nor does a text that is not whole.
    if not drift.before or drift.cut or MASK in drift.before:
        return []
    wanted, there = drift.after.splitlines(), drift.before.splitlines()
    matcher = difflib.SequenceMatcher(None, wanted, there, autojunk=False)
    return [
        (wanted[a:b], there[c:d]) for kind, a, b, c, d in matcher.get_opcodes() if kind != "equal"
    ]


def _applied(text: str, edits: list[Edit]) -> str | None:
    """Return a file's text with the edits made; nothing where one has no single place in it."""
    lines = text.split("\n")
    for wanted, there in edits:
        place = _only_place(lines, wanted)
        if place is None:
            return None
        indent = _indent(lines[place]).removesuffix(_indent(wanted[0]))
        end = "\r" if lines[place].endswith("\r") else ""
        lines[place : place + len(wanted)] = [indent + kept + end for kept in there]
    return "\n".join(lines)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _only_place(lines: list[str], wanted: list[str]) -> int | None:
    """Return where these lines are, whatever their indent, if that is one place."""
    if not wanted:
        return None
    stripped = [line.strip() for line in wanted]
    places = [
        at
        for at in range(len(lines) - len(wanted) + 1)
        if [line.strip() for line in lines[at : at + len(wanted)]] == stripped
    ]
    return places[0] if len(places) == 1 else None
