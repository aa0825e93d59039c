"""How long people waited for access: the share that was served, hour by hour. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from opskit.core.clock import DAY, HOUR, MINUTE, format_duration
from opskit.core.evidence import Evidence
from opskit.core.interval import Interval, percent
from opskit.core.leadtime import Curve as Waits, Wait, curve
from opskit.report.charts import Curve, Steps
from opskit.report.document import Block, Cell, Chart, Paragraph, Table
from opskit.report.ground import Past
from opskit.report.pages.cells import counts_of, table, times_of
from opskit.report.pages.material import Material

_QUARTER = 3
_WITHIN = (10 * MINUTE, HOUR, 4 * HOUR, 8 * HOUR, DAY, 2 * DAY, 3 * DAY, 7 * DAY, 14 * DAY)


def waits(material: Material) -> Block:
    """Return the waits of the period, and of the three months before it, as steps."""
    figure = material.register.get("access.lead_time")
    now = curve(_waits(material.evidence, material.period))
    if figure is None or not now.steps:
        why = "Nobody asked for access" if not now.count else "Nobody's access could be used yet"
        unsaid = "so there is no wait to show." if not now.count else "so no wait is over."
        return Paragraph(f"{why}, {unsaid}")
    curves = [(material.now, now), *_before(material.ground.past)]
    said = tuple(Curve(label, _points(one), _said(one)) for label, one in curves)
    alt = "Steps of the share served. " + "; ".join(f"{one.label}: {one.said}" for one in said)
    return Chart("waits", _title(now), f"{alt}.", Steps(said), _twin(curves))


def _before(past: Sequence[Past]) -> Iterator[tuple[str, Waits]]:
    last = past[-_QUARTER:]
    found = curve(wait for one in last for wait in _waits(one.evidence, one.period))
    if found.steps:
        yield "the month before" if len(last) == 1 else f"the {len(last)} months before", found


def _waits(evidence: Evidence, period: Interval) -> Iterable[Wait]:
    rows = evidence.access.requests if evidence.access else ()
    found = (one.wait(period.end) for one in rows)
    return (one for one in found if one is not None)


def _points(one: Waits) -> tuple[tuple[float, float], ...]:
    """Return hours and the share served from then on; before the first, nobody was."""
    return ((0.0, 0.0), *((at / HOUR, float(1 - left)) for at, left in one.steps))


def _said(one: Waits) -> str:
    told = f"{one.count} asked"
    if one.median is not None:
        told += f", half served within {format_duration(one.median)}"
    return told + (f", {one.still} not yet served" if one.still else "")


def _title(now: Waits) -> str:
    if now.median is None:
        return f"Fewer than half of {now.count} who asked for access could use it by the end."
    return f"Half of those who asked could use their access within {format_duration(now.median)}."


def _twin(curves: Sequence[tuple[str, Waits]]) -> Table:
    columns = (*times_of("Within"), *counts_of(*(f"Served, {label}" for label, _ in curves)))
    rows = (
        (
            Cell(format_duration(time)),
            *(Cell(percent(1 - one.waiting(time), 0)) for _, one in curves),
        )
        for time in _WITHIN
    )
    return table("waits-hours", "Share of requests whose access could be used", columns, rows, "")
