"""The report as JSON: the whole model and its inputs, for programs and to recompute it."""

from __future__ import annotations

import json
from typing import Any

from opskit.core.errors import DataError
from opskit.report.built import Built

# Each value takes many times its letters in memory; more than these were written to fill it.
MOST_VALUES = 20_000_000


def render(built: Built) -> str:
    """Return the model and its inputs, sorted by key, so that two can be compared line by line.

    Strings stay exactly as recorded: JSON's own escapes make them harmless, and a hash over a
    cleaned string would no longer match.
    """
    whole = {**built.report.as_json(), "inputs": json.loads(built.embedded)}
    told = ",\n".join(f"  {json.dumps(name)}: {_lines(whole[name])}" for name in sorted(whole))
    return f"{{\n{told}\n}}\n"


def _lines(value: object) -> str:
    """Return a value in one line, a list in one line for each item.

    An indent would be wider still, and written by the slower of the two encoders there are.
    """
    if not isinstance(value, list) or not value:
        return json.dumps(value, sort_keys=True)
    items = ",\n    ".join(json.dumps(one, sort_keys=True) for one in value)
    return f"[\n    {items}\n  ]"


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
