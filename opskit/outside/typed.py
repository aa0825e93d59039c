"""Frozen values as JSON and back: whole trees of dataclasses, checked against their types."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

import pydantic

from opskit.core.errors import DataError
from opskit.core.text import clean, shorten

T = TypeVar("T")


def to_json(value: object, kind: type[T]) -> bytes:
    """Return a value of `kind` as JSON in one line; fractions are text, `1/3`."""
    return _adapter(kind).dump_json(value)  # type: ignore[arg-type]  # a type is hashable


def from_json(text: bytes | str, kind: type[T], *, name: str) -> T:
    """Return the value that `to_json` wrote; `name` is what an error calls the text.

    Raises:
        DataError: it is not JSON, or not of that kind; the first difference is named.
    """
    try:
        value: T = _adapter(kind).validate_json(text, strict=True)  # type: ignore[arg-type]  # the same
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        at = f" at {clean(where)}" if where else ""
        message = f"{name} is not what it should be{at}: {first['msg']}"
        raise DataError(shorten(message, 300)) from error
    return value


@cache
def _adapter(kind: Any) -> pydantic.TypeAdapter[Any]:  # noqa: ANN401  # any type
    return pydantic.TypeAdapter(kind)
