"""All sudoers files of a host as one policy: includes followed, aliases entered, mistakes kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from opskit.access.hosts.model import File, HostState, Line
from opskit.access.sudoers.dialect import DEFAULT, Dialect, dialect_of
from opskit.access.sudoers.effort import Effort
from opskit.access.sudoers.parser import parse
from opskit.access.sudoers.portability import refusal
from opskit.access.sudoers.settings import misuse
from opskit.access.sudoers.syntax import (
    Alias,
    AliasKind,
    Bad,
    Defaults,
    Grant,
    Include,
    Statement,
)
from opskit.access.sudoers.tokens import UNFINISHED

ROOT = "/etc/sudoers"
_MOST_LEVELS = 128
# Steps: files that include each other are many very soon.
_FILE, _STATEMENT = 2_000, 50
_OTHERS_WRITE, _GROUP_WRITES = 0o002, 0o020


class Problem(NamedTuple):
    """What sudo passes over, and why; `kind` is `syntax`, `file`, `include`, `alias`, `default`."""

    kind: str
    at: Line
    column: int
    reason: str


class Placed(NamedTuple):
    """A statement with the file it stands in."""

    file: str
    said: Grant | Alias | Defaults

    @property
    def at(self) -> Line:
        """Return where it stands."""
        return Line(self.file, self.said.line, self.said.raw)


@dataclass(frozen=True, slots=True)
class Sudoers:
    """What sudo has in force on a host once it has read everything.

    `grants` and `defaults` stand in the order they count; `problems` are what it passed over;
    `files` those that were read. `usable` is false where sudo would refuse to work at all.
    """

    dialect: Dialect
    grants: tuple[Placed, ...] = ()
    defaults: tuple[Placed, ...] = ()
    aliases: Mapping[tuple[AliasKind, str], Placed] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    files: tuple[str, ...] = ()
    usable: bool = True

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Return what sudo passed over."""
        return self.problems


@dataclass(slots=True)
class _Reading:
    files: Mapping[str, File]
    short_host: str
    dialect: Dialect
    grants: list[Placed] = field(default_factory=list)
    defaults: list[Placed] = field(default_factory=list)
    aliases: dict[tuple[AliasKind, str], Placed] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    effort: Effort = field(default_factory=Effort)

    def problem(self, kind: str, at: Line, reason: str, column: int = 0) -> None:
        self.problems.append(Problem(kind, at, column, reason))

    def file(self, file: File, level: int) -> None:
        shown = file.shown or file.path
        self.read.append(file.path)
        statements = _statements(file.text, self.dialect.rs)
        self.effort.take(_FILE + _STATEMENT * len(statements))
        for said in statements:
            kind = type(said)
            if kind is Grant:
                self.grants.append(Placed(shown, said))  # type: ignore[arg-type]
            elif kind is Alias:
                self.alias(Placed(shown, said), said)  # type: ignore[arg-type]
            elif kind is Defaults:
                self.default(Placed(shown, said), said)  # type: ignore[arg-type]
            elif kind is Include:
                self.include(file, said, level)  # type: ignore[arg-type]
            elif isinstance(said, Bad):
                at = Line(shown, said.line, said.raw)
                self.problem("syntax", at, said.reason, said.column)

    def alias(self, placed: Placed, said: Alias) -> None:
        key = (said.kind, said.name)
        if key in self.aliases:
            self.problem("alias", placed.at, f"alias {said.name} is already defined")
        else:
            self.aliases[key] = placed

    def default(self, placed: Placed, said: Defaults) -> None:
        self.defaults.append(placed)
        for setting in said.settings:
            if reason := misuse(setting):
                self.problem("default", placed.at, reason)

    def include(self, file: File, said: Include, level: int) -> None:
        at = Line(file.shown or file.path, said.line, said.raw)
        path = said.path.replace("%h", self.short_host)
        if not path.startswith("/"):
            path = file.path.rpartition("/")[0] + "/" + path
        if level >= _MOST_LEVELS:
            self.problem("include", at, "too many levels of includes")
        elif said.directory:
            for one in self.within(path):
                self.file(one, level + 1)
        else:
            self.one(path, at, level)

    def one(self, path: str, at: Line, level: int) -> None:
        found = self.files.get(path)
        if found is None:
            self.problem("include", at, f"{path} was not found")
        elif reason := insecure(found):
            self.problem("file", Line(found.shown or found.path, 0, ""), reason)
        else:
            self.file(found, level + 1)

    def within(self, directory: str) -> Iterator[File]:
        """Yield the files of a directory that sudo takes, in its order."""
        self.effort.take(_FILE + len(self.files))
        prefix = directory.rstrip("/") + "/"
        names = [p for p in self.files if p.startswith(prefix) and "/" not in p[len(prefix) :]]
        for path in sorted(names, key=lambda one: one.encode("utf-8", "surrogateescape")):
            file, name = self.files[path], path[len(prefix) :]
            where = Line(file.shown or path, 0, "")
            if "." in name or name.endswith("~"):
                what = "a dot" if "." in name else "a ~ at its end"
                self.problem("file", where, f"its name has {what}: sudo does not read it")
            elif reason := insecure(file):
                self.problem("file", where, reason)
            else:
                yield file


def _statements(text: str, rs: bool) -> tuple[Statement, ...]:  # a cache's key
    return _as_rs_reads(text) if rs else parse(text)


@lru_cache(maxsize=128)
def _as_rs_reads(text: str) -> tuple[Statement, ...]:
    return tuple(_as_read_by_rs(one) for one in parse(text))


def _as_read_by_rs(said: Statement) -> Statement:
    """Return the statement, or the mistake sudo-rs takes it for: it passes over the line."""
    reason = refusal(said)
    return Bad(said.line, said.raw, 1, f"sudo-rs refuses it: {reason}") if reason else said


def insecure(file: File) -> str:
    """Return why sudo would not read a file; nothing where it would, or where a copy cannot tell.

    After sudo_secure_path: root owns it, others may not write it, a group only if it is root's.
    """
    if file.uid not in {0, None}:
        return f"it is owned by uid {file.uid}, not by root: sudo does not read it"
    if file.mode is not None and file.mode & _OTHERS_WRITE:
        return "everybody may write it: sudo does not read it"
    if file.mode is not None and file.mode & _GROUP_WRITES and file.gid not in {0, None}:
        return f"group {file.gid} may write it: sudo does not read it"
    return ""


def load(state: HostState, dialect: Dialect | None = None) -> Sudoers:
    """Return what the sudoers files of a host say; the dialect is the host's own by default.

    Raises:
        TooMuchError: they say more than is followed.
    """
    spoken = dialect or _dialect(state)
    root = state.files.get("/etc/sudoers-rs") if spoken.rs else None
    root = root or state.files.get(ROOT)
    if root is None:
        missing = Problem("include", Line(ROOT, 0, ""), 0, f"{ROOT} was not found")
        return Sudoers(spoken, problems=(missing,), usable=False)
    if reason := insecure(root):
        bad = Problem("file", Line(root.shown or root.path, 0, ""), 0, reason)
        return Sudoers(spoken, problems=(bad,), usable=False)
    reading = _Reading(state.files, state.name.partition(".")[0], spoken)
    reading.file(root, 0)
    # sudo gives the whole of it up where its main file ends in the middle of a line.
    usable = all(
        getattr(one, "reason", "") != UNFINISHED for one in _statements(root.text, spoken.rs)
    )
    return Sudoers(
        spoken, tuple(reading.grants), tuple(reading.defaults), reading.aliases,
        tuple(reading.problems), tuple(reading.read), usable,
    )  # fmt: skip


def _dialect(state: HostState) -> Dialect:
    try:
        return dialect_of(state.sudo_version)
    except ValueError:
        return DEFAULT
