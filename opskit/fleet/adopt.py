"""`fleet adopt`: the patch that would make the standard say what the hosts have. Pure.

Only text can be moved from a host into the standard, and only where the standard says it in one
place; what is computed, hidden or said twice is left to a person.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from opskit.fleet.model import Drift

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
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        f"a/{name}",
        f"b/{name}",
    )
    return "".join(lines)


def _edits(drift: Drift) -> list[Edit]:
    """Return (lines the standard wants, lines the host has instead) for each difference."""
    if not drift.before:
        return []  # a host without the thing says nothing of what it should be
    wanted, there = drift.after.splitlines(), drift.before.splitlines()
    matcher = difflib.SequenceMatcher(None, wanted, there, autojunk=False)
    return [
        (wanted[a:b], there[c:d]) for kind, a, b, c, d in matcher.get_opcodes() if kind != "equal"
    ]


def _applied(text: str, edits: list[Edit]) -> str | None:
    """Return a file's text with the edits made; nothing where one has no single place in it."""
    lines = text.splitlines()
    for wanted, there in edits:
        place = _only_place(lines, wanted)
        if place is None:
            return None
        indent = _indent(lines[place]).removesuffix(_indent(wanted[0]))
        lines[place : place + len(wanted)] = [indent + kept for kept in there]
    return "\n".join(lines) + ("\n" if text.endswith("\n") else "")


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
