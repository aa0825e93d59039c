"""Figures in the shapes they come in: a count, a time, a share, or nothing to give. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from opskit.core.clock import format_duration
from opskit.report.model import Bounds, Figure, Presence, Tag


class Referred(Protocol):
    """A row of evidence that names its ledger entries."""

    @property
    def refs(self) -> tuple[int, ...]:
        """Return their sequence numbers."""
        ...


def refs_of(rows: Iterable[Referred]) -> tuple[int, ...]:
    """Return the ledger entries behind some rows, each once, in order."""
    return tuple(sorted({ref for row in rows for ref in row.refs}))


def signed(length: int) -> str:
    """Return a length of time that may be less than nothing."""
    return f"-{format_duration(-length)}" if length < 0 else format_duration(length)


@dataclass(frozen=True, slots=True)
class Name:
    """What a figure is called; `formula` where it is not its method's own."""

    id: str
    title: str
    formula: str = ""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a figure was made from: rows, what else to say, and how it came to be."""

    rows: Sequence[Referred]
    note: str = ""
    tag: Tag = Tag.MEASURED
    bounds: Bounds | None = None


def count(name: Name, number: int, basis: Basis, display: str = "") -> Figure:
    """Return a number of things."""
    return _figure(name, Fraction(number), "count", display or str(number), basis)


def time(name: Name, length: int, basis: Basis, display: str = "") -> Figure:
    """Return a length of time, in microseconds."""
    shown = display or format_duration(length)
    return _figure(name, Fraction(length), "microseconds", shown, basis)


def share(name: Name, value: Fraction, display: str, basis: Basis) -> Figure:
    """Return a share of 1."""
    return _figure(name, value, "ratio", display, basis)


def number(name: Name, value: Fraction, unit: str, display: str, basis: Basis) -> Figure:
    """Return a number in a unit of its own."""
    return _figure(name, value, unit, display, basis)


def missing(name: Name, unit: str, presence: Presence, display: str, basis: Basis) -> Figure:
    """Return a figure without a value; `display` says so in the figure's own words."""
    return Figure(
        name.id, name.title, "", unit, display, basis.tag, name.formula, basis.note,
        refs_of(basis.rows), presence=presence,
    )  # fmt: skip


def _figure(name: Name, value: Fraction, unit: str, display: str, basis: Basis) -> Figure:
    return Figure(
        name.id, name.title, str(value), unit, display, basis.tag, name.formula, basis.note,
        refs_of(basis.rows),
        presence=Presence.SEEN if value else Presence.ZERO,
        bounds=basis.bounds,
    )  # fmt: skip
