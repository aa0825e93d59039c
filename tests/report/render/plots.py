"""Charts of a place that could exist, one of each kind, as a document holds them."""

from __future__ import annotations

from opskit.core.clock import DAY, Instant
from opskit.core.interval import Interval
from opskit.report.charts import (
    Bar,
    Burn,
    BurnLines,
    Curve,
    DotRow,
    Dots,
    Month,
    Plot,
    Process,
    RangeRow,
    Ranges,
    StackedBars,
    Steps,
)
from opskit.report.document import Cell, Chart, Column, Kind, Table
from tests.report.render.book import at

PERIOD = Interval(at("2026-10-01T00:00"), at("2026-11-01T00:00"))
MONTHS = ("Nov", "Dec", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct")


def _day(number: float) -> Instant:
    return Instant(PERIOD.start + int(number * DAY))


def bars() -> StackedBars:
    reactive = (41, 38, 44, 52, 36, 30, 33, 25, 27, 22, 19, 21)
    names = ("reactive", "preventive", "service", "unclassified")
    return StackedBars(
        names,
        tuple(
            Bar(
                label,
                (hours, 30 + number * 1.5, 14.0 + number % 3, 6.0 if number < 4 else 0),
                f"{hours} h reactive of {hours + 50} h",
            )
            for number, (label, hours) in enumerate(zip(MONTHS, reactive, strict=True))
        ),
        "hours",
        0.5,
    )


def burn() -> BurnLines:
    return BurnLines(
        (
            Burn(
                "checkout",
                ((_day(0), 1.0), (_day(7.6), 1.0), (_day(7.7), 0.15), (_day(18.1), 0.15),
                 (_day(18.2), -0.26), (PERIOD.end, -0.27)),
                "12 min over the budget of 43 min",
            ),
            Burn(
                "storefront",
                ((_day(0), 1.0), (_day(24), 0.98), (_day(24.1), 0.77), (PERIOD.end, 0.77)),
                "77 % of the budget left",
            ),
            Burn(
                "mail relay",
                ((_day(0), 1.0), (_day(2.4), 1.0), (_day(2.4), None), (_day(6.4), 1.0),
                 (PERIOD.end, 0.9)),
                "cannot say: 4 d not observed",
            ),
        )
    )  # fmt: skip


def steps() -> Steps:
    now = ((0.1, 0.1), (0.25, 0.3), (0.9, 0.45), (2, 0.55), (3, 0.6), (9, 0.75), (26, 0.9), (70, 1))
    before = ((0.4, 0.08), (1, 0.2), (4, 0.35), (7, 0.5), (20, 0.6), (44, 0.75), (120, 0.9))
    return Steps(
        (
            Curve("October", now, "half within 2 h, 9 of 10 within 26 h"),
            Curve("July to September", before, "half within 7 h, 9 of 10 within 5 d"),
        )
    )


def dots() -> Dots:
    acks = (1.0, 2.0, 2.0, 2.5, 3.0, 3.0, 3.2, 4.0, 4.4, 6.0, 7.5, 9.0, 12.0, 35.0)
    fixes = (18.0, 37.0, 37.5, 49.0, 70.0, 185.0, 2_400.0)
    return Dots(
        (
            DotRow("page to person", acks, (2.5, 3.6, 7.5), "median 3.6 min, n = 14"),
            DotRow("person to fix", fixes, (37.0, 49.0, 185.0), "median 49 min, n = 7"),
            DotRow("hand-overs", (22.0, 31.0), None, "n = 2, too few for a median"),
        )
    )


def ranges() -> Ranges:
    return Ranges(
        (
            RangeRow("certificate renewals", 14.0, 22.0, 41.0, "14 to 41 h"),
            RangeRow("access changes", 6.0, 9.5, 13.0, "6 to 13 h"),
            RangeRow("patch rounds", -2.0, 3.0, 8.0, "-2 to 8 h: may have cost more than it saved"),
        ),
        "hours of hand work",
        ("upkeep: 5 h", 5.0),
    )


def process() -> Process:
    values = (62.0, 58.0, 71.0, None, 66.0, 60.0, 64.0, 57.0, 69.0, 61.0, 63.0, 28.0)
    return Process(
        tuple(
            Month(label, value, "not observed" if value is None else f"{value:.0f} min")
            for label, value in zip(MONTHS, values, strict=True)
        ),
        (41.0, 63.1, 85.2),
        "minutes of downtime",
    )


PLOTS: dict[str, Plot] = {
    make.__name__: make() for make in (bars, burn, steps, dots, ranges, process)
}
TITLES = {
    "bars": "Reactive work fell below half of all hours in April and has stayed there",
    "burn": "Checkout spent its error budget on 19 October; two others kept most of theirs",
    "steps": "Half of all access requests were usable within 2 hours; last quarter it took 7",
    "dots": "A person looked within 12 minutes in 13 of 14 pages; one took 35",
    "ranges": "Certificate renewals saved the most hand work; patch rounds may have saved none",
    "process": "October's downtime is lower than normal variation explains",
}


def chart(name: str) -> Chart:
    """Return a chart with its words and its table."""
    columns = (Column("What"), Column("Value", Kind.NUMBER))
    rows = tuple((Cell(one),) * 2 for one in ("first", "second"))
    title = TITLES[name]
    return Chart(
        name, title, f"{title}.", PLOTS[name], Table(f"{name}-table", title, columns, rows)
    )
