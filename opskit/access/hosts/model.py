"""What was read of a host, before anybody judges it.

The same values come from a host that was observed and from a copy of its files (a tree). What was
not there to look at is `None`, never an empty tuple: nobody may take it for "there are none".
What a host has many of is a `NamedTuple`: on 10,000 hosts there are millions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from opskit.core.clock import Instant


@dataclass(frozen=True, slots=True)
class File:
    """A file of a host, as it was read.

    `path` is where it lies on the host; `shown` where whoever reads a finding finds it (the path
    in a tree, or the same). `text` is UTF-8 with undecodable bytes as surrogates. `mode` holds the
    permission bits, `uid` and `gid` the owner; None where a copy cannot tell.
    """

    path: str
    text: str
    shown: str = ""
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None


class Line(NamedTuple):
    """Where something of a host is written: file as shown, line from 1, the line itself."""

    file: str
    number: int
    raw: str


@dataclass(frozen=True, slots=True)
class Misread:
    """A line that the program it is for does not take either, and why."""

    at: Line
    reason: str


class Password(StrEnum):
    """What stands in the password field."""

    EMPTY = "empty"
    LOCKED = "locked"
    SET = "set"
    UNKNOWN = "unknown"


class Account(NamedTuple):
    """A line of passwd, with what shadow adds."""

    name: str
    uid: int
    gid: int
    gecos: str
    home: str
    shell: str
    at: Line
    password: Password = Password.UNKNOWN
    # The last day the account may be used, where shadow says one.
    expires: date | None = None
    # Its line in shadow, the hash taken out.
    shadow_at: Line | None = None

    @property
    def can_log_in(self) -> bool:
        """Return whether its shell is one."""
        return self.shell.rpartition("/")[2] not in {"nologin", "false", "sync", "shutdown", "halt"}


class Group(NamedTuple):
    """A line of group: the members named there, without those whose primary group it is."""

    name: str
    gid: int
    members: tuple[str, ...]
    at: Line


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key. `bits` is its length, `fingerprint` is `SHA256:...` as ssh-keygen prints it."""

    type: str
    bits: int
    fingerprint: str
    comment: str = ""
    blob: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AuthorizedKey:
    """A line of an authorized_keys file: which account it opens, with which options.

    `options` maps an option in lower case to its value, or to None for one without; one that
    stands several times (`environment`, `permitopen`) keeps all values, joined by a newline.
    """

    account: str
    key: PublicKey
    options: Mapping[str, str | None]
    at: Line
    expires_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class SshdBlock:
    """What sshd_config says to everybody (`criteria` is empty), or under one `Match`.

    `values` maps a keyword in lower case to what is written; `at` to where. Under a `Match` that is
    only what differs there.
    """

    criteria: str
    values: Mapping[str, str]
    at: Mapping[str, Line]


@dataclass(frozen=True, slots=True)
class PathFact:
    """What lies at a path that some rule names: the path itself and each directory above it.

    `writable_by` are the names of accounts and groups (`%ops`), besides root, that may replace it,
    over all of these; `kind` is `file`, `directory`, `link`, `missing`.
    """

    path: str
    kind: str
    writable_by: tuple[str, ...] = ()
    interpreter: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Remains:
    """What of an account goes on by itself: it outlives the account's keys and rules."""

    account: str
    what: str  # crontab, at, linger, systemd-unit, process, sudo-timestamp
    detail: str


@dataclass(frozen=True, slots=True)
class HostState:
    """One host. `sshd` maps a keyword in lower case to its effective value for a plain user.

    `sshd_blocks` says where that is written, and what each `Match` makes different; `misread` are
    lines that mean nothing to the program they are for; `cut` is where reading was given up.
    """

    name: str
    files: Mapping[str, File]
    accounts: tuple[Account, ...] | None = None
    groups: tuple[Group, ...] | None = None
    keys: tuple[AuthorizedKey, ...] | None = None
    sshd: Mapping[str, str] | None = None
    sshd_version: str = ""
    sudo_version: str = ""
    paths: Mapping[str, PathFact] | None = None
    remains: tuple[Remains, ...] | None = None
    production: bool = False
    sshd_blocks: tuple[SshdBlock, ...] = ()
    misread: tuple[Misread, ...] = ()
    cut: tuple[Misread, ...] = ()
