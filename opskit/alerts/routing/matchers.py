"""Matchers of labels, as Alertmanager writes them: `severity="page"`, `env!~"dev|test"`.

Source: Alertmanager documentation, "Configuration", section "Matcher". A label that is missing
is the empty text; a regular expression has to match the whole value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

LONGEST = 1_000
# So many free repeats cost at most the square of a value's length, times their number.
_FREE = 3
# Each doubles the cost at most.
_CHOICES = 8
_CHOICE = re.compile(r"\(|(?<!\()\?")
# A repeat of what is not one character: its cost can double with each character of a value. The
# rest could hide one, and is none of Alertmanager's.
_SLOW = re.compile(r"\)(?:[*+]|\{\d*,?\d*\})|\(\?(?:#|\(|P=|[a-zA-Z-]*x)")
_FREE_REPEAT = re.compile(r"[*+]|\{\d*,?\d*\}")
_LITERAL = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_BARE = r"[^\s{}!=~,\\\"'`]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_MATCHER = re.compile(rf"\s*({_QUOTED}|{_BARE})\s*(=~|!~|!=|=)\s*({_QUOTED}|[^\s{{}},\"]*)\s*")


class Operator(StrEnum):
    """How a label's value is compared."""

    IS = "="
    IS_NOT = "!="
    LIKE = "=~"
    UNLIKE = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label."""

    name: str
    operator: Operator
    value: str

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Return whether an alert with these labels meets it."""
        given = labels.get(self.name, "")
        if self.operator in (Operator.LIKE, Operator.UNLIKE):
            return (_whole(self.value)(given) is not None) == (self.operator is Operator.LIKE)
        return (given == self.value) == (self.operator is Operator.IS)

    def __str__(self) -> str:
        """Return it as it is written."""
        name = (
            self.name if re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", self.name) else _quoted(self.name)
        )
        return f"{name}{self.operator}{_quoted(self.value)}"


def all_hold(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Return whether every condition is met; without any, all alerts meet them."""
    return all(one.holds(labels) for one in matchers)


def parsed(text: str) -> tuple[Matcher, ...]:
    """Return the matchers of a text: one, or several within braces or with commas between.

    Raises:
        ValueError: it is no matcher, or a regular expression that cannot be one.
    """
    if len(text) > LONGEST:
        message = f"a matcher has at most {LONGEST} characters"
        raise ValueError(message)
    inner = text.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1]
    found: list[Matcher] = []
    at = 0
    while at < len(inner):
        match = _MATCHER.match(inner, at)
        if match is None or (match.end() < len(inner) and inner[match.end()] != ","):
            message = f'{text!r} is no matcher; write severity="page" or env!~"dev|test"'
            raise ValueError(message)
        found.append(_matcher(match))
        at = match.end() + 1
    if not found:
        message = 'a matcher is missing; write severity="page"'
        raise ValueError(message)
    return tuple(found)


def _matcher(match: re.Match[str]) -> Matcher:
    name, operator, value = match.groups()
    one = Matcher(_plain(name), Operator(operator), _plain(value))
    if one.operator in (Operator.LIKE, Operator.UNLIKE):
        try:
            _whole(one.value)
        except re.error as error:
            message = f"{one.value!r} is no regular expression: {error}"
            raise ValueError(message) from error
        _refuse_slow(one.value)
    return one


def _refuse_slow(pattern: str) -> None:
    """Refuse a regular expression that could take so long that all alerts wait for it.

    Alertmanager's are linear in the length of a value, Python's are not.
    """
    bare = _LITERAL.sub("x", pattern)
    free = max(len(_FREE_REPEAT.findall(one)) for one in _alternatives(bare))
    choices = max(len(_CHOICE.findall(one)) for one in _alternatives(bare))
    if _SLOW.search(bare) or free > _FREE or choices > _CHOICES:
        message = (
            f"{pattern!r} could take too long: repeat single characters only, at most {_FREE} "
            f"times, with at most {_CHOICES} groups and question marks"
        )
        raise ValueError(message)


def _alternatives(bare: str) -> list[str]:
    """Return what is tried one after the other; within groups that cannot be told so easily."""
    return [bare] if "(" in bare else bare.split("|")


def _plain(text: str) -> str:
    """Return a name or value without its quotes; Go's escapes that JSON lacks stay as they are."""
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text, strict=False))
    except ValueError:
        return text[1:-1].replace('\\"', '"')


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@lru_cache(maxsize=1_000)
def _whole(pattern: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(pattern, re.DOTALL).fullmatch
