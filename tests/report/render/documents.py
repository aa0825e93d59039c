"""Documents with every kind of block, to draw: one as it should be, one with hostile strings."""

from __future__ import annotations

from dataclasses import replace

from opskit.core.clock import DAY, Instant
from opskit.core.interval import Totals
from opskit.report import pages
from opskit.report.built import Built
from opskit.report.charts import Bar, StackedBars
from opskit.report.document import (
    Block,
    Cell,
    Chart,
    Column,
    Command,
    Document,
    Facts,
    Kind,
    Mark,
    Page,
    Paragraph,
    Ribbons,
    Section,
    Statement,
    Statements,
    Strip,
    Table,
    Tile,
    Tiles,
    Tone,
    View,
)
from opskit.report.model import Cell as Day
from tests.report.render import plots


def every_block(built: Built, bad: str = "") -> tuple[Block, ...]:
    """Return one block of each kind; `bad` is added to each string of it."""
    figure, start = built.report.figures[0], built.report.period.start
    day = Day(start, Instant(start + DAY), f"1{bad}", Totals(down=90_000_000, up=86_310_000_000))
    strip = Strip(
        f"checkout{bad}", f"payments{bad}", f"customer-facing{bad}", Mark.MISSED, f"too slow{bad}",
        figure, f"99.9 %{bad}", f"between 99.8 and 99.9 %{bad}", f"97.1 %{bad}", f"55 min{bad}",
        f"4 min{bad}", f"2{bad}", f"3{bad}", (day,),
    )  # fmt: skip
    rows = (
        (
            Cell(f"web-1{bad}", under=f"rack 4{bad}"),
            Cell(f"12 open{bad}", mark=Mark.OPEN),
            Cell(f"Thu 1 Oct 00:00{bad}", at=start),
            Cell("", refs=(1, 2, 3, 9), figure=figure.id),
        ),
    )
    columns = (
        Column(f"Host{bad}"),
        Column("Count", Kind.NUMBER),
        Column("Seen", Kind.TIME),
        Column("Evidence", Kind.EVIDENCE),
    )
    table = Table(f"drift{bad}", f"Drift{bad}", columns, rows, more=4)
    twin = Table(f"load{bad}", f"Load{bad}", columns, (), empty=f"Nothing was found{bad}.")
    bars = StackedBars((f"reactive{bad}",), (Bar(f"Oct{bad}", (12.0,), f"12 h{bad}"),), "h")
    win = Statement(
        Tone.WIN, f"A disk did not fill{bad}", f"It had three days left{bad}.", f"Platform{bad}",
        (f"Sales{bad}",), (figure.id,), (4, 5, 6),
    )  # fmt: skip
    return (
        Tiles((Tile(f"Targets met{bad}", figure, f"within normal variation{bad}"),)),
        Ribbons((strip,), more=2),
        table,
        Chart("load", f"Work was mostly planned{bad}", f"Bars by month{bad}.", bars, twin),
        win,
        Statements(f"Wins{bad}", (win, win)),
        Paragraph(f"Plain words{bad}."),
        Facts(((f"Zone{bad}", Cell(f"Europe/Amsterdam{bad}")),)),
        Command(("opskit report build --month 2026-10",)),
    )


def document(built: Built, bad: str = "", declared: str = "") -> Document:
    """Return a document of two pages, both with every block."""
    blocks = every_block(built, bad)
    section = Section("first", f"A heading{bad}", blocks, f"What stands below{bad}.")
    later = Section("later", f"Another heading{bad}", blocks)
    report = built.report
    return Document(
        title=f"{report.title}{bad}",
        view=View.WHOLE,
        scope=f"5 services, 97 % observed{bad}",
        sentence=f"4 of 5 services met their objective{bad}.",
        refused=False,
        pages=(Page("front", "", (section,)), Page("second", f"Work{bad}", (later,))),
        id=report.id,
        version=report.version,
        zone=report.zone,
        start=report.period.start,
        end=report.period.end,
        opskit_version=report.opskit_version,
        declared=f"Made up{bad}" if bad else declared,
    )


def showcase(built: Built) -> Document:
    """Return a report as full as the first page may be: eight services, five statements, charts."""
    told = pages.document(built)
    front, work, *rest = told.pages
    first = [_eight(one) for one in front.sections if one.name != "stood-out"]
    glance = replace(front, sections=(*first, _stood_out(built)))
    charts = Section("charts", "How the work went", tuple(map(plots.chart, plots.PLOTS)))
    work = replace(work, sections=(charts, *work.sections))
    return replace(
        told,
        pages=(glance, work, *rest),
        version=2,
        declared="Made up: nothing in this report happened.",
    )


def _eight(section: Section) -> Section:
    """Return the section with eight services where it has ribbons."""
    first = section.blocks[0]
    if not isinstance(first, Ribbons):
        return section
    names = ("ticket desk", "login", "code review")
    more = tuple(replace(one, service=name) for one, name in zip(first.strips, names, strict=False))
    return replace(section, blocks=(replace(first, strips=first.strips + more),))


def _stood_out(built: Built) -> Section:
    first, second, third = (one.id for one in built.report.figures[:3])
    wins = (
        Statement(
            Tone.WIN, "/var on db-2 did not fill",
            "Left alone, it would have filled between 12 and 17 October; it was grown on the 9th, "
            "in 20 minutes.", "Platform, for Payments", ("Payments",), (first,), (4, 5, 6),
        ),
        Statement(
            Tone.WIN, "SSH root login was closed on two hosts within a day",
            "A check found them off standard at 03:01; an apply put them right at 09:40 and a "
            "second check saw it gone.", "Platform", (), (second,), (7, 8),
        ),
        Statement(
            Tone.WIN, "Half of all access requests were usable within 2 h",
            "Last quarter it took 7 h. No request was approved without the owner of the role.",
            "Access, for Sales Operations", (), (third,), (9,),
        ),
    )  # fmt: skip
    miss = Statement(
        Tone.MISS, "Checkout missed its objective by 12 min",
        "Two outages, 37 and 18 min, both behind the same balancer; a customer reported the first.",
        "Payments", (), (first,), (2, 3),
    )  # fmt: skip
    wanted = Statement(
        Tone.DECISION, "Should the wiki have an objective?",
        "It was down for 40 h and nobody had promised anything. Its owner should say by 15 "
        "November.", figures=(second,),
    )  # fmt: skip
    return Section(
        "stood-out",
        "What stood out",
        (
            Statements("Wins", wins),
            Statements("Missed", (miss,)),
            Statements("Decision wanted", (wanted,)),
        ),
    )
