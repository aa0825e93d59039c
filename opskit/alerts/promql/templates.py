"""Templates of labels and annotations, as Prometheus expands them. Pure.

The part of Go's text/template that rules use: `{{ $labels.x }}`, `{{ $value | humanize }}`,
`if`, comparisons and Prometheus's own functions. Whatever asks a server or goes round in loops is
refused by name when the rule is read. Source: Prometheus documentation, "Template reference".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from opskit.alerts.promql.nodes import NotSupportedError, QueryError
from opskit.alerts.promql.words import FUNCTIONS, Value, printed

# An annotation is read by a person: what is longer is cut.
LONGEST: Final = 10_000
_ACTION = re.compile(r"\{\{(- )?(.*?)( -)?\}\}", re.DOTALL)
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|`[^`]*`)|(?P<number>[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"""
    r"""|(?P<field>\$?\.?[A-Za-z_][\w.]*|\.)|(?P<sign>[|()]))"""
)
_REFUSED = frozenset(
    {
        "range", "with", "template", "define", "block", "query", "first",
        "sortByLabel", "tmpl", "safeHtml", "args", "externalURL", "pathPrefix", "tableLink",
        "graphLink", "strvalue", "label", "value", "call", "html", "index", "js", "len", "nil",
        "println", "slice", "toTime", "urlquery",
    }
)  # fmt: skip
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'"}


@dataclass(frozen=True, slots=True)
class Data:
    """What a template may name."""

    labels: Mapping[str, str]
    value: float
    external: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Plain:
    text: str

    def written(self, data: Data) -> Iterator[str]:
        del data
        yield self.text


@dataclass(frozen=True, slots=True)
class _Said:
    pipeline: _Pipeline

    def written(self, data: Data) -> Iterator[str]:
        yield printed(self.pipeline.value(data))


@dataclass(frozen=True, slots=True)
class _Choice:
    """An `if`, with what is written where it holds and where it does not."""

    condition: _Pipeline
    yes: tuple[_Part, ...]
    no: tuple[_Part, ...]

    def written(self, data: Data) -> Iterator[str]:
        for part in self.yes if _true(self.condition.value(data)) else self.no:
            yield from part.written(data)


_Part = _Plain | _Said | _Choice


@dataclass(frozen=True, slots=True)
class _Constant:
    value_: Value

    def value(self, data: Data) -> Value:
        del data
        return self.value_


@dataclass(frozen=True, slots=True)
class _Field:
    """`$value`, or a label of the alert or of the server."""

    group: str
    name: str

    def value(self, data: Data) -> Value:
        if self.group == "value":
            return data.value
        labels = data.labels if self.group == "labels" else data.external
        return labels.get(self.name, "") if self.name else dict(labels)


@dataclass(frozen=True, slots=True)
class _Call:
    function: Callable[..., Value]
    arguments: tuple[_Term, ...]

    def value(self, data: Data, *last: Value) -> Value:
        return self.function(*(one.value(data) for one in self.arguments), *last)


@dataclass(frozen=True, slots=True)
class _Pipeline:
    """Commands, each given what the one before it says as its last argument."""

    first: _Term
    rest: tuple[_Call, ...] = ()

    def value(self, data: Data) -> Value:
        found = self.first.value(data)
        for call in self.rest:
            found = call.value(data, found)
        return found


_Term = _Constant | _Field | _Call | _Pipeline


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read."""

    parts: tuple[_Part, ...]

    def expanded(self, data: Data) -> str:
        """Return what it says; where that fails, Prometheus's own words for it."""
        try:
            return "".join(text for part in self.parts for text in part.written(data))[:LONGEST]
        except (ValueError, TypeError, ArithmeticError, re.error) as error:
            return f"<error expanding template: {error}>"


def read(text: str) -> Template:
    """Return the template of a text.

    Raises:
        QueryError: it is none, or uses what is not supported; which is named.
    """
    reader = _Reader(list(_pieces(text)))
    parts = reader.parts()
    if reader.left:
        raise QueryError(f"template: {{{{ {reader.left[0][1]} }}}} without an if before it")
    return Template(parts)


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """Yield plain text and actions in turn; `{{-` and `-}}` take the space beside them."""
    at, trimmed = 0, False
    for match in _ACTION.finditer(text):
        plain = text[at : match.start()]
        plain = plain.lstrip() if trimmed else plain
        yield False, plain.rstrip() if match[1] else plain
        yield True, match[2].strip()
        at, trimmed = match.end(), bool(match[3])
    rest = text[at:]
    if "{{" in rest:
        raise QueryError("template: unclosed action")
    yield False, rest.lstrip() if trimmed else rest


class _Reader:
    """Reads pieces to parts; `left` are those not read yet."""

    def __init__(self, pieces: list[tuple[bool, str]]) -> None:
        self.left = pieces

    def parts(self) -> tuple[_Part, ...]:
        """Return the parts up to an `else`, an `end` or the end."""
        found: list[_Part] = []
        while self.left:
            is_action, text = self.left[0]
            if is_action and text.split(maxsplit=1)[:1] in (["else"], ["end"]):
                break
            self.left.pop(0)
            if not is_action:
                found.append(_Plain(text))
            elif text.startswith("if ") or text == "if":
                found.append(self._choice(text[2:]))
            elif not text.startswith("/*"):
                found.append(_Said(_pipeline(text)))
        return tuple(found)

    def _choice(self, condition: str) -> _Choice:
        asked, yes = _pipeline(condition), self.parts()
        if not self.left:
            raise QueryError("template: if without end")
        _, text = self.left.pop(0)
        if text == "end":
            return _Choice(asked, yes, ())
        if text == "else":
            no = self.parts()
            if not self.left or self.left.pop(0)[1] != "end":
                raise QueryError("template: if without end")
            return _Choice(asked, yes, no)
        if text.startswith("else if "):
            return _Choice(asked, yes, (self._choice(text[len("else if ") :]),))
        raise QueryError(f"template: {text!r} is not understood")


def _pipeline(text: str) -> _Pipeline:
    tokens = list(_tokens(text))
    found, rest = _piped(tokens)
    if rest:
        # Go's parser takes words beside each other and fails when the template is filled.
        kind = NotSupportedError if rest[0][0] != "sign" and " " in text else QueryError
        raise kind(f"template: unexpected {rest[0][1]!r} in {{{{ {text} }}}}")
    return found


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            if re.match(r"\s*:?=", text[at:]):
                raise NotSupportedError(f"template: a variable of its own in {text!r}")
            raise QueryError(f"template: {text[at:].strip()[:20]!r} is not understood")
        yield match.lastgroup, match[match.lastgroup]
        at = match.end()


_Tokens = Sequence[tuple[str, str]]


def _piped(tokens: _Tokens) -> tuple[_Pipeline, _Tokens]:
    first, tokens = _command(tokens, first=True)
    calls: list[_Call] = []
    while tokens and tokens[0] == ("sign", "|"):
        call, tokens = _command(tokens[1:], first=False)
        if not isinstance(call, _Call):
            raise QueryError("template: only a function can follow |")
        calls.append(call)
    return _Pipeline(first, tuple(calls)), tokens


def _command(tokens: _Tokens, *, first: bool) -> tuple[_Term, _Tokens]:
    """Return an operand, or a function with its arguments."""
    if not tokens:
        raise QueryError("template: a value is missing")
    kind, text = tokens[0]
    if kind != "field" or text[0] in "$." or text in _TRUTHS:
        return _operand(tokens)
    function, tokens = _function(text), tokens[1:]
    arguments: list[_Term] = []
    while tokens and tokens[0] not in (("sign", "|"), ("sign", ")")):
        one, tokens = _operand(tokens)
        arguments.append(one)
    if first and not arguments:
        raise NotSupportedError(f"template: function {text!r} has nothing to work on")
    return _Call(function, tuple(arguments)), tokens


def _function(name: str) -> Callable[..., Value]:
    found = FUNCTIONS.get(name)
    if found is None:
        if name in _REFUSED:
            raise NotSupportedError(f"template: function {name!r} is not supported")
        raise QueryError(f"template: function {name!r} not defined")
    return found


def _operand(tokens: _Tokens) -> tuple[_Term, _Tokens]:
    (kind, text), rest = tokens[0], tokens[1:]
    if kind == "sign":
        if text != "(":
            raise QueryError(f"template: unexpected {text!r}")
        inner, rest = _piped(rest)
        if not rest or rest[0] != ("sign", ")"):
            raise QueryError("template: ) is missing")
        return inner, rest[1:]
    if kind == "text":
        return _Constant(_unquoted(text)), rest
    if kind == "number":
        return _Constant(float(text) if re.search("[.eE]", text) else int(text)), rest
    if text in _TRUTHS:
        return _Constant(text == "true"), rest
    return _field(text), rest


_TRUTHS = ("true", "false")
_GROUPS = {
    "$labels": "labels", ".Labels": "labels", "$value": "value", ".Value": "value",
    "$externalLabels": "external", ".ExternalLabels": "external",
}  # fmt: skip
_OTHERS = frozenset({"$", "$externalURL"})


def _field(text: str) -> _Field:
    start = "." if text.startswith(".") else ""
    head, _, name = text.removeprefix(".").partition(".")
    group = _GROUPS.get(start + head)
    if group is None and text.startswith("$") and head not in _OTHERS:
        raise QueryError(f"template: undefined variable {head!r}")
    if group is None or "." in name or (group == "value" and name):
        raise NotSupportedError(f"template: {text!r} is not supported")
    return _Field(group, name)


def _unquoted(text: str) -> str:
    if text.startswith("`"):
        return text[1:-1]
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), text[1:-1])


def _true(value: Value) -> bool:
    """Return whether Go takes a value for true: neither zero nor empty."""
    return bool(value)
