"""The pages of a report: what stands where, in words; every form draws them. Pure."""

from __future__ import annotations

from dataclasses import replace

from opskit.report.built import Built
from opskit.report.document import Document, Page, View
from opskit.report.pages import appendix, front, money, ops, people, team as served, work
from opskit.report.pages.material import Material
from opskit.report.pages.team import teams

__all__ = ["document", "teams"]


def document(built: Built, view: View = View.WHOLE, team: str = "") -> Document:
    """Return the pages of a report for whoever reads it.

    `team` is the one that is served, for its own view; `teams` are those there are.
    """
    material = Material(built)
    report = built.report
    return Document(
        title=report.title,
        view=view,
        scope=front.scope(material),
        sentence=report.front.sentence,
        refused=bool(report.front.refused),
        pages=_pages(material, view, team),
        id=report.id,
        version=report.version,
        zone=report.zone,
        start=report.period.start,
        end=report.period.end,
        opskit_version=report.opskit_version,
        declared=report.declared,
        team=team,
    )


def _pages(material: Material, view: View, team: str) -> tuple[Page, ...]:
    first = front.page(material)
    if view is View.MANAGER:
        return (replace(first, sections=(*first.sections, front.rest(material))),)
    before = (first, *_between(material, view, team))
    return (*before, appendix.page(material, before))


def _between(material: Material, view: View, team: str) -> tuple[Page, ...]:
    """Return the pages between the first one and the appendix."""
    if view is View.AUDITOR:
        return ()
    if view is View.OPS:
        return (ops.page(material),)
    if view is View.TEAM:
        return (served.page(material, team),)
    return work.page(material), people.page(material), money.page(material)
