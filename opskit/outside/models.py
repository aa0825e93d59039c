"""Typed models of the files a user writes: every mistake at once, each with its line and column."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pydantic

from opskit.core.errors import DataError
from opskit.core.findings import Finding, Severity
from opskit.core.text import clean, nearest, shorten
from opskit.outside.documents import Document, KeyPath, dotted, parse, summary

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class Model(pydantic.BaseModel):
    """The base of every document: unknown keys fail, values do not change after reading."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


T = TypeVar("T", bound=Model)


def read(path: Path, model: type[T], *, name: str = "") -> T:
    """Return the file as `model`.

    Raises:
        DataError: with a finding for each mistake in the file.
    """
    document = parse(path, name=name)
    result = validate(document, model)
    if result is None or document.findings:
        raise DataError(summary(document.path, document.findings), tuple(document.findings))
    return result


def validate(document: Document, model: type[T]) -> T | None:
    """Return the document as `model`, or nothing after adding every mistake to its findings."""
    if document.findings:
        return None
    if document.value is None:
        document.value = {}
    try:
        # Through JSON, because pydantic's strict mode for JSON takes lists for tuples and text for
        # enumerations, and nothing else for anything else.
        return model.model_validate_json(json.dumps(document.value), strict=True)
    except pydantic.ValidationError as error:
        schema = model.model_json_schema()
        tagged_by = frozenset(_tagged_by(schema))
        details = error.errors(include_url=False)
        for detail in details:
            if not _follows(detail, details):
                document.findings.append(_finding(document, schema, tagged_by, detail))
        return None


def _follows(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Return whether a list is too short only because its items were refused."""
    loc = detail["loc"]
    within = (other["loc"] for other in details if len(other["loc"]) > len(loc))
    return detail["type"] == "too_short" and any(other[: len(loc)] == loc for other in within)


def _finding(
    document: Document, schema: dict[str, Any], tagged_by: frozenset[str], detail: ErrorDetails
) -> Finding:
    key_path = _own_path(document, detail["loc"], tagged_by)
    place = document.place(key_path)
    subject = dotted(key_path)
    if detail["type"] == "extra_forbidden":
        name = str(key_path[-1]) if key_path else ""
        guess = nearest(name, sorted(_known_keys(schema, detail["loc"][:-1])))
        fix = f"did you mean {guess!r}?" if guess else "remove it, or see: opskit schema"
        return Finding(
            "file-unknown-key", Severity.HIGH, subject, f"unknown key {clean(name)!r}", place, fix
        )
    if detail["type"] == "missing":
        name = str(detail["loc"][-1])
        key_path = _own_path(document, detail["loc"][:-1], tagged_by)
        place, subject = document.place(key_path), dotted((*key_path, name))
        return Finding(
            "file-missing-key", Severity.HIGH, subject, f"key {name!r} is missing", place
        )
    message, fix = _worded(detail)
    got = detail.get("input")
    shown = "" if isinstance(got, dict | list) else f" (got {shorten(clean(repr(got)), 60)})"
    return Finding("file-value", Severity.HIGH, subject, f"{message}{shown}", place, fix)


_WORDS = {
    "model_type": "write keys below it, each with a value",
    "dict_type": "write keys below it, each with a value",
    "tuple_type": "write a list: [one, two]",
    "string_type": "write text, in quotes if it looks like something else",
    "int_type": "write a whole number",
    "float_type": "write a number",
    "bool_type": "write true or false",
    "too_short": "write at least {min_length} of them",
    "union_tag_not_found": "key {discriminator} is missing",
}


def _worded(detail: ErrorDetails) -> tuple[str, str]:
    """Return what is wrong in words for whoever wrote the file, and what may have been meant."""
    context = detail.get("ctx", {})
    if detail["type"] == "union_tag_invalid":
        known = re.findall("'([^']+)'", context["expected_tags"])
        key, tag = context["discriminator"].strip("'"), str(context["tag"])
        guess = nearest(tag, known)
        fix = f"did you mean {guess!r}?" if guess else ""
        return f"{key} {clean(tag)!r} is unknown; there are {', '.join(known)}", fix
    if detail["type"] in _WORDS:
        return _WORDS[detail["type"]].format(**context), ""
    return str(detail["msg"]).removeprefix("Value error, "), ""


def _own_path(document: Document, loc: tuple[str | int, ...], tagged_by: frozenset[str]) -> KeyPath:
    """Drop from pydantic's path what is no key of the file: the tags of discriminated unions.

    A tag may be called like a key beside it: it comes first, and is a value of the file.
    """
    key_path: KeyPath = ()
    value, tag_passed = document.value, False
    for part in loc:
        of = value if isinstance(value, dict) else {}
        if not tag_passed and any(of.get(name) == part for name in tagged_by):
            tag_passed = True
        elif (*key_path, part) in document.places:
            key_path = (*key_path, part)
            value, tag_passed = _child(value, part), False
    return key_path


def _child(value: object, part: str | int) -> object:
    if isinstance(value, dict):
        return value.get(part)
    return value[part] if isinstance(value, list) and isinstance(part, int) else None


def _tagged_by(node: object) -> Iterator[str]:
    """Yield the keys that tell the members of unions apart, from anywhere in a schema."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    if isinstance(node, dict) and isinstance(node.get("discriminator"), dict):
        yield str(node["discriminator"].get("propertyName", ""))
    for child in children:
        yield from _tagged_by(child)


def _known_keys(schema: dict[str, Any], loc: tuple[str | int, ...]) -> set[str]:
    nodes = list(_resolve(schema, schema))
    for part in loc:
        stepped = [child for node in nodes for child in _step(node, part)]
        # A part that leads nowhere is the tag of a union: the nodes at hand are its members.
        nodes = [found for child in stepped for found in _resolve(schema, child)] or nodes
    return {key for node in nodes for key in node.get("properties", {})}


def _step(node: dict[str, Any], part: str | int) -> Iterator[dict[str, Any]]:
    if isinstance(part, int) and "items" in node:
        yield node["items"]
    elif part in node.get("properties", {}):
        yield node["properties"][part]
    elif isinstance(node.get("additionalProperties"), dict):
        yield node["additionalProperties"]
    else:
        yield from node.get("patternProperties", {}).values()


def _resolve(schema: dict[str, Any], node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in node:
        yield from _resolve(schema, schema["$defs"][node["$ref"].rsplit("/", 1)[-1]])
        return
    choices = node.get("oneOf") or node.get("anyOf") or node.get("allOf")
    if choices:
        for choice in choices:
            yield from _resolve(schema, choice)
    else:
        yield node


def json_schema(model: type[Model]) -> dict[str, Any]:
    """Return the model's JSON schema in draft-07, the newest that editors' YAML servers read."""
    text = json.dumps(model.model_json_schema()).replace("#/$defs/", "#/definitions/")
    schema: dict[str, Any] = json.loads(text)
    if "$defs" in schema:
        schema["definitions"] = schema.pop("$defs")
    return {"$schema": "http://json-schema.org/draft-07/schema#", **schema}
