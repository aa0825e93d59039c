"""JSON that comes in over the network, read as strictly as a file."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import pydantic

from opskit.core.errors import DataError
from opskit.outside.models import Model

T = TypeVar("T", bound=Model)


def read_body(body: bytes, model: type[T]) -> T:
    """Return a body as `model`.

    Raises:
        DataError: it is none; the message names keys of the model, and nothing that was sent.
    """
    try:
        return model.model_validate_json(body, strict=True)
    except pydantic.ValidationError as error:
        names = {field.alias or name for name, field in model.model_fields.items()}
        bad = {str(one["loc"][0]) if one["loc"] else "" for one in error.errors(include_url=False)}
        wrong = ", ".join(sorted(bad & names)) or "the body"
        message = f"not as it should be: {wrong}; the keys are {', '.join(sorted(names))}"
        raise DataError(message, ()) from error


def read_bodies(body: bytes, model: type[T], *, most: int) -> tuple[T, ...]:
    """Return a list of bodies; at the first mistake it ends.

    Raises:
        DataError: it is none, or has more than `most`; nothing of what was sent is named.
    """
    bound = pydantic.Field(max_length=most)
    try:
        form: Any = Annotated[tuple[model, ...], pydantic.FailFast(), bound]  # type: ignore[valid-type]
        found: tuple[T, ...] = pydantic.TypeAdapter(form).validate_json(body, strict=True)
    except pydantic.ValidationError as error:
        names = sorted(field.alias or name for name, field in model.model_fields.items())
        message = f"not as it should be: a list of at most {most} with the keys {', '.join(names)}"
        raise DataError(message, ()) from error
    return found
