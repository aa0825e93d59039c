"""How long incidents and outages lasted: each of them, not their mean. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from opskit.core.clock import MINUTE, format_duration
from opskit.core.evidence import Evidence, recorded
from opskit.core.interval import Interval
from opskit.core.text import plural
from opskit.report.charts import DotRow, Dots
from opskit.report.document import Block, Cell, Chart, Paragraph
from opskit.report.pages.cells import counts_of, table, times_of, words
from opskit.report.pages.material import Material
from opskit.report.statistics.intervals import middle

_QUARTER = 3
_LEAST_WIDTH = 0.1
_UNRECORDED = "No incident is recorded anywhere, and no outage ended that a probe saw."
_NOTHING = "No incident or outage ended in this period, so there is no length to show."


@dataclass(frozen=True, slots=True)
class _Lengths:
    label: str
    sorted: tuple[int, ...]

    @property
    def median(self) -> int:
        return int(median(self.sorted))

    @property
    def said(self) -> str:
        told = f"{len(self.sorted)}, from {format_duration(self.sorted[0])}"
        return f"{told} to {format_duration(self.sorted[-1])}"


def durations(material: Material) -> Block:
    """Return incidents and outages that ended in the period, as dots; incidents of before, too."""
    rows = [one for one in _rows(material) if one.sorted]
    if not any(one.label in {_incidents(material), _outages(material)} for one in rows):
        told = recorded(material.evidence.desk, "incidents")
        return Paragraph(_NOTHING if told else _UNRECORDED)
    dots = tuple(
        DotRow(one.label, tuple(_minutes(time) for time in one.sorted), _middle(one), one.said)
        for one in rows
    )
    twin = table(
        "durations-rows",
        "Lengths of incidents and outages",
        (*words("What"), *counts_of("How many"), *times_of("Shortest", "Median", "Longest", "All")),
        map(_row, rows),
        _NOTHING,
    )
    alt = "; ".join(f"{one.label}: {one.said}" for one in rows)
    return Chart("durations", _title(rows[0]), f"Single lengths. {alt}.", Dots(dots), twin)


def _incidents(material: Material) -> str:
    return f"Incidents, {material.now}"


def _outages(material: Material) -> str:
    return f"Outages seen by probes, {material.now}"


def _rows(material: Material) -> Iterator[_Lengths]:
    yield _Lengths(_incidents(material), _ended(material.evidence, material.period))
    quarter = material.ground.past[-_QUARTER:]
    before = [one for one in quarter if recorded(one.evidence.desk, "incidents")]
    earlier = [time for one in before for time in _ended(one.evidence, one.period)]
    yield _Lengths(f"Incidents, {plural(len(before), 'month')} before", tuple(sorted(earlier)))
    over = (
        one.end - one.start
        for service in material.report.services
        for one in service.outages
        if one.end < material.period.end and one.start > material.period.start
    )
    yield _Lengths(_outages(material), tuple(sorted(over)))


def _ended(evidence: Evidence, period: Interval) -> tuple[int, ...]:
    rows = evidence.desk.incidents if evidence.desk else ()
    ended = (
        one.lasted
        for one in rows
        if one.resolved_at is not None and period.start <= one.resolved_at < period.end
    )
    return tuple(sorted(time for time in ended if time is not None))


def _minutes(time: int) -> float:
    """Return minutes for a logarithmic scale, on which nothing has no place."""
    return max(time / MINUTE, _LEAST_WIDTH)


def _middle(one: _Lengths) -> tuple[float, float, float] | None:
    between = middle(one.sorted)
    if between is None:
        return None
    return _minutes(between.low), _minutes(one.median), _minutes(between.high)


def _title(first: _Lengths) -> str:
    what, count = first.label.partition(",")[0].lower(), len(first.sorted)
    if count == 1:
        return f"The one of {what} that ended lasted {format_duration(first.sorted[0])}."
    half = f"Half of {count} {what} were over within {format_duration(first.median)}"
    return f"{half}; the longest took {format_duration(first.sorted[-1])}."


def _row(one: _Lengths) -> tuple[Cell, ...]:
    return (
        Cell(one.label),
        Cell(f"{len(one.sorted):,}"),
        Cell(format_duration(one.sorted[0])),
        Cell(format_duration(one.median)),
        Cell(format_duration(one.sorted[-1])),
        Cell(_every(one.sorted)),
    )


_LISTED = 40


def _every(lengths: Sequence[int]) -> str:
    told = ", ".join(format_duration(time) for time in lengths[:_LISTED])
    return f"{told} and {len(lengths) - _LISTED} more" if len(lengths) > _LISTED else told
