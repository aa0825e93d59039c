"""The commonest rules, read in one step: one user or group, all hosts, plain commands.

Nine of ten rules on real hosts look like this. Whatever has an escape, a quote, an option, a
negation or an alias is left to the parser; the tests hold that both say the same.
"""

from __future__ import annotations

import re
from functools import lru_cache

from opskit.access.sudoers.syntax import CommandSpec, Grant, Kind, Member, Members, Privilege

_NAME = r"(?!sha(?:224|256|384|512)\b|sudoedit\b)[a-z_][a-z0-9_.-]*"
_COMMAND = r"(?:ALL|/[A-Za-z0-9_./*?+@%-]*[A-Za-z0-9_.*?+-](?:[ \t]+[A-Za-z0-9_./*?+@%-]+)*)"
PLAIN = re.compile(
    rf"""(?P<who>%?{_NAME})[ \t]+ALL[ \t]*=[ \t]*
    (?:\((?P<user>{_NAME}|ALL)(?P<group>:ALL)?\)[ \t]*)?
    (?:(?P<tag>NOPASSWD|PASSWD):[ \t]*)?
    (?P<commands>{_COMMAND}(?:[ \t]*,[ \t]*{_COMMAND})*)[ \t]*\n""",
    re.VERBOSE,
)
# Blank lines and comments that cannot be anything else.
NOTHING = re.compile(r"(?:[ \t]*\n|\#(?:[^0-9i\n-][^\n]*)?\n)+")
_ALL = Member(Kind.ALL, "ALL")
_HOSTS: Members = (_ALL,)


def plain_rule(match: re.Match[str], line: int) -> Grant | None:
    """Return the rule a match of `PLAIN` says; None where it takes more than one step."""
    who, user, group, tag, commands = match.groups()
    if "sudoedit" in commands:
        return None
    tags = {} if tag is None else {"NOPASSWD": tag == "NOPASSWD"}
    users = None if user is None else _list_of(user)
    groups = None if group is None else _HOSTS
    specs = tuple(
        CommandSpec(users, groups, tags, {}, _command(one)) for one in commands.split(",")
    )
    kind = Kind.GROUP if who[0] == "%" else Kind.WORD
    privileges = (Privilege(_HOSTS, specs),)
    return Grant(line, match[0].strip(), (Member(kind, who),), privileges)


@lru_cache(maxsize=256)
def _list_of(name: str) -> Members:
    """Return a list of one name, always the same one: what it means is resolved once."""
    return _HOSTS if name == "ALL" else (Member(Kind.WORD, name),)


def _command(text: str) -> Member:
    words = text.split()
    if words[0] == "ALL":
        return _ALL
    return Member(Kind.COMMAND, words[0], args=" ".join(words[1:]) or None)
