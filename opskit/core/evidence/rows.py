"""Evidence of one kind of source: rows that can be added up."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Protocol, Self, TypeGuard, TypeVar

UNRECORDED = "unrecorded"


class Rows:
    """A frozen dataclass whose fields are tuples of rows. An empty one means: looked, none.

    One whose name is in `unrecorded` means: nobody writes such rows down, and nothing can be said.
    """

    __slots__ = ()

    def __add__(self, other: Self) -> Self:
        """Return the rows of both; what either of them records is recorded."""
        names = [one.name for one in fields(self)]  # type: ignore[arg-type]  # a dataclass
        both = {name: getattr(self, name) + getattr(other, name) for name in names}
        if UNRECORDED in both:
            lacking = set(getattr(self, UNRECORDED)) & set(getattr(other, UNRECORDED))
            both[UNRECORDED] = tuple(sorted(lacking))
        return type(self)(**both)

    @property
    def count(self) -> int:
        """Return how many rows there are of all kinds."""
        names = {one.name for one in fields(self)} - {UNRECORDED}  # type: ignore[arg-type]  # the same
        return sum(len(getattr(self, name)) for name in names)

    @property
    def unreferred(self) -> Self:
        """Return the rows without the entries behind them."""
        names = {one.name for one in fields(self)} - {UNRECORDED}  # type: ignore[arg-type]  # the same
        rows = {name: tuple(map(bare, getattr(self, name))) for name in names}
        return replace(self, **rows)  # type: ignore[type-var]  # the same


class _Referring(Protocol):
    @property
    def refs(self) -> tuple[int, ...]: ...


Row = TypeVar("Row", bound=_Referring)


def bare(row: Row) -> Row:
    """Return a row without the entries behind it."""
    return replace(row, refs=()) if row.refs else row  # type: ignore[type-var]  # a dataclass


def settle_order(row: object, name: str) -> None:
    """Put a mapping of a frozen row into the order of its keys: equal rows are then equal texts."""
    object.__setattr__(row, name, dict(sorted(getattr(row, name).items())))


Group = TypeVar("Group", bound=Rows)


def recorded(group: Group | None, *names: str) -> TypeGuard[Group]:
    """Return whether somebody writes down rows of all these names."""
    return group is not None and not set(names) & set(getattr(group, UNRECORDED, ()))


def only(kind: type[Rows], *names: str) -> tuple[str, ...]:
    """Return what is unrecorded where somebody writes down rows of just these names."""
    every = {one.name for one in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    return tuple(sorted(every - {UNRECORDED, *names}))
