"""JSON that comes in over the network, read as strictly as a file."""

from __future__ import annotations

from typing import TypeVar

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
