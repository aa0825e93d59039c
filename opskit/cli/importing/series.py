"""`opskit import prometheus`: uptime that a Prometheus recorded before opskit was there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from opskit.cli.commands import command
from opskit.cli.importing.files import show
from opskit.cli.monitor.prometheus import read_uptimes, server_options
from opskit.cli.options import config_option, find_app, output_options, period_options
from opskit.cli.output import Output
from opskit.core.errors import ExitCode

_SERIES = "--url http://prom:9090 --series probe_success --by instance"


@command(
    examples=[
        f"opskit import prometheus {_SERIES} --from 2026-01-01 --to 2026-07-01 --dry-run",
        f"opskit import prometheus {_SERIES} --month 2026-06",
        "opskit import prometheus --url http://prom:9090 --series 'up{job=\"shop\"}' --month last",
    ],
    short_help="Uptime: series of a Prometheus.",
)
@click.option("--dry-run", is_flag=True, help="Show what it would bring, and change nothing.")
@server_options
@period_options
@config_option
@output_options("table", "json")
def prometheus(
    *, dry_run: bool, config_path: Path | None, output: Output, **options: Any
) -> ExitCode:
    """Bring in the uptime of series that a Prometheus recorded, for months before opskit watched.

    Each value of the labels `--by` is a service of that name. What was not recorded is unknown,
    never up. Reports use it for the time before opskit first watched a service itself.
    """
    from opskit.importing import watched  # noqa: PLC0415

    app = find_app(config_path)
    reader, found = read_uptimes(app, options)
    read = watched(reader.server.url, found, app.config.zone)
    counts = app.imports.compare(read) if dry_run else app.imports.keep(read).counts
    show(app, [(read, counts)], output, dry_run=dry_run)
    return ExitCode.OK
