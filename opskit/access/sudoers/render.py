"""Rules written by opskit: only what sudo and sudo-rs both take, and exactly what was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from opskit.access.model import SudoRight
from opskit.access.sudoers.parser import parse
from opskit.access.sudoers.portability import wildcard
from opskit.access.sudoers.syntax import Bad, Grant, Kind, Member
from opskit.core.clock import Instant, to_datetime
from opskit.core.errors import ConfigError

_ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}\Z")
_PATH = re.compile(r"(?:/[A-Za-z0-9._+@%-]+)+\Z")
_GRANT = re.compile(r"[a-z0-9][a-z0-9-]*\Z")
_NEVER = re.compile(r"[^ -~]|[\"*?\[\]!^\\]")
_SPECIAL = re.compile(r"([,:=#])")
_WORDS_OF_SUDO = frozenset({"root_alias", "sha224", "sha256", "sha384", "sha512"})
_LONGEST = 1000
# Anything at all, said on purpose.
ALL = "ALL"


def file_name(grant: str) -> str:
    """Return the name of a grant's file in sudoers.d: without a dot, or sudo would not read it."""
    if not _GRANT.match(grant):
        raise ConfigError(f"grant {grant!r} cannot name a file", hint="letters, digits and -")
    return f"opskit-{grant}"


def render_grant(account: str, rights: tuple[SudoRight, ...], until: Instant | None) -> str:
    """Return the text of a grant's file in sudoers.d.

    `until` is written as NOTAFTER where given: sudo-rs does not know it, so ask for it where sudo
    itself is at work. A command without arguments may be run with none; ` *` at its end is any.
    Raises ConfigError where a name or command cannot be written so that it means only itself.
    """
    who = _account(account)
    option = f"NOTAFTER={to_datetime(until):%Y%m%d%H%M%SZ} " if until is not None else ""
    lines: list[str] = []
    for right in rights:
        tag = "PASSWD: " if right.password else "NOPASSWD: "
        target = _account(right.run_as)
        lines += [
            f"{who} ALL=({target}) {option}{tag}{_command(command)}" for command in right.commands
        ]
    text = "".join(f"{line}\n" for line in lines)
    _proven(text, len(lines))
    return text


def parse_commands(commands: Iterable[str]) -> tuple[Member, ...]:
    """Return what the commands of a role mean, as the rules of a host would say it."""
    return tuple(meant(one) for one in commands)


def meant(command: str) -> Member:
    """Return what a command of a role means: its path, and its arguments in sudoers' own terms."""
    path, *words = command.split(" ")
    if command == ALL:
        return Member(Kind.ALL, ALL)
    if words == ["*"]:
        return Member(Kind.COMMAND, path)
    return Member(Kind.COMMAND, path, args=" ".join(words) if words else '""')


def _account(name: str) -> str:
    if not _ACCOUNT.match(name) or name in _WORDS_OF_SUDO:
        raise ConfigError(f"account {name!r} cannot be written into sudoers")
    return name


def _command(command: str) -> str:
    """Return a command escaped, or refuse it."""
    if command == ALL:
        return ALL
    path, *words = command.split(" ")
    if not _PATH.match(path) or "/../" in f"{path}/" or "/./" in f"{path}/":
        hint = "an absolute path of letters, digits and . _ + @ % -"
        raise ConfigError(f"{path!r} cannot be written as a command", hint=hint)
    if path.rpartition("/")[2].startswith("sudoedit"):
        raise ConfigError("sudoedit is a command of its own to sudo and unknown to older sudo-rs")
    if len(command) > _LONGEST:
        raise ConfigError("a command for sudoers is at most 1,000 characters long")
    if not words:
        return f'{path} ""'
    if words == ["*"]:
        return path
    last = words.pop() if words[-1] == "*" else ""
    shown = " ".join(words)
    if not all(words) or _NEVER.search(shown) or wildcard(shown):
        hint = "printable ASCII, one blank between words, no quotes, wildcards or backslashes"
        raise ConfigError(
            f"the arguments {shown!r} cannot be written so that they mean only that", hint=hint
        )
    return " ".join([path, _SPECIAL.sub(r"\\\1", shown), *([last] if last else [])])


def _proven(text: str, count: int) -> None:
    """Read it again: nothing but the rules that were meant may come out."""
    said = parse(text)
    if len(said) != count or not all(isinstance(one, Grant) for one in said):
        reason = next(
            (one.reason for one in said if isinstance(one, Bad)), "it means something else"
        )
        raise ConfigError(f"the rule cannot be written into sudoers: {reason}")
