"""`opskit doctor`."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

from opskit.cli.commands import command
from opskit.cli.options import config_option, output_options
from opskit.cli.output import Column, Output, show_table
from opskit.core.errors import ExitCode, worst


@command(
    short_help="Show what is installed, reachable and permitted.",
    examples=["opskit doctor", "opskit doctor --json"],
)
@config_option
@output_options("table", "json", "yaml")
def doctor(config_path: Path | None, output: Output) -> ExitCode:
    """Show what opskit needs and how it is here; each problem comes with its fix."""
    from opskit.doctor import examine  # noqa: PLC0415

    rows = list(examine(config_path, os.environ))
    if output.for_people:
        columns = (
            Column("what"),
            Column("health"),
            Column("detail", fold=True),
            Column("fix", fold=True),
        )
        cells = [(row.subject, str(row.health), row.detail, row.fix) for row in rows]
        output.emit_printed(lambda to: show_table(to, columns, cells))
    else:
        output.emit_data({"rows": [asdict(row) for row in rows]})
    return worst(row.exit_code for row in rows)
