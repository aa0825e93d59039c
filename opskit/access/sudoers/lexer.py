"""sudoers text to tokens, as sudo's own scanner cuts it: the longest match, the earlier rule.

The state (after a command, within Defaults) depends on tokens alone, never on the grammar, so a
file is cut as a whole before it is parsed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable

from opskit.access.sudoers.tokens import (
    ALIAS,
    ALIAS_KEYWORD,
    ARG_REGEX,
    ARGS,
    BINDING_SPACE,
    BLANKS,
    DEFAULTS,
    DIGEST,
    DIGEST_LENGTHS,
    IN_DEFAULT,
    INCLUDE,
    INCLUDED,
    IPV4_NETWORK,
    NEXT_DEFAULT,
    OPTIONS,
    PATH_OPTIONS,
    PLAIN_ARGS,
    SPECIAL,
    TOKEN,
    UNFINISHED,
    WORDS,
    T,
    Token,
    unescaped,
)


class Lexer:
    """Cuts one text, a logical line at a time; `at` is where the next one begins."""

    def __init__(self, text: str) -> None:
        self.text = text if text.endswith("\n") else text + "\n"
        self.tokens: list[Token] = []
        self.at = 0
        self._starts: list[int] | None = None

    def line_of(self, offset: int) -> int:
        """Return the number of the line an offset is on, from 1."""
        return bisect_right(self._line_starts, offset)

    def column_of(self, offset: int) -> int:
        """Return the column of an offset, from 1."""
        return offset - self._line_starts[self.line_of(offset) - 1] + 1

    @property
    def _line_starts(self) -> list[int]:
        if self._starts is None:
            self._starts = [0, *(m.end() for m in re.finditer("\n", self.text))]
        return self._starts

    def line(self) -> list[Token]:
        """Return the tokens of the next logical line, a NEWLINE last."""
        self.tokens = []
        self._statement()
        if not self.tokens or self.tokens[-1].kind is not T.NEWLINE:
            end = max(0, len(self.text) - 1)
            self._add(T.ERROR, UNFINISHED, end)
            self._add(T.NEWLINE, "\n", end)
        return self.tokens

    def _add(self, kind: T, value: str, start: int, args: str | None = None) -> None:
        self.tokens.append(Token(kind, value, start, args))

    def _statement(self) -> None:
        """Cut what begins at the start of a line, then go on to its end."""
        text, start = self.text, self.at
        first = text[start : start + 1]
        if first in "D \t" and (match := DEFAULTS.match(text, start)) and self._whole(match):
            self.at = match.end()
            self._add(T.DEFAULTS, match[2] or "", start)
            self._binding()
            return
        if first in "HCUR \t" and (match := ALIAS_KEYWORD.match(text, start)):
            if self._whole(match):
                self.at = match.end()
                self._add(T.ALIAS_KEYWORD, match[2], start)
        elif first in "@# \t" and (match := INCLUDE.match(text, start)):
            self._include(match)
        self._rest()

    def _whole(self, match: re.Match[str]) -> bool:
        """Tell whether the keyword is not the beginning of a longer word.

        Behind blanks sudo's scanner takes the keyword all the same: blanks count as its length.
        """
        word = WORDS.match(self.text, match.start())
        longer = word is not None and word.end() > match.end()
        return bool(match[1]) or not longer or match[2] == "@"

    def _include(self, match: re.Match[str]) -> None:
        name = match[1] or match[2]
        self._add(T.INCLUDE, name, match.start())
        self.at = match.end()
        if path := INCLUDED.match(self.text, self.at):
            self.at = path.end()
            value = unescaped(path[1]) if path[1] else path[2].replace('\\"', '"')
            self._add(T.WORD, value, path.start())

    def _rest(self) -> None:
        """Cut up to the end of the logical line."""
        text, tokens = self.text, self.tokens
        blanks, token = BLANKS.match, TOKEN.match
        pos, size = self.at, len(text)
        while pos < size:
            pos = blanks(text, pos).end()  # type: ignore[union-attr]  # it matches nothing, too
            match = token(text, pos)
            if match is None:
                break
            group, end = match.lastgroup or "other", match.end()
            if group == "punctuation":
                tokens.append(Token(T.PUNCTUATION, match[0], pos))
            elif group in {"newline", "comment"}:
                tokens.append(Token(T.NEWLINE, "\n", pos))
                pos = end
                break
            else:
                self.at = end
                self._step(group, match)
                end = self.at
            pos = end
        self.at = pos

    def _step(self, group: str, match: re.Match[str]) -> None:
        """Take what one of the expressions found; the method is named after its group."""
        step: Callable[[re.Match[str]], None] = getattr(self, f"_{group}")
        step(match)

    def _tag(self, match: re.Match[str]) -> None:
        self._add(T.TAG, match[0][:-1].rstrip(" \t"), match.start())

    def _path(self, match: re.Match[str]) -> None:
        text, start, end = self.text, match.start(), match.end()
        if text[end] == "\\":
            word = WORDS.match(text, start)
            if word and word.end() > end:
                self._word(word)
                return
        last = self.tokens[-2:]
        if [one.kind for one in last] == [T.OPTION, T.PUNCTUATION] and (
            last[0].value in PATH_OPTIONS and last[1].value == "="
        ):
            self._add(T.WORD, unescaped(match[0]), start)
            return
        path = SPECIAL.sub(r"\1", match[0]) if "\\" in match[0] else match[0]
        if match[0].endswith("/"):
            self._add(T.COMMAND, path, start)
        else:
            self._command(path, start)

    def _regex(self, match: re.Match[str]) -> None:
        word = WORDS.match(self.text, match.start())
        if word and word.end() > match.end():
            self._word(word)
        else:
            self._command(match[0], match.start())

    def _word(self, match: re.Match[str]) -> None:
        value, start = match[0], match.start()
        self.at = match.end()
        if value == "ALL":
            self._add(T.ALL, value, start)
        elif value in OPTIONS:
            self._add(T.OPTION, value, start)
        elif ALIAS.match(value):
            self._add(T.ALIAS, value, start)
        elif value in DIGEST_LENGTHS:
            self._digest(value, start)
        elif value == "sudoedit":
            self._command(value, start)
        elif value[0] == "+":
            self._add(T.NETGROUP, unescaped(value), start)
        elif value[0].isdigit() and IPV4_NETWORK.match(value):
            self._add(T.ADDRESS, value, start)
        else:
            self._add(T.WORD, unescaped(value), start)

    def _digest(self, algorithm: str, start: int) -> None:
        self._add(T.DIGEST_TYPE, algorithm, start)
        match = DIGEST.match(self.text, self.at)
        if match is None:
            return
        self.at = match.end()
        self._add(T.PUNCTUATION, ":", match.start())
        size, value = DIGEST_LENGTHS[algorithm], match[1]
        lengths = {2 * size, 4 * ((size + 2) // 3) if value.endswith("=") else (4 * size + 2) // 3}
        self._add(T.DIGEST if len(value) in lengths else T.ERROR, value, match.start(1))

    def _command(self, path: str, start: int) -> None:
        """Take the arguments of a command."""
        if "sudoedit" in path and path.rpartition("/")[2].startswith("sudoedit"):
            path = "sudoedit"
        if plain := PLAIN_ARGS.match(self.text, self.at):
            self.at = plain.end()
            words = [one for one in plain[1].replace("\t", " ").split(" ") if one]
            self._add(T.COMMAND, path, start, " ".join(words) or None)
            return
        args, error = self._arguments()
        if error is None:
            self._add(T.COMMAND, path, start, args)
        else:
            self._add(T.ERROR, error, self.at)

    def _arguments(self) -> tuple[str | None, str | None]:
        """Return the arguments as one string, and what is wrong with them."""
        text, space = self.text, False
        parts: list[str] = []
        while match := ARGS.match(text, self.at):
            group = match.lastgroup
            if group == "end" or (group == "arg" and match[0] == "="):
                break
            if group == "bad":
                return None, "an escape that means nothing here"
            self.at = match.end()
            if group == "space":
                space = True
                continue
            if group == "arg" and not parts and match[0].startswith("^"):
                return self._argument_regex(match.start())
            if parts and space:
                parts.append(" ")
            space = False
            parts.append(match[group or "arg"])
        return ("".join(parts) or None), None

    def _argument_regex(self, start: int) -> tuple[str | None, str | None]:
        match = ARG_REGEX.match(self.text, start)
        if match is None:
            return None, "unterminated regular expression"
        self.at = match.end()
        return re.sub(r"\\[ \t]*\r?\n[ \t]*", "", match[0]), None

    def _group(self, match: re.Match[str]) -> None:
        self._add(T.GROUP, unescaped(match[0]), match.start())

    def _ipv6(self, match: re.Match[str]) -> None:
        self._add(T.ADDRESS, match[0], match.start())

    def _empty(self, match: re.Match[str]) -> None:
        what = "empty netgroup" if match[0] == "+" else "empty group"
        self._add(T.ERROR, what, match.start())

    def _bang(self, match: re.Match[str]) -> None:
        if len(match[0]) % 2:
            self._add(T.PUNCTUATION, "!", match.start())

    def _id(self, match: re.Match[str]) -> None:
        self._add(T.WORD, match[0], match.start())

    def _string(self, match: re.Match[str]) -> None:
        value = _unquoted(match[0])
        kind = {"%": T.GROUP, "+": T.NETGROUP}.get(value[:1], T.WORD)
        if value in {"", "%", "%:", "+"}:
            self._add(T.ERROR, "empty string", match.start())
        else:
            self._add(kind, value, match.start())

    def _continued(self, match: re.Match[str]) -> None:
        """Go on behind a line continuation, where no keyword may stand."""
        pos = match.end()
        keyword = any(one.match(self.text, pos) for one in (DEFAULTS, ALIAS_KEYWORD, INCLUDE))
        if keyword:
            self._add(T.ERROR, "invalid line continuation", pos)

    def _other(self, match: re.Match[str]) -> None:
        start = match.start()
        if match[0] == '"':
            self.at = self.text.index("\n", start)
            self._add(T.ERROR, "unexpected line break in string", start)
        else:
            self._add(T.ERROR, "syntax error", start)

    def _binding(self) -> None:
        """Cut what a Defaults line is bound to, then its settings."""
        text = self.text
        while True:
            if space := BINDING_SPACE.match(text, self.at):
                self.at = space.end()
                if "," not in space[0]:
                    break
                self._add(T.PUNCTUATION, ",", space.start())
                continue
            match = TOKEN.match(text, self.at)
            group = match.lastgroup if match else None
            if match is None or group is None:
                return
            self.at = match.end()
            if group == "newline":
                self._add(T.NEWLINE, "\n", match.start())
                return
            if group in {"path", "regex"} or match[0] == "sudoedit":
                self._add(T.COMMAND, SPECIAL.sub(r"\1", match[0]), match.start())
            elif group == "comment":
                self.at = text.index("\n", match.start())
                self._add(T.ERROR, "syntax error", match.start())
            elif group == "punctuation":
                self._add(T.PUNCTUATION, match[0], match.start())
            else:
                self._step(group, match)
        self._settings()

    def _settings(self) -> None:
        """Cut the settings of a Defaults line: names, and what they are set to."""
        name_next = True
        while match := (NEXT_DEFAULT if name_next else IN_DEFAULT).match(self.text, self.at):
            self.at = match.end()
            which = match.lastindex or 0
            kind = (_NAME_KINDS if name_next else _VALUE_KINDS)[which]
            if kind is not None:
                self._setting(kind, match[which], match.start(which))
            if kind is T.NEWLINE:
                return
            if name_next or match[which] == ",":
                name_next = kind is not T.VARIABLE

    def _setting(self, kind: T, value: str, start: int) -> None:
        if kind is T.PUNCTUATION and value[0] == "!":
            if len(value) % 2:
                self._add(kind, "!", start)
        elif kind is T.WORD and value[0] == '"':
            unquoted = _unquoted(value)
            self._add(T.WORD if unquoted else T.ERROR, unquoted, start)
        else:
            self._add(kind, unescaped(value) if kind is T.WORD else value, start)
        if kind is T.ERROR and value == '"':
            self.at = self.text.index("\n", start)


# By the groups of the expressions: what is cut where a name may stand, and behind one.
_NAME_KINDS: dict[int, T | None] = {
    1: T.VARIABLE, 2: T.PUNCTUATION, 3: T.NEWLINE, 4: None, 5: T.ERROR,
}  # fmt: skip
_VALUE_KINDS: dict[int, T | None] = {
    1: T.PUNCTUATION, 2: T.ASSIGN, 3: T.WORD, 4: T.WORD, 5: T.NEWLINE, 6: None,
    7: T.PUNCTUATION, 8: T.ERROR,
}  # fmt: skip


def _unquoted(quoted: str) -> str:
    joined = re.sub(r"\\[ \t]*\r?\n[ \t]*", "", quoted[1:-1])
    return joined.replace('\\"', '"')
