"""What a sudoers file says, as it stands there: statements with their lines, nothing resolved.

Tuples, so that a file parsed once serves every host that has the same text.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from opskit.core.clock import Instant


class Kind(StrEnum):
    """What a member of a list is."""

    ALL = "ALL"
    ALIAS = "alias"
    WORD = "word"
    GROUP = "group"
    NETGROUP = "netgroup"
    ADDRESS = "address"
    COMMAND = "command"
    MYSELF = "myself"


class AliasKind(StrEnum):
    """The four kinds of aliases; each has names of its own."""

    USER = "User_Alias"
    RUNAS = "Runas_Alias"
    HOST = "Host_Alias"
    COMMAND = "Cmnd_Alias"


class Binding(StrEnum):
    """What a Defaults line is bound to."""

    GLOBAL = ""
    HOST = "@"
    USER = ":"
    RUNAS = ">"
    COMMAND = "!"


class Member(NamedTuple):
    """One member of a list. `args` is None for any arguments, `""` in quotes for none.

    `name` has its escapes removed, except those that glob patterns need.
    """

    kind: Kind
    name: str
    negated: bool = False
    args: str | None = None
    digests: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """Return it as one would write it, digests and escapes left out."""
        words = [self.name] if self.args is None else [self.name, self.args]
        return ("!" if self.negated else "") + " ".join(words)


Members = tuple[Member, ...]


class CommandSpec(NamedTuple):
    """One command of a rule, with what it inherited from those left of it.

    `users` and `groups` are None where no run-as list was written. `tags` maps `NOPASSWD`,
    `NOEXEC`, `SETENV`... to whether they hold; one that was never said is missing. `options` are
    `CWD`, `CHROOT`, `ROLE`, `TYPE`, `TIMEOUT`, `APPARMOR_PROFILE`, `NOTBEFORE`, `NOTAFTER`.
    """

    users: Members | None
    groups: Members | None
    tags: Mapping[str, bool]
    options: Mapping[str, str]
    command: Member
    not_before: Instant | None = None
    not_after: Instant | None = None


class Privilege(NamedTuple):
    """On which hosts, which commands."""

    hosts: Members
    specs: tuple[CommandSpec, ...]


class Grant(NamedTuple):
    """A rule: who may do what where."""

    line: int
    raw: str
    users: Members
    privileges: tuple[Privilege, ...]


class Alias(NamedTuple):
    """A definition of an alias."""

    line: int
    raw: str
    kind: AliasKind
    name: str
    members: Members


class Setting(NamedTuple):
    """One assignment of a Defaults line; `operator` is `=`, `+=`, `-=`, `!` or empty (a flag)."""

    name: str
    operator: str
    value: str


class Defaults(NamedTuple):
    """A Defaults line."""

    line: int
    raw: str
    binding: Binding
    members: Members
    settings: tuple[Setting, ...]


class Include(NamedTuple):
    """An include, of a file or a directory."""

    line: int
    raw: str
    path: str
    directory: bool


class Bad(NamedTuple):
    """What could not be read: sudo passes over it and goes on."""

    line: int
    raw: str
    column: int
    reason: str


Statement = Grant | Alias | Defaults | Include | Bad
