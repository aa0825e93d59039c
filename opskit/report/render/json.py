"""The report as JSON: the whole model and its inputs, for programs and to recompute it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from opskit.core.errors import DataError
from opskit.report.built import Built
from opskit.report.model import PARTS

# Each value takes many times its letters in memory; more than these were written to fill it.
MOST_VALUES = 20_000_000
_AT_ONCE = 1_000
# Months, not requests.
_FEW = 20


def render(built: Built) -> str:
    """Return the model and its inputs, sorted by key, so that two can be compared line by line.

    Strings stay exactly as recorded: JSON's own escapes make them harmless, and a hash over a
    cleaned string would no longer match.
    """
    names = ("format_version", "inputs", *PARTS)
    told = ",\n".join(f"  {json.dumps(name)}: {_told(built, name)}" for name in sorted(names))
    return f"{{\n{told}\n}}\n"


def _told(built: Built, name: str) -> str:
    """Return one part of the whole: no two of them are values, and texts, at the same time."""
    if name == "inputs":
        return "".join(_line(json.loads(built.embedded)))
    return _lines(built.report.part_as_json(name))


def _lines(value: object) -> str:
    """Return a value in one line, a list in one line for each item.

    An indent would be wider still, and written by the slower of the two encoders there are.
    """
    if not isinstance(value, list) or not value:
        return json.dumps(value, sort_keys=True)
    items = ",\n    ".join(json.dumps(one, sort_keys=True) for one in value)
    return f"[\n    {items}\n  ]"


def _line(value: object) -> Iterator[str]:
    """Yield a value in one line, in parts.

    The encoder keeps each word of what it writes as a value of its own until it is done.
    """
    if isinstance(value, dict):
        before = "{"
        for name in sorted(value):
            yield f"{before}{json.dumps(name)}: "
            yield from _line(value[name])
            before = ", "
        yield "}" if value else "{}"
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value[:1]):
        yield from _items(value)
    else:
        yield json.dumps(value, sort_keys=True)


def _items(rows: list[object]) -> Iterator[str]:
    """Yield a list, some rows at a time; the few that are large in themselves in parts again."""
    before = "["
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        yield before
        if len(rows) <= _FEW:
            yield from _joined(some)
        else:
            yield json.dumps(some, sort_keys=True)[1:-1]
        before = ", "
    yield "]"


def _joined(rows: list[object]) -> Iterator[str]:
    for index, one in enumerate(rows):
        yield ", " if index else ""
        yield from _line(one)


def read(data: bytes, *, name: str) -> dict[str, Any]:
    """Return the JSON of a report as it stands in a file, with the inputs it carries.

    Raises:
        DataError: it is no JSON, or not of a report.
    """
    if data.count(b",") + data.count(b"[") + data.count(b"{") > MOST_VALUES:
        raise DataError(f"{name} holds more values than any report")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} is no JSON: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("inputs"), dict):
        raise DataError(f"{name} carries no inputs of a report, so it cannot be built again")
    return found


def carried(found: dict[str, Any]) -> bytes:
    """Return the inputs that the JSON of a report carries."""
    return json.dumps(found["inputs"], separators=(",", ":")).encode()
