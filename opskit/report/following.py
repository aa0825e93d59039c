"""Follow a figure to what it was made from: its method, rows of evidence, ledger entries. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction

from opskit.core.clock import format_duration, iso, to_datetime
from opskit.core.errors import ConfigError
from opskit.core.evidence import Evidence
from opskit.core.text import clean, nearest
from opskit.report.built import Built
from opskit.report.figures.catalogue import METHODS
from opskit.report.figures.method import Method
from opskit.report.ground import Ground
from opskit.report.inputs import EvidenceRow
from opskit.report.model import Figure

_MOMENTS = frozenset({"at", "start", "end"})


@dataclass(frozen=True, slots=True)
class Told:
    """What a row of evidence says: a field, its value as data, and in words for people."""

    name: str
    value: str
    words: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of evidence: what kind it is, what it says, and the entries behind it."""

    kind: str
    told: tuple[Told, ...]
    refs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a figure was in an earlier month, as `2026-09`."""

    month: str
    value: str
    display: str


@dataclass(frozen=True, slots=True)
class Explained:
    """A figure with all it comes from. `unnamed` are entries whose hash the report leaves out."""

    figure: Figure
    method: Method
    earlier: tuple[Earlier, ...]
    rows: tuple[Row, ...]
    entries: tuple[EvidenceRow, ...]
    unnamed: tuple[int, ...]


def explained(built: Built, name: str) -> Explained:
    """Return what a figure of a report comes from.

    Raises:
        ConfigError: the report has no such figure; the nearest is named.
    """
    figures = {one.id: one for one in built.report.figures}
    if name not in figures:
        guess = nearest(name, list(figures))
        meant = f"; did you mean {clean(guess)}?" if guess else ""
        raise ConfigError(
            f"no figure {clean(name)} in this report{meant}", hint="opskit report explain lists all"
        )
    figure = figures[name]
    method = next(one for one in METHODS if one.name == figure.method)
    known = {one.seq: one for one in built.inputs.entries}
    return Explained(
        figure,
        method,
        tuple(_earlier(figure, method, built.inputs.ground)),
        tuple(_behind(figure, built.inputs.ground.evidence)),
        tuple(known[ref] for ref in figure.refs if ref in known),
        tuple(ref for ref in figure.refs if ref not in known),
    )


def _earlier(figure: Figure, method: Method, ground: Ground) -> Iterator[Earlier]:
    if figure.comparison is None:
        return
    for past in ground.past:
        month = ground.at(past)
        for one in method.figures(month):
            if one.id == figure.id and one.value:
                # The middle of a month is in it, whatever its zone.
                middle = (past.period.start + past.period.end) // 2
                yield Earlier(f"{to_datetime(middle):%Y-%m}", one.value, one.display)


def _behind(figure: Figure, evidence: Evidence) -> Iterator[Row]:
    wanted = set(figure.refs)
    for kind, row in rows_of(evidence):
        refs = tuple(getattr(row, "refs", ()))
        if wanted.intersection(refs):
            yield Row(kind, tuple(_told(row)), refs)


def rows_of(evidence: object, kind: str = "") -> Iterator[tuple[str, object]]:
    """Yield each row of evidence with what kind it is, in the groups the slices have."""
    for one in fields(evidence):  # type: ignore[arg-type]  # a dataclass
        group = getattr(evidence, one.name)
        name = f"{kind} {one.name}".strip().replace("_", " ")
        if isinstance(group, tuple):
            yield from ((name, row) for row in group if is_dataclass(row))
        elif is_dataclass(group):
            yield from rows_of(group, name)


def _told(row: object) -> Iterator[Told]:
    for one in fields(row):  # type: ignore[arg-type]  # a dataclass
        value = getattr(row, one.name)
        if one.name == "refs" or value in (None, "", ()) or is_dataclass(value):
            continue
        if isinstance(value, tuple) and is_dataclass(value[0]):
            yield Told(one.name, str(len(value)), f"{len(value)} in all")
        elif isinstance(value, int) and (one.name in _MOMENTS or one.name.endswith("_at")):
            yield Told(one.name, iso(value), iso(value))
        else:
            yield Told(one.name, str(value), _in_words(one.type, value))


def _in_words(kind: object, value: object) -> str:
    """Return a length with its unit and a share as a decimal number."""
    if isinstance(value, int) and str(kind).startswith("Duration"):
        return format_duration(value)
    return f"{float(value):.6g}" if isinstance(value, Fraction) else str(value)
