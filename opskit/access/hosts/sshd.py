"""sshd_config(5): what is in force for a plain user, and what each `Match` makes different.

The first value of a keyword wins. Values under a `Match` win over those for everybody. An
`Include` stands for its files in the order of their names; a `Match` in one ends with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from opskit.access.hosts.lines import lines
from opskit.access.hosts.model import File, Line, Misread, SshdBlock

CONFIG = "/etc/ssh/sshd_config"
_DIRECTORY = "/etc/ssh/"
# servconf.c SERVCONF_MAX_DEPTH
_DEEPEST = 16
# Together, however often a file is included.
_MOST_LINES = 100_000
# Looking for the files of a pattern takes as long as reading so many lines.
_PATTERN = 20

# What sshd of OpenSSH 9 does where nothing is written (sshd_config(5)).
DEFAULTS: Mapping[str, str] = {
    "allowagentforwarding": "yes",
    "allowtcpforwarding": "yes",
    "authenticationmethods": "any",
    "authorizedkeyscommand": "none",
    "authorizedkeysfile": ".ssh/authorized_keys .ssh/authorized_keys2",
    "authorizedprincipalsfile": "none",
    "disableforwarding": "no",
    "kbdinteractiveauthentication": "yes",
    "passwordauthentication": "yes",
    "permitemptypasswords": "no",
    "permitrootlogin": "prohibit-password",
    "pubkeyauthentication": "yes",
    "revokedkeys": "none",
    "trustedusercakeys": "none",
    "usepam": "no",
    "x11forwarding": "no",
}
_OLD_NAMES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "skeyauthentication": "kbdinteractiveauthentication",
}
_LISTS = frozenset({
    "acceptenv", "allowgroups", "allowusers", "denygroups", "denyusers", "hostkey",
    "listenaddress", "port",
})  # fmt: skip
_WORD = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|([^\s"\'#][^\s"\']*))')
_KEYWORD = re.compile(r"\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+|\Z)(.*)", re.DOTALL)

# The files that a pattern with an absolute path stands for, in order.
Matching = Callable[[str], Sequence[File]]


@dataclass(frozen=True, slots=True)
class SshdConfig:
    """A configuration: for everybody first, then each `Match` in its order."""

    blocks: tuple[SshdBlock, ...]
    misread: tuple[Misread, ...] = ()
    cut: tuple[Misread, ...] = ()

    @property
    def effective(self) -> dict[str, str]:
        """Return each keyword's value for a plain user, defaults included."""
        return {**DEFAULTS, **self.blocks[0].values}


def effective(printed: str) -> dict[str, str]:
    """Return what `sshd -T` printed, as values by keyword."""
    values: dict[str, str] = {}
    for line in printed.split("\n"):
        keyword, _, value = line.strip().partition(" ")
        if keyword in _LISTS and keyword in values:
            value = f"{values[keyword]} {value}"
        if keyword:
            values[keyword.lower()] = value
    return values


def configuration(config: File, matching: Matching) -> SshdConfig:
    """Return what a configuration says, with the files it includes."""
    reader = _Reader(matching)
    reader.read(config, "", 0)
    plain = reader.blocks.pop("", _Block())
    everybody = reader.blocks.pop("all", _Block())
    first = SshdBlock("", {**plain.values, **everybody.values}, {**plain.at, **everybody.at})
    rest = [SshdBlock(name, one.values, one.at) for name, one in reader.blocks.items()]
    return SshdConfig((first, *rest), tuple(reader.misread), tuple(reader.cut))


@dataclass(slots=True)
class _Block:
    words: dict[str, list[str]] = field(default_factory=dict)
    at: dict[str, Line] = field(default_factory=dict)

    def set(self, keyword: str, words: list[str], line: Line) -> None:
        if keyword in _LISTS and keyword in self.words:
            self.words[keyword] += words
        elif keyword not in self.words:
            self.words[keyword], self.at[keyword] = words, line

    @property
    def values(self) -> dict[str, str]:
        return {keyword: " ".join(words) for keyword, words in self.words.items()}


@dataclass(slots=True)
class _Reader:
    matching: Matching
    blocks: dict[str, _Block] = field(default_factory=dict)
    misread: list[Misread] = field(default_factory=list)
    cut: list[Misread] = field(default_factory=list)
    left: int = _MOST_LINES

    def read(self, file: File, under: str, depth: int) -> None:
        """Read a file that is included under a `Match`, or under none."""
        criteria = under
        for line in lines(file):
            self.left -= 1
            if self.left <= 0:
                self._give_up(line)
                return
            keyword, words = _split(line.raw)
            if not words:
                self.misread.append(Misread(line, "a keyword without a value"))
            elif keyword == "match":
                criteria = _joined(under, " ".join(words))
            elif keyword == "include":
                self._include(words, line, criteria, depth)
            else:
                block = self.blocks.setdefault(criteria, _Block())
                block.set(_OLD_NAMES.get(keyword, keyword), words, line)

    def _include(self, patterns: Sequence[str], line: Line, under: str, depth: int) -> None:
        if depth >= _DEEPEST:
            self.misread.append(Misread(line, f"included more than {_DEEPEST} levels deep"))
            return
        for pattern in patterns:
            self.left -= _PATTERN
            if self.left <= 0:
                self._give_up(line)
                return
            for file in self.matching(pattern if pattern[0] == "/" else _DIRECTORY + pattern):
                self.read(file, under, depth + 1)

    def _give_up(self, line: Line) -> None:
        if not self.cut:
            reason = f"not read from here on: there are more than {_MOST_LINES:,} lines or includes"
            self.cut.append(Misread(line, reason))


def _joined(under: str, criteria: str) -> str:
    criteria = "all" if criteria.lower() == "all" else criteria
    if under in {"", "all"}:
        return criteria
    return under if criteria == "all" else f"{under} {criteria}"


def _split(raw: str) -> tuple[str, list[str]]:
    match = _KEYWORD.match(raw)
    return (match[1].lower(), list(_words(match[2]))) if match else ("", [])


def _words(text: str) -> Iterator[str]:
    at = 0
    while (match := _WORD.match(text, at)) is not None:
        word = next((one for one in match.groups() if one is not None), "")
        if word:
            yield word
        at = match.end()
