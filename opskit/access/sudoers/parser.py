"""Tokens to statements. What is wrong on a line costs what it costs in sudo, and no more.

sudo's grammar is read by an LALR parser that has done part of its work when it meets a mistake:
an alias before the mistake is defined, a rule's first part before a broken `: ...` is kept. This
one does the same, since what is in force is what sudo makes of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from opskit.access.sudoers.lexer import Lexer
from opskit.access.sudoers.moments import moment, span
from opskit.access.sudoers.plain import NOTHING, PLAIN, plain_rule
from opskit.access.sudoers.syntax import (
    Alias,
    AliasKind,
    Bad,
    Binding,
    CommandSpec,
    Defaults,
    Grant,
    Include,
    Kind,
    Member,
    Members,
    Privilege,
    Setting,
    Statement,
)
from opskit.access.sudoers.tokens import T, Token

_ALIAS_KINDS = {
    "User_Alias": AliasKind.USER, "Runas_Alias": AliasKind.RUNAS, "Host_Alias": AliasKind.HOST,
    "Cmnd_Alias": AliasKind.COMMAND, "Cmd_Alias": AliasKind.COMMAND,
}  # fmt: skip
_KINDS = {
    T.ALIAS: Kind.ALIAS, T.ALL: Kind.ALL, T.GROUP: Kind.GROUP, T.NETGROUP: Kind.NETGROUP,
    T.WORD: Kind.WORD, T.ADDRESS: Kind.ADDRESS, T.COMMAND: Kind.COMMAND,
}  # fmt: skip
_USERS = frozenset({T.ALIAS, T.ALL, T.GROUP, T.NETGROUP, T.WORD})
_GROUPS = frozenset({T.ALIAS, T.ALL, T.WORD})
_HOSTS = frozenset({T.ALIAS, T.ALL, T.NETGROUP, T.ADDRESS, T.WORD})
# Statements of a longer text are not kept: nobody has it twice.
_LARGE = 100_000
_MYSELF = (Member(Kind.MYSELF, ""),)
_BY_TAG = {
    "PASSWD": ("NOPASSWD", False), "EXEC": ("NOEXEC", False), "NOEXEC": ("NOEXEC", True),
    "NOPASSWD": ("NOPASSWD", True),
}  # fmt: skip


class _Wrong(Exception):
    """A mistake at a token; `following` is the first token that was not taken yet."""

    def __init__(self, token: Token, reason: str, following: int) -> None:
        super().__init__(reason)
        self.token, self.reason, self.following = token, reason, following


class _Own(NamedTuple):
    """What is written at one command itself, before it inherits."""

    runas: tuple[Members | None, Members | None] | None
    tags: dict[str, bool]
    options: dict[str, str]
    command: Member


def parse(text: str) -> tuple[Statement, ...]:
    """Return the statements of a file in their order, mistakes among them."""
    return _remembered(text) if len(text) < _LARGE else tuple(_Parser(text).run())


@lru_cache(maxsize=512)
def _remembered(text: str) -> tuple[Statement, ...]:
    return tuple(_Parser(text).run())


@lru_cache(maxsize=4096)
def parse_line(line: str) -> tuple[Statement, ...]:
    """Return the statements of one line that goes on nowhere: hosts share most of theirs."""
    return tuple(_Parser(line).run())


class _Parser:
    def __init__(self, text: str) -> None:
        self._lexer = Lexer(text)
        self._tokens: list[Token] = []
        self._at = 0
        self._found: list[Statement] = []
        self._stands: tuple[int, str] | None = None

    def run(self) -> list[Statement]:
        lexer, text = self._lexer, self._lexer.text
        size = len(text)
        while lexer.at < size:
            if nothing := NOTHING.match(text, lexer.at):
                lexer.at = nothing.end()
                continue
            if (match := PLAIN.match(text, lexer.at)) and (
                rule := plain_rule(match, lexer.line_of(lexer.at))
            ):
                self._found.append(rule)
                lexer.at = match.end()
                continue
            line = text[lexer.at : text.index("\n", lexer.at) + 1]
            if len(line) < size and not line.rstrip().endswith("\\"):
                number = lexer.line_of(lexer.at)
                self._found += [one._replace(line=number) for one in parse_line(line)]
                lexer.at += len(line)
                continue
            self._tokens, self._at, self._stands = lexer.line(), 0, None
            if self._tokens[0].kind is not T.NEWLINE:
                self._line()
        return self._found

    def _line(self) -> None:
        try:
            self._statement()
        except _Wrong as wrong:
            self._bad(wrong)

    def _statement(self) -> None:
        kind = self._tokens[self._at].kind
        if kind is T.DEFAULTS:
            self._defaults()
        elif kind is T.ALIAS_KEYWORD:
            self._aliases()
        elif kind is T.INCLUDE:
            self._include()
        else:
            self._grant()

    # where it stands

    def _source(self) -> tuple[int, str]:
        """Return the line number and the text of the statement at hand."""
        if self._stands is None:
            lexer, start = self._lexer, self._tokens[0].start
            line_start = lexer.text.rfind("\n", 0, start) + 1
            line_end = self._tokens[-1].start
            self._stands = lexer.line_of(start), lexer.text[line_start:line_end].strip()
        return self._stands

    def _bad(self, wrong: _Wrong) -> None:
        number, raw = self._source()
        lexer, at = self._lexer, wrong.token.start
        column, line = lexer.column_of(at), lexer.line_of(at)
        if line != number:
            raw = lexer.text[at - column + 1 : lexer.text.index("\n", at)].strip()
        self._found.append(Bad(line, raw, column, wrong.reason))

    # tokens

    def _is(self, value: str) -> bool:
        token = self._tokens[self._at]
        return token.kind is T.PUNCTUATION and token.value == value

    def _take(self, value: str) -> bool:
        if self._is(value):
            self._at += 1
            return True
        return False

    def _expect(self, value: str) -> None:
        if not self._take(value):
            raise self._wrong()

    def _expect_end(self) -> None:
        if self._tokens[self._at].kind is not T.NEWLINE:
            raise self._wrong()
        self._at += 1

    def _wrong(self, reason: str = "syntax error") -> _Wrong:
        token = self._tokens[self._at]
        if token.kind is T.ERROR and " " in token.value:
            reason = token.value
        return _Wrong(token, reason, self._at)

    def _refused(self, reason: str) -> _Wrong:
        """Return the mistake of the token just taken: it was well formed and means nothing."""
        return _Wrong(self._tokens[self._at - 1], reason, self._at)

    # lists

    def _list(self, one: Callable[[], Member]) -> Members:
        members = [one()]
        while self._take(","):
            members.append(one())
        return tuple(members)

    def _member(self, allowed: frozenset[T]) -> Member:
        negated = self._take("!")
        token = self._tokens[self._at]
        if token.kind not in allowed:
            raise self._wrong()
        self._at += 1
        return Member(_KINDS[token.kind], token.value, negated)

    def _user(self) -> Member:
        return self._member(_USERS)

    def _group(self) -> Member:
        return self._member(_GROUPS)

    def _host(self) -> Member:
        return self._member(_HOSTS)

    def _command(self) -> Member:
        digests: list[tuple[str, str]] = []
        while self._tokens[self._at].kind is T.DIGEST_TYPE:
            digests.append(self._digest())
            if not self._take(","):
                break
            if self._tokens[self._at].kind is not T.DIGEST_TYPE:
                raise self._wrong()
        negated = self._take("!")
        token = self._tokens[self._at]
        if token.kind not in _COMMANDS:
            raise self._wrong()
        self._at += 1
        if token.kind is T.WORD and token.value != "list":
            raise self._refused("expected a fully-qualified path name")
        if digests and token.kind not in {T.COMMAND, T.ALL}:
            raise self._refused("a digest requires a path name")
        kind = Kind.COMMAND if token.kind is T.WORD else _KINDS[token.kind]
        return Member(kind, token.value, negated, token.args, tuple(digests))

    def _digest(self) -> tuple[str, str]:
        algorithm = self._tokens[self._at].value
        self._at += 1
        self._expect(":")
        token = self._tokens[self._at]
        if token.kind is not T.DIGEST:
            raise self._wrong("syntax error")
        self._at += 1
        return algorithm, token.value

    # statements

    def _include(self) -> None:
        directory = self._tokens[self._at].value == "includedir"
        self._at += 1
        token = self._tokens[self._at]
        if token.kind is not T.WORD:
            raise self._wrong()
        self._at += 1
        number, raw = self._source()
        self._found.append(Include(number, raw, token.value, directory))
        self._expect_end()

    def _aliases(self) -> None:
        kind = _ALIAS_KINDS[self._tokens[self._at].value]
        read = {
            AliasKind.HOST: self._host, AliasKind.COMMAND: self._command,
        }.get(kind, self._user)  # fmt: skip
        self._at += 1
        number, raw = self._source()
        while True:
            token = self._tokens[self._at]
            if token.kind in {T.ALL, T.OPTION}:
                self._at += 1
                raise self._refused(f"reserved word {token.value} used as an alias name")
            if token.kind is not T.ALIAS:
                raise self._wrong()
            self._at += 1
            self._expect("=")
            self._found.append(Alias(number, raw, kind, token.value, self._list(read)))
            if not self._take(":"):
                break
        self._expect_end()

    def _defaults(self) -> None:
        binding = Binding(self._tokens[self._at].value)
        self._at += 1
        members: Members = ()
        if binding is Binding.HOST:
            members = self._list(self._host)
        elif binding is Binding.COMMAND:
            members = self._list(self._command)
        elif binding is not Binding.GLOBAL:
            members = self._list(self._user)
        settings = [self._setting()]
        while self._take(","):
            settings.append(self._setting())
        number, raw = self._source()
        self._expect_end()
        self._found.append(Defaults(number, raw, binding, members, tuple(settings)))

    def _setting(self) -> Setting:
        off = self._take("!")
        token = self._tokens[self._at]
        if token.kind is not T.VARIABLE:
            raise self._wrong()
        self._at += 1
        operator = self._tokens[self._at]
        if operator.kind is not T.ASSIGN:
            return Setting(token.value, "!" if off else "", "")
        if off:
            raise self._wrong()
        self._at += 1
        value = self._tokens[self._at]
        if value.kind is not T.WORD:
            raise self._wrong()
        self._at += 1
        return Setting(token.value, operator.value, value.value)

    def _grant(self) -> None:
        users = self._list(self._user)
        privileges = [self._privilege()]
        while self._take(":"):
            try:
                privileges.append(self._privilege())
            except _Wrong as wrong:
                # sudo drops this part alone where the next token is one that may follow a part.
                follows = self._tokens[wrong.following]
                if follows.kind is not T.NEWLINE and follows.value != ":":
                    raise
                self._bad(wrong)
                self._at = wrong.following
        number, raw = self._source()
        self._expect_end()
        self._found.append(Grant(number, raw, users, tuple(privileges)))

    def _privilege(self) -> Privilege:
        hosts = self._list(self._host)
        self._expect("=")
        specs = [_inherited(self._own(), None)]
        while self._take(","):
            specs.append(_inherited(self._own(), specs[-1]))
        return Privilege(hosts, tuple(specs))

    def _own(self) -> _Own:
        runas = self._runas() if self._take("(") else None
        options: dict[str, str] = {}
        while self._tokens[self._at].kind is T.OPTION:
            self._option(options)
        tags: dict[str, bool] = {}
        while self._tokens[self._at].kind is T.TAG:
            tag = self._tokens[self._at].value
            name, holds = _BY_TAG.get(tag) or (tag.removeprefix("NO"), not tag.startswith("NO"))
            tags[name] = holds
            self._at += 1
        return _Own(runas, tags, options, self._command())

    def _runas(self) -> tuple[Members | None, Members | None]:
        users: Members | None = None
        groups: Members | None = None
        if not self._is(":") and not self._is(")"):
            users = self._list(self._user)
        if self._take(":") and not self._is(")"):
            groups = self._list(self._group)
        elif users is not None and self._tokens[self._at - 1].value == ":":
            raise self._wrong()
        self._expect(")")
        return users if users is not None or groups is not None else _MYSELF, groups

    def _option(self, options: dict[str, str]) -> None:
        name = self._tokens[self._at].value
        self._at += 1
        self._expect("=")
        token = self._tokens[self._at]
        if token.kind is not T.WORD:
            raise self._wrong()
        self._at += 1
        value = token.value
        if name in {"CWD", "CHROOT"} and value[0] not in "/~" and value != "*":
            raise self._refused(f'values for "{name}" must start with a "/", "~", or "*"')
        if name in {"NOTBEFORE", "NOTAFTER"} and moment(value) is None:
            raise self._refused(f"invalid {name.lower()} value")
        if name == "TIMEOUT" and span(value) is None:
            raise self._refused("invalid timeout value")
        options[name] = value


_COMMANDS = frozenset({T.ALIAS, T.ALL, T.COMMAND, T.WORD})
_TOGETHER = (("ROLE", "TYPE"), ("CWD",), ("CHROOT",), ("TIMEOUT",), ("NOTBEFORE",), ("NOTAFTER",))


def _inherited(own: _Own, left: CommandSpec | None) -> CommandSpec:
    """Return a command with what it inherits from the one left of it."""
    tags, options, runas = own.tags, own.options, own.runas
    if left is not None:
        tags = {**left.tags, **tags} if left.tags else tags
        for names in _TOGETHER if left.options else ():
            if not any(name in options for name in names):
                options |= {name: left.options[name] for name in names if name in left.options}
        runas = runas or (left.users, left.groups)
    users, groups = runas or (None, None)
    before, after = options.get("NOTBEFORE"), options.get("NOTAFTER")
    return CommandSpec(
        users, groups, tags, options, own.command,
        moment(before) if before else None, moment(after) if after else None,
    )  # fmt: skip
