"""What sudo-rs does not take of sudo's language, after its own parser (0.2.x)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from opskit.access.sudoers.syntax import (
    Alias,
    Bad,
    CommandSpec,
    Defaults,
    Grant,
    Include,
    Kind,
    Member,
    Members,
    Statement,
)

_OPTIONS = ("CHROOT", "TIMEOUT", "NOTBEFORE", "NOTAFTER", "ROLE", "TYPE")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SETTINGS = _names(
    """
    always_query_group_plugin always_set_home apparmor_profile editor env_check env_delete
    env_editor env_keep env_reset fqdn insults lecture mail_badpass mailerpath match_group_by_gid
    noexec noninteractive_auth passprompt passwd_timeout passwd_tries pwfeedback rootpw runaspw
    secure_path setenv targetpw timestamp_timeout umask umask_override use_pty verifypw visiblepw
    """
)
# Without any of these a rule or alias holds nothing to refuse; most lines do.
_SUSPECT = re.compile(
    r"[+^*?\[]|sha\d|NOT|TIMEOUT|CHROOT|ROLE|TYPE|INTERCEPT|\d\.\d|:[0-9A-Fa-f]*:"
)
_PORTABLE = frozenset({Kind.WORD, Kind.GROUP, Kind.ALIAS, Kind.MYSELF})
_NOT_PORTABLE = {Kind.NETGROUP: "netgroups", Kind.ADDRESS: "addresses"}
_WILDCARD = re.compile(r"(?<!\\)(?:\\\\)*[*?\[]")


def wildcard(args: str) -> bool:
    """Tell whether arguments hold a wildcard anywhere but as a last `*` of its own."""
    rest = args[:-2] if args.endswith(" *") else "" if args == "*" else args
    return bool(_WILDCARD.search(rest))


def refusal(said: Statement) -> str:
    """Return why sudo-rs passes over a statement; nothing where it takes it."""
    if isinstance(said, Grant | Alias) and not _SUSPECT.search(said.raw):
        return ""
    return next(_refusals(said), "")


def _refusals(said: Statement) -> Iterator[str]:
    if isinstance(said, Bad | Include):
        return
    if isinstance(said, Defaults):
        for setting in said.settings:
            if setting.name not in _SETTINGS:
                yield f"the setting {setting.name} is unknown there"
        yield from _members(said.members)
    elif isinstance(said, Alias):
        yield from _members(said.members)
    else:
        yield from _grant(said)


def _grant(grant: Grant) -> Iterator[str]:
    yield from _members(grant.users)
    for privilege in grant.privileges:
        yield from _members(privilege.hosts)
        for spec in privilege.specs:
            if spec.users:
                yield from _members(spec.users)
            if spec.options or spec.tags:
                yield from _said(spec)
            if reason := _member(spec.command):
                yield reason


def _said(spec: CommandSpec) -> Iterator[str]:
    for name in _OPTIONS:
        if name in spec.options:
            yield f"{name} is not supported"
    if spec.tags.get("INTERCEPT"):
        yield "INTERCEPT is not supported"


def _members(members: Members) -> Iterator[str]:
    for member in members:
        if reason := _member(member):
            yield reason


def _member(member: Member) -> str:
    if member.kind in _PORTABLE:
        return ""
    if what := _NOT_PORTABLE.get(member.kind):
        return f"{what} such as {member.name} are not supported"
    if member.digests:
        return "digests are not supported"
    return _command(member) if member.kind is Kind.COMMAND else ""


def _command(member: Member) -> str:
    if member.name.startswith("^") or (member.args or "").startswith("^"):
        return "regular expressions are not supported"
    if member.args and wildcard(member.args):
        return f"wildcards within arguments are not supported: {member.args}"
    return ""
