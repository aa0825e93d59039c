"""Files as lines, each knowing where it stands; what could be read and what could not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from opskit.access.hosts.model import File, Line, Misread

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """What a file holds, in its order, and the lines that hold nothing its program would take."""

    values: tuple[T, ...]
    misread: tuple[Misread, ...] = ()


def lines(file: File) -> Iterator[Line]:
    """Yield each line that is neither blank nor a comment, numbered from 1."""
    shown = file.shown or file.path
    for number, raw in enumerate(file.text.split("\n"), start=1):
        if raw and not raw.isspace() and not raw.lstrip().startswith("#"):
            yield Line(shown, number, raw)
