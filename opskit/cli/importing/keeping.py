"""`opskit import list` and `opskit import undo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.commands import command
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Column, Output, note, show_table

if TYPE_CHECKING:
    from opskit.app import App
    from opskit.history.model import Import


@command(
    name="list",
    examples=["opskit import list", "opskit import list --json"],
    short_help="Show what was imported.",
)
@output_options("table", "json")
@config_option
def listed(output: Output, config_path: Path | None) -> None:
    """Show what was imported, from which file, of which time, and what was undone."""
    app = find_app(config_path)
    every = app.imports.list()
    if not output.for_people:
        output.emit_data({"imports": [_import_as_json(one) for one in every]})
        return
    if not every:
        note("nothing was imported yet; see: opskit import --help")
        return
    columns = [
        Column("id", right=True), Column("kind"), Column("file", fold=True),
        Column("rows", right=True), Column("left out", right=True, spare=True),
        Column("from"), Column("to"), Column("state"),
    ]  # fmt: skip
    rows = [_line(app, one) for one in every]
    output.emit_printed(lambda to: show_table(to, columns, rows))


def _line(app: App, one: Import) -> tuple[str, ...]:
    from opskit.core.clock import to_datetime  # noqa: PLC0415

    zone, counts = app.config.zone, one.counts
    left_out = counts.get("left_out", 0)
    first, last = (f"{to_datetime(at, zone):%Y-%m-%d}" for at in (one.covers.start, one.covers.end))
    taken = f"{sum(counts.values()) - left_out:,}"
    return str(one.id), one.source, one.file, taken, f"{left_out:,}", first, last, one.state


def _import_as_json(one: Import) -> dict[str, object]:
    return {
        "id": one.id, "source": one.source, "what": one.what, "file": one.file,
        "sha256": one.sha256, "from": one.covers.start, "to": one.covers.end,
        "begun_at": one.begun_at, "finished_at": one.finished_at, "undone_at": one.undone_at,
        "state": one.state, "counts": dict(one.counts),
    }  # fmt: skip


@command(examples=["opskit import undo 3"], short_help="Take an import out of the reports again.")
@click.argument("number", type=click.IntRange(min=1))
@config_option
def undo(number: int, config_path: Path | None) -> None:
    """Take an import out of the reports again. Nothing is deleted; what it replaced holds again."""
    done = find_app(config_path).imports.undo(number)
    note(f"import {done.id} ({done.source}, {done.file}) no longer counts")
