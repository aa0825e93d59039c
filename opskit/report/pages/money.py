"""Page 4: money, where somebody asked for it, and what people assume. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.report.assumptions import Assumption
from opskit.report.document import Cell, Mark, Page, Paragraph, Section, Table
from opskit.report.model import Figure
from opskit.report.pages.cells import counts_of, judged, said, table, value, words
from opskit.report.pages.charts.pay import pays
from opskit.report.pages.charts.shares import hand_work
from opskit.report.pages.material import Material

# Three columns that are never added up; a figure is in the first that its id begins like.
COLUMNS = (
    ("money.cash.", "Cash released", "what is no longer paid, as an invoice says"),
    ("money.capacity", "Capacity", "hours at a rate; people who have time are still paid"),
    ("money.", "Avoided", "modelled: it did not happen, so no invoice says so"),
)


def page(material: Material) -> Page:
    """Return hand work that was avoided, and money where a currency is given."""
    if not material.ground.assumptions.currency:
        return Page("money", "Hand work avoided", (_hand_work(material),))
    sections = (_money(material), _hand_work(material))
    return Page("money", "Money and hand work", sections)


def _money(material: Material) -> Section:
    lead = "Three columns that are never added up: they are not the same kind of money."
    never = Paragraph(
        "No salary is saved and no breach is prevented here. What pays for itself is told as a "
        "threshold to judge by, not as a price."
    )
    blocks = (_columns(material), _amounts(material), *pays(material), never)
    return Section("money", "Money", blocks, lead)


def _columns(material: Material) -> Table:
    """Return the three columns side by side, each figure in the one it belongs to."""
    found = [_column(material, start) for start, _, _ in COLUMNS]
    rows = [
        tuple(
            _amount(column[place]) if place < len(column) else Cell("nothing") for column in found
        )
        for place in range(max(map(len, found)))
    ]
    titles = counts_of(*(title for _, title, _ in COLUMNS))
    nothing = "A currency is given, and no rate, invoice or cost to tell of."
    return table("money", "Three kinds of money", titles, rows, nothing)


def _column(material: Material, start: str) -> list[Figure]:
    first = {
        one.id: next(begin for begin, _, _ in COLUMNS if one.id.startswith(begin))
        for one in material.figures("money.")
    }
    return [one for one in material.figures("money.") if first[one.id] == start]


def _amount(figure: Figure) -> Cell:
    return value(figure, figure.bounds.display if figure.bounds else figure.note)


def _amounts(material: Material) -> Table:
    told = [
        (title, meaning, one)
        for start, title, meaning in COLUMNS
        for one in _column(material, start)
    ]
    return table(
        "money-lines",
        "What each rests on, and when it pays",
        words("Kind", "What", "Amount", "Rests on"),
        (
            (Cell(title, meaning), said(one.title), _amount(one), said(one.note, nothing="no more"))
            for title, meaning, one in told
        ),
        "There is no line of money.",
    )


def _hand_work(material: Material) -> Section:
    lead = "It is capacity, not cash, and it may be less than nothing."
    blocks = (*hand_work(material), *_expired(material))
    return Section("hand-work", "Hand work avoided", blocks, lead)


def _expired(material: Material) -> Iterator[Paragraph]:
    numbers = material.ground.assumptions.numbers
    over = [name for name in sorted(numbers) if _over(material, numbers[name])]
    if over:
        were = "An assumption has" if len(over) == 1 else f"{len(over)} assumptions have"
        yield Paragraph(f"{were} expired, so what rests on it is left out: {', '.join(over)}.")


def _over(material: Material, one: Assumption) -> bool:
    return one.expires_on <= material.ground.last_day


def assumptions(material: Material) -> Section:
    """Return what people assume, who stands for it, and until when."""
    every = material.ground.assumptions
    found = table(
        "assumptions",
        "What people assume",
        (
            *words("Assumption"),
            *counts_of("Low", "Middle", "High"),
            *words("Unit", "Who stands for it", "Source", "Said on", "Holds until"),
        ),
        (_assumption(material, every.numbers[name]) for name in sorted(every.numbers)),
        "Nobody assumes anything: no figure here rests on a number that a person entered.",
    )
    return Section("assumptions", "D. Assumptions", (found, _baseline(material)))


def _assumption(material: Material, one: Assumption) -> tuple[Cell, ...]:
    until = f"{one.expires_on:%-d %b %Y}"
    return (
        said(one.name),
        *(Cell(f"{at:g}") for at in (one.value.low, one.value.mode, one.value.high)),
        said(one.unit, nothing="no unit"),
        said(one.owner, nothing="nobody"),
        said(one.source, nothing="no source"),
        Cell(f"{one.said_on:%-d %b %Y}"),
        judged(Mark.MISSED, f"expired {until}", "its lines are off")
        if _over(material, one)
        else Cell(until),
    )


def _baseline(material: Material) -> Paragraph:
    one = material.ground.assumptions.baseline
    if one is None:
        return Paragraph("No baseline is agreed on, so nothing is told as better than before it.")
    start, end = material.times.full(one.period.start), material.times.full(one.period.end)
    told = f"The baseline is {start} to {end}, fixed on {material.times.full(one.frozen_at)}"
    changed = f", times {one.factor:g} for what else changed: {one.changed}" if one.changed else ""
    late = "" if one.frozen_before(material.period) else "; it was fixed too late to be used here"
    return Paragraph(f"{told}{changed}{late}.")
