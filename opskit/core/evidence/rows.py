"""Evidence of one kind of source: rows that can be added up."""

from __future__ import annotations

from dataclasses import fields
from typing import Self


class Rows:
    """A frozen dataclass whose fields are tuples of rows. An empty one means: looked, none."""

    __slots__ = ()

    def __add__(self, other: Self) -> Self:
        """Return the rows of both."""
        names = [one.name for one in fields(self)]  # type: ignore[arg-type]  # a dataclass
        return type(self)(*(getattr(self, name) + getattr(other, name) for name in names))
