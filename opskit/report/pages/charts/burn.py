"""How error budgets were spent over the period. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from opskit.core.clock import Instant
from opskit.core.evidence import ServiceEvidence
from opskit.core.interval import DEGRADED_WEIGHT, percent, totals
from opskit.core.text import plural
from opskit.report.charts import Burn, BurnLines
from opskit.report.document import Block, Cell, Chart, Paragraph, Table
from opskit.report.model import Cell as Day, ServiceSection
from opskit.report.pages.cells import counts_of, table, times_of
from opskit.report.pages.material import Material

_SERVICES_SHOWN = 6
_Day: TypeAlias = tuple[tuple[Instant, Fraction | None], ...]
_NOTHING = "No service has a target and was observed enough, so no error budget can be drawn."


@dataclass(frozen=True, slots=True)
class _Line:
    section: ServiceSection
    allowed: Fraction
    left: Fraction

    @property
    def service(self) -> str:
        return self.section.name

    @property
    def said(self) -> str:
        if self.left < 0:
            return f"{self.service} used {percent(1 - self.left, 0)} of its budget"
        return f"{self.service} has {percent(self.left, 0)} of its budget left"

    @property
    def points(self) -> tuple[tuple[Instant, Fraction | None], ...]:
        return tuple(_points(self.section.ribbon, self.allowed))


def burned(material: Material) -> Iterator[Block]:
    """Yield the error budgets' lines, those with the least left first; or why there are none."""
    lines = sorted(_lines(material), key=lambda one: (one.left, one.service))
    if not lines:
        yield Paragraph(_NOTHING)
        return
    shown = lines[:_SERVICES_SHOWN]
    burns = tuple(
        Burn(one.service, tuple((at, _float(left)) for at, left in one.points), one.said)
        for one in shown
    )
    alt = f"Lines of what was left of each error budget. {'; '.join(one.said for one in shown)}."
    yield Chart("budgets", _title(lines), alt, BurnLines(burns), _twin(material, shown))
    if len(lines) > len(shown):
        rest = plural(len(lines) - len(shown), "service")
        yield Paragraph(f"{rest} with more of their budget left are in the table of services.")


def _float(share: Fraction | None) -> float | None:
    return None if share is None else float(share)


def _lines(material: Material) -> Iterator[_Line]:
    pairs = zip(material.report.services, material.evidence.services, strict=True)
    for section, evidence in pairs:
        figure = material.register.get(f"budget.{section.name}")
        if figure is not None and figure.value and (allowed := _allowed(evidence)) > 0:
            yield _Line(section, allowed, Fraction(figure.value) / allowed)


def _allowed(evidence: ServiceEvidence) -> Fraction:
    """Return the time that may be lost, in microseconds; none where 100 % is promised."""
    time = totals(evidence.timeline)
    return (1 - (evidence.objective or Fraction(1))) * time.in_scope


def _points(days: Sequence[Day], allowed: Fraction) -> Iterator[tuple[Instant, Fraction | None]]:
    yield days[0].start, Fraction(1)
    spent = Fraction(0)
    for day in days:
        spent += day.time.down + DEGRADED_WEIGHT * day.time.degraded
        dark = day.time.unknown and not day.time.known
        yield day.end, None if dark else 1 - spent / allowed


def _title(lines: Sequence[_Line]) -> str:
    inside, over = (sum(one.section.met is met for one in lines) for met in (True, False))
    unclear = len(lines) - inside - over
    parts = [f"{inside} of {plural(len(lines), 'service')} stayed inside the error budget"]
    parts += [lines[0].said] if over == 1 and lines[0].section.met is False else []
    parts += [f"{over} used more than all of it"] if over > 1 else []
    parts += [f"{unclear} cannot be judged"] if unclear else []
    return f"{'; '.join(parts)}."


def _twin(material: Material, lines: Sequence[_Line]) -> Table:
    columns = (*times_of("Until"), *counts_of(*(one.service for one in lines)))
    drawn = [one.points[1:] for one in lines]
    rows = (
        (_until(material, same[0][0]), *(_left(left) for _, left in same))
        for same in _changes(list(zip(*drawn, strict=True)))
    )
    caption = "Share of the error budget left, on each day that changed it"
    return table("budgets-days", caption, columns, rows, _NOTHING)


def _changes(days: Sequence[_Day]) -> Iterator[_Day]:
    """Yield the days on which some budget is not as it was the day before, and the last day."""
    before: list[Fraction | None] = [Fraction(1)] * len(days[0])
    for day in days:
        left = [share for _, share in day]
        if left != before or day is days[-1]:
            yield day
        before = left


def _until(material: Material, at: Instant) -> Cell:
    return Cell(material.times.short(at), at=at)


def _left(share: Fraction | None) -> Cell:
    if share is None:
        return Cell("not observed")
    return Cell(f"over by {percent(-share, 0)}" if share < 0 else percent(share, 0))
