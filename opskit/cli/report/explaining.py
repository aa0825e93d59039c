"""`opskit report explain`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.commands import command
from opskit.cli.options import config_option, find_app, output_options, period, period_options
from opskit.cli.output import Column, Output, show_facts, show_heading, show_table, show_text
from opskit.core.clock import iso

if TYPE_CHECKING:
    from opskit.cli.output import Console
    from opskit.report.built import Built
    from opskit.report.following import Explained, Told
    from opskit.report.model import Figure

_SHOWN = 20
_FIGURES = (
    Column("figure", fold=True), Column("value", fold=True), Column("tag"),
    Column("method"), Column("title", fold=True, spare=True),
)  # fmt: skip


@command(
    examples=[
        "opskit report explain                               every figure of this month so far",
        "opskit report explain availability.shop --month last",
        "opskit report explain drift.found --file report.html  of a report's file, offline",
    ],
    short_help="Where a figure comes from.",
)
@click.argument("figure", required=False)
@click.option("--file", type=click.Path(path_type=Path), help="A report's file, instead.")
@click.option("--all", "every", is_flag=True, help=f"Show more than {_SHOWN} rows of evidence.")
@period_options
@config_option
@output_options("table", "json", "yaml")
def explain(  # noqa: PLR0913  # one parameter per option
    *,
    figure: str | None,
    file: Path | None,
    every: bool,
    month: str | None,
    since: str | None,
    until: str | None,
    last: str | None,
    config_path: Path | None,
    output: Output,
) -> None:
    """Show how a figure was made: its value, formula, evidence, and the ledger entries behind.

    Without a figure: the list of them.
    """
    from opskit.report.following import explained  # noqa: PLC0415  # after --help

    if file is not None:
        from opskit.verifying.judging import report_of  # noqa: PLC0415  # only for a file

        built = report_of(file)
    else:
        app = find_app(config_path)
        asked = period(app, month=month, since=since, until=until, last=last)
        built = app.issuing.seen(asked)
    if figure is None:
        _list(built, output)
        return
    found = explained(built, figure)
    if output.for_people:
        output.emit_printed(lambda to: _show(to, found, None if every else _SHOWN))
    else:
        output.emit_data(_as_json(found))


def _list(built: Built, output: Output) -> None:
    figures = built.report.figures
    if output.for_people:
        rows = [(one.id, one.display, one.tag.value, one.method, one.title) for one in figures]
        output.emit_printed(lambda to: show_table(to, _FIGURES, rows))
    else:
        output.emit_data({"report": built.report.id, "figures": [_plain(one) for one in figures]})


def _plain(one: Figure) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "value": one.value or None,
        "unit": one.unit,
        "display": one.display,
        "presence": one.presence.value,
        "tag": one.tag.value,
        "method": one.method,
    }


def _as_json(found: Explained) -> dict[str, Any]:
    one = found.figure
    bounds = one.bounds
    return {
        **_plain(one),
        "formula": one.formula,
        "note": one.note,
        "source": found.method.parts.get("Source", ""),
        "not_for": found.method.parts.get("Not for", ""),
        "bounds": bounds and {"low": bounds.low, "high": bounds.high, "kind": bounds.kind},
        "compared": one.comparison.words if one.comparison else None,
        "earlier": [
            {"month": past.month, "value": past.value, "display": past.display}
            for past in found.earlier
        ],
        "confirmed_by": list(one.confirmed_by),
        "evidence": [
            {"kind": row.kind, "refs": list(row.refs), **{one.name: one.value for one in row.told}}
            for row in found.rows
        ],
        "entries": [
            {"seq": row.seq, "at": iso(row.at), "kind": row.kind, "hash": row.hash}
            for row in found.entries
        ],
        "entries_without_hash": list(found.unnamed),
    }


def _show(to: Console, found: Explained, most: int | None) -> None:
    show_facts(to, _facts(found))
    if found.earlier:
        show_heading(to, "Months before")
        months = [(one.month, one.display) for one in found.earlier]
        show_table(to, (Column("month"), Column("value", fold=True)), months)
    show_heading(to, f"Rows of evidence: {len(found.rows):,}")
    rows = [
        (one.kind, "; ".join(_said(told) for told in one.told), _numbers(one.refs))
        for one in found.rows[:most]
    ]
    says = (Column("kind", fold=True), Column("says", fold=True), Column("entries", fold=True))
    show_table(to, says, rows)
    show_heading(to, f"Ledger entries: {len(found.figure.refs):,}")
    entries = [(str(one.seq), iso(one.at), one.kind, one.hash) for one in found.entries[:most]]
    behind = (Column("seq", right=True), Column("at"), Column("kind"), Column("hash", fold=True))
    show_table(to, behind, entries)
    if most is not None and max(len(found.rows), len(found.entries)) > most:
        show_text(to, f"more than {most}: --all shows the rest")
    if found.figure.refs:
        show_text(to, f"next: opskit ledger show {found.figure.refs[0]}")


def _facts(found: Explained) -> Iterator[tuple[str, str]]:
    one, parts = found.figure, found.method.parts
    yield "Figure", f"{one.id}, {one.title}"
    yield "Value", one.display
    yield "Exact", f"{one.value} {one.unit}" if one.value else f"none, in {one.unit}"
    yield "Presence", one.presence.value
    yield "Tag", one.tag.value
    yield "Method", f"{one.method}, {found.method.title}"
    yield "Formula", one.formula
    yield "Unit", parts.get("Unit", "")
    yield "Source", parts.get("Source", "")
    yield "Not for", parts.get("Not for", "")
    if one.note:
        yield "Note", one.note
    if one.bounds:
        yield "Bounds", f"{one.bounds.display}: {one.bounds.kind}"
    yield "Compared", one.comparison.words if one.comparison else "not compared"
    yield "Confirmed", ", ".join(one.confirmed_by) or "by nobody yet"


def _said(told: Told) -> str:
    return f"{told.name.replace('_', ' ')}: {told.words}"


def _numbers(refs: tuple[int, ...]) -> str:
    shown = ", ".join(str(one) for one in refs[:6])
    return f"{shown}, and {len(refs) - 6} more" if refs[6:] else shown
