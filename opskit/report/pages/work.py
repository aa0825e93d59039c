"""Page 2: what happened, and what was done. Pure."""

from __future__ import annotations

from opskit.report.document import Page, Section
from opskit.report.pages import access, fleet, gaps, incidents, services, warnings
from opskit.report.pages.charts.burn import burned
from opskit.report.pages.charts.months import months
from opskit.report.pages.charts.workload import priorities, workload
from opskit.report.pages.material import Material


def page(material: Material) -> Page:
    """Return the page of work."""
    return Page(
        "work",
        "The work",
        gaps.together(
            (
                load(material),
                *services.rest(material),
                services.in_figures(material),
                budgets(material),
                services.outages(material),
                incidents.incidents(material),
                warnings.warnings(material),
                warnings.replays(material),
                warnings.renewals(material),
                warnings.quiet(material),
                fleet.drift(material),
                fleet.runs(material),
                access.access(material),
                over_months(material),
            )
        ),
    )


def load(material: Material) -> Section:
    """Return what the work was for."""
    if not material.knows("desk", "work"):
        return Section("workload", "What the work was for", (workload(material),))
    blocks = (workload(material), priorities(material))
    return Section("workload", "What the work was for", blocks)


def budgets(material: Material) -> Section:
    """Return how error budgets were spent."""
    lead = (
        "A target is the share of its time that a service promises to be up: its objective in "
        "services.yaml. Its error budget is the time that the target allows it to be down."
    )
    return Section("budgets", "Error budgets", tuple(burned(material)), lead)


def over_months(material: Material) -> Section:
    """Return key figures month by month."""
    lead = (
        "A month is called better or worse only if it lies outside of the limits, which the months "
        "before it give."
    )
    return Section("months", "Month by month", tuple(months(material)), lead)
