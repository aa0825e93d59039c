"""What an HTTP answer must hold: texts, patterns, headers, values in JSON. Pure.

Patterns are searched for by an engine whose time grows with the text and nothing else: a page
cannot make a search take long, whatever is in it. Nothing in a reason comes from the answer.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    Field,
    JsonValue,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import SchemaError

from opskit.core.text import decode, plural
from opskit.outside.models import Model

Headers = Sequence[tuple[str, str]]
Scalar = str | int | float | bool | None

# What is captured is searched for by another engine, which needs a bound.
_CAPTURED_FROM = 65_536
_PART = re.compile(r'\.?([^.\[\]"]+)|\[(\d{1,9})\]|\["([^"\]]*)"\]')


class _Missing:
    """What is not there; `null` is."""


MISSING: Final = _Missing()


@functools.lru_cache(maxsize=1_024)
def _searcher(pattern: str) -> TypeAdapter[str]:
    return TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)])


def found(pattern: str, text: str) -> bool:
    """Return whether a pattern is somewhere in a text."""
    try:
        _searcher(pattern).validate_python(text)
    except ValidationError:
        return False
    return True


def _pattern(text: str) -> str:
    try:
        _searcher(text)
        re.compile(text)
    except (SchemaError, re.error, RecursionError, OverflowError) as error:
        message = f"{text!r} is no pattern, or looks ahead or back, which is not supported"
        raise ValueError(message) from error
    return text


def path_parts(text: str) -> tuple[str | int, ...]:
    """Return the keys and indexes of a path such as `checks[0].state` or `["odd.key"]`.

    Raises:
        ValueError: the text is none.
    """
    parts: list[str | int] = []
    at = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            message = f"{text!r} is no path; write checks[0].state"
            raise ValueError(message)
        index, key = match[2], match[1] if match[1] is not None else match[3]
        parts.append(int(index) if index is not None else key)
        at = match.end()
    return tuple(parts)


def _path(text: str) -> str:
    path_parts(text)
    return text


def value_at(document: object, path: str) -> object:
    """Return what a JSON document holds at a path, or `MISSING`."""
    for part in path_parts(path):
        document = _child(document, part)
    return document


def _child(document: object, part: str | int) -> object:
    if isinstance(document, dict):
        return document.get(part, MISSING)
    if isinstance(document, list) and isinstance(part, int) and part < len(document):
        return document[part]
    return MISSING


def parsed(body: bytes) -> object:
    """Return a body as JSON, or `MISSING` if it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return MISSING


def same(value: object, wanted: Scalar) -> bool:
    """Return whether two JSON values are equal; `true` is not 1."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, dict | list):
        return False
    return value == wanted


Pattern = Annotated[str, Field(max_length=1_000), AfterValidator(_pattern)]
JsonPath = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_path)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]
HeaderValue = Annotated[str, Field(pattern=r"^[^\x00-\x08\x0a-\x1f\x7f]*$", max_length=8_000)]
# Without the extra word a schema takes any other name for a key it knows nothing of.
ONLY_NAMES: dict[str, JsonValue] = {"additionalProperties": False}


class Expected(Model):
    """What an answer must hold; nothing of it is asked for by default."""

    contains: str = Field(default="", description="text the body must hold", examples=["welcome"])
    not_contains: str = Field(
        default="", description="text the body must not hold", examples=["Exception"]
    )
    matches: Pattern | None = Field(
        default=None,
        description="pattern the body must match somewhere; no looking ahead or back",
        examples=[r"version [0-9]+"],
    )
    expect_headers: dict[HeaderName, str] = Field(
        default_factory=dict,
        description="headers the answer must have, and a text each must hold",
        examples=[{"Content-Type": "text/html"}],
        json_schema_extra=ONLY_NAMES,
    )
    expect_json: dict[JsonPath, Scalar] = Field(
        default_factory=dict,
        description="paths in a JSON body, and the value at each",
        examples=[{"status": "ok", "checks[0].healthy": True}],
    )

    @property
    def wants_body(self) -> bool:
        """Return whether it says anything of the body."""
        return bool(self.contains or self.not_contains or self.matches or self.expect_json)

    @model_validator(mode="after")
    def _agree(self) -> Expected:
        if self.contains and self.contains == self.not_contains:
            message = "the body cannot both hold a text and not hold it"
            raise ValueError(message)
        return self


def failure(wanted: Expected, body: bytes, headers: Headers, *, cut: bool) -> str:
    """Return in what an answer is not as it must be; empty if it is."""
    return (
        _failure_of_text(wanted, body, cut=cut)
        or _failure_of_headers(wanted, headers)
        or _failure_of_json(wanted, body)
    )


def _failure_of_text(wanted: Expected, body: bytes, *, cut: bool) -> str:
    where = f"the first {plural(len(body), 'byte')}" if cut else "the body"
    if wanted.contains.encode() not in body:
        return f"{wanted.contains!r} is not in {where}"
    if wanted.not_contains and wanted.not_contains.encode() in body:
        return f"{wanted.not_contains!r} is in {where}"
    if wanted.matches is not None and not found(wanted.matches, decode(body)):
        return f"{wanted.matches!r} does not match {where}"
    return ""


def _failure_of_headers(wanted: Expected, headers: Headers) -> str:
    for name, text in wanted.expect_headers.items():
        values = [value for other, value in headers if other == name.lower()]
        if not values:
            return f"there is no header {name}"
        if not any(text in value for value in values):
            return f"{text!r} is not in the header {name}"
    return ""


def _failure_of_json(wanted: Expected, body: bytes) -> str:
    if not wanted.expect_json:
        return ""
    document = parsed(body)
    if document is MISSING:
        return "the body is no JSON"
    for path, value in wanted.expect_json.items():
        if not same(value_at(document, path), value):
            return f"{path} in the body is not {json.dumps(value)}"
    return ""


def captured(pattern: str, body: bytes) -> str | None:
    """Return the first group of a pattern, or all it matches; nothing where it does not."""
    text = decode(body[:_CAPTURED_FROM])
    if not found(pattern, text):
        return None
    match = re.search(pattern, text)
    return match[1 if match.re.groups else 0] if match else None
