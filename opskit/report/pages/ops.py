"""For Ops: the load, time kept free, calls at night, and what breaks first. Pure."""

from __future__ import annotations

from opskit.report.document import Page, Section
from opskit.report.pages import gaps, handed, load, people, work
from opskit.report.pages.charts.months import months
from opskit.report.pages.material import Material


def page(material: Material) -> Page:
    """Return the page of Ops' own load."""
    return Page(
        "ops",
        "The load of Ops",
        gaps.together(
            (
                work.load(material),
                _months(material),
                load.pages(material),
                load.alerts(material),
                load.focus(material),
                load.doubling(material),
                people.intake(material),
                handed.areas(material),
                handed.handovers(material),
            )
        ),
    )


def _months(material: Material) -> Section:
    drawn = tuple(months(material, "work.reactive", "intake.complete"))
    return Section("months", "Month by month", drawn)
