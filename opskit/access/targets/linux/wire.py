"""What goes to the modules on a host and what they told, between their words and the slice's."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from opskit.access.hosts.model import File, HostState, PathFact, Remains
from opskit.access.model import LinuxRights, SudoRight
from opskit.access.targets.kinds import (
    Order,
    Part,
    Placement,
    Session,
    Sight,
    Standing,
    Unmanaged,
)
from opskit.access.targets.linux.told import FileRow, PartRow, Seen, SessionRow
from opskit.core.clock import SECOND, Instant
from opskit.core.text import clean, shorten

# Rules for sudo: of an account, its rights, and their end where sudo itself shall end them.
RenderGrant = Callable[[str, tuple[SudoRight, ...], Instant | None], str]


@dataclass(frozen=True, slots=True)
class Collected:
    """What a host gave to be read. Of `directories` every file that matters is in `files`.

    `unread` are the files that are there and could not be read, each with the reason.
    """

    files: Mapping[str, File]
    directories: frozenset[str]
    sshd: Mapping[str, str]
    sshd_version: str
    sudo_version: str
    paths: Mapping[str, PathFact]
    remains: tuple[Remains, ...]
    unread: tuple[tuple[str, str], ...]


# What a host says, read from what it gave.
StateOf = Callable[[str, Collected], HostState]

_LONGEST_REASON = 1_000
_DIRECTORIES = frozenset({"/etc/sudoers.d", "/etc/ssh/sshd_config.d", "/home", "/root"})


def as_sent(placement: Placement, render: RenderGrant) -> dict[str, object]:
    """Return a placement as the modules take it: whole seconds, sudo rules as text.

    Raises:
        TypeError: its rights are not a Linux host's.
    """
    rights = placement.rights
    if not isinstance(rights, LinuxRights):
        raise TypeError(f"{placement.grant} gives no rights on a Linux host")
    return {
        "grant": placement.grant,
        "account": placement.account,
        "until": placement.until // SECOND,
        "login": rights.login,
        "keys": list(placement.keys) if rights.login == "key" else [],
        "groups": list(rights.groups),
        "sudo": _sudo(placement, rights, render) if rights.sudo else None,
        "shell": rights.shell,
        "forwarding": rights.forwarding,
        "from": list(rights.source_addresses),
    }


def _sudo(placement: Placement, rights: LinuxRights, render: RenderGrant) -> dict[str, str]:
    """Return the rules in both dialects: which one a host's sudo speaks is known only there."""
    return {
        "expiring": render(placement.account, rights.sudo, placement.until),
        "plain": render(placement.account, rights.sudo, None),
    }


def order_sent(
    order: Order,
    administrators: Sequence[str],
    render: RenderGrant,
    remove: Sequence[Unmanaged] = (),
    krl: bytes = b"",
) -> dict[str, object]:
    """Return an order as the module takes it."""
    return {
        "present": [as_sent(one, render) for one in order.present],
        "absent": [as_sent(one, render) for one in order.absent],
        "end_sessions": list(order.end_sessions),
        "administrators": list(administrators),
        "remove": [
            {"kind": one.kind, "key": one.key, "account": one.account, "detail": one.detail}
            for one in remove
        ],
        "krl": base64.b64encode(krl).decode(),
    }


def sight(
    target: str,
    seen: Seen,
    at: Instant,
    state_of: StateOf | None,
    asked: Iterable[Placement] = (),
) -> Sight:
    """Return a look at a host; `reason` names what of it could not be read.

    `at` is opskit's own time: a host's clock may be wrong, and its owner's word is no proof of when
    something was gone. Nor does anything end before its planned end, whatever a host says.
    """
    told = [*seen.wrong, *(f"{row.path}: {row.why}" for row in seen.unread)]
    ends = {one.grant: one.until for one in asked}
    return Sight(
        target=target,
        at=at,
        reason=in_words(told),
        standings={
            grant: Standing(grant, tuple(_part(row, ends.get(grant, at)) for row in parts))
            for grant, parts in seen.standings.items()
        },
        sessions=tuple(map(_session, seen.sessions)),
        state=None if state_of is None else state_of(target, _collected(seen)),
    )


def in_words(reasons: Iterable[str]) -> str:
    """Return reasons from a host as one line that is safe to show."""
    return shorten(clean("; ".join(reasons)), _LONGEST_REASON)


def _session(row: SessionRow) -> Session:
    since = None if row.since is None else Instant(row.since)
    return Session(clean(row.account), clean(row.what), since)


def _part(row: PartRow, until: Instant) -> Part:
    fence = None if row.fence is None else max(Instant(row.fence * SECOND), until)
    return Part(clean(row.what), row.presence, row.enforced_by, fence)


def _collected(seen: Seen) -> Collected:
    paths = (
        PathFact(row.path, row.kind, row.writable_by, row.interpreter, row.sha256)
        for row in seen.paths
    )
    return Collected(
        files={row.path: _file(row) for row in seen.files},
        directories=_DIRECTORIES,
        sshd=seen.sshd,
        sshd_version=seen.sshd_version,
        sudo_version=seen.sudo_version,
        paths={path.path: path for path in paths},
        remains=tuple(Remains(row.account, row.what, clean(row.detail)) for row in seen.remains),
        unread=tuple((row.path, row.why) for row in seen.unread),
    )


def _file(row: FileRow) -> File:
    text = row.text.decode("utf-8", "surrogateescape")
    return File(row.path, text, clean(row.path), row.mode, row.uid, row.gid)
