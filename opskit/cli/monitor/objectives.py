"""`opskit monitor objectives`."""

from __future__ import annotations

from pathlib import Path

import click

from opskit.cli.commands import command
from opskit.cli.monitor.shared import app_for, services_option
from opskit.cli.options import config_option, output_options
from opskit.cli.output import Column, Output, note, show_table
from opskit.core.errors import ExitCode
from opskit.core.text import plural

_COLUMNS = (
    Column("service"), Column("objective", right=True), Column("over"),
    Column("allowed", right=True), Column("spent", right=True), Column("left", fold=True),
    Column("burn 1h", right=True), Column("6h", right=True), Column("3d", right=True),
)  # fmt: skip


@command(
    examples=[
        "opskit monitor objectives",
        "opskit monitor objectives shop --json",
        "opskit monitor objectives -o openslo --output-file slo.yaml",
    ],
    short_help="Every objective: budget allowed, spent, left; burn rates.",
)
@click.argument("names", nargs=-1, metavar="[SERVICE]...")
@services_option
@config_option
@output_options("table", "json", "yaml", "openslo")
def objectives(
    names: tuple[str, ...], services: str | None, config_path: Path | None, output: Output
) -> ExitCode:
    """Show every objective with its error budget, and how fast it is being spent.

    A burn rate of 1 spends the budget in just its window. With -o openslo, write the objectives
    themselves as OpenSLO v1 documents.

    Exit 0: none is overspent. 1: one is. 3: of one nothing was observed.
    """
    from opskit.monitor import objectives as rooms  # noqa: PLC0415
    from opskit.monitor.openslo import written  # noqa: PLC0415
    from opskit.monitor.uptime import Past  # noqa: PLC0415

    app = app_for(config_path, services)
    chosen = app.catalogue.known(names) or tuple(app.catalogue.services)
    if output.format == "openslo":
        found = written(app.catalogue, chosen, app.config.zone)
        output.emit_documents(found.documents)
        for one in found.left_out:
            note(f"OpenSLO has no words for it, left out: {one}")
        return ExitCode.OK
    window = rooms.window(app.catalogue, app.clock.now(), app.config.zone, chosen)
    with app.database.read() as connection:
        past = Past.read(connection, app.catalogue, window, app.config.zone, chosen)
    standings = rooms.standings(past, chosen)
    if output.for_people:
        rows = [rooms.row(one) for one in standings]
        output.emit_printed(lambda to: show_table(to, _COLUMNS, rows) if rows else None)
        note(plural(len(rows), "objective"))
    else:
        output.emit_data({"objectives": [rooms.as_json(one) for one in standings]})
    return rooms.exit_code(standings)
