"""`opskit monitor status`."""

from __future__ import annotations

import threading
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.commands import command
from opskit.cli.monitor.shared import app_for, services_option, with_parts
from opskit.cli.options import config_option, output_options
from opskit.cli.output import Column, Output, note, show_table
from opskit.core.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from opskit.app import App
    from opskit.monitor.status import ServiceStatus, TargetStatus

_STATUS = (
    Column("target"), Column("state"), Column("for", right=True), Column("last 24 h", spare=True),
    Column("budget left", right=True), Column("reason", fold=True), Column("owner", spare=True),
)  # fmt: skip


@command(
    examples=[
        "opskit monitor status",
        "opskit monitor status shop             one of them, and what it is made of",
        "opskit monitor status --watch          again every 2 seconds, until Ctrl-C",
        "opskit monitor status --json",
    ],
    short_help="How every service is now, worst first.",
)
@click.argument("names", nargs=-1, metavar="[SERVICE]...")
@click.option("--watch", is_flag=True, help="Show it again every 2 seconds, until Ctrl-C.")
@services_option
@config_option
@output_options("table", "json", "yaml")
def status(
    names: tuple[str, ...],
    watch: bool,
    services: str | None,
    config_path: Path | None,
    output: Output,
) -> ExitCode:
    """Show how every service is now, worst first, from what was last seen.

    What was not probed within 2.5 intervals is unknown, not up. The last day is one sign an hour,
    the worst of it: █ up, ▆ degraded, ▁ down, ? not observed, m maintenance, - out of hours.

    Exit 0: all up, or in announced work. 1: a service is down. 3: one could not be told.
    """
    app = app_for(config_path, services)
    wanted = with_parts(app.catalogue, names) or tuple(app.catalogue.services)
    if not watch:
        return _show(app, wanted, output)
    if not output.for_people or output.path is not None:
        raise ConfigError("--watch shows a table on a terminal", hint="leave out -o and --json")
    while True:
        click.clear()
        _show(app, wanted, output)
        note("again every 2 s; Ctrl-C ends it")
        threading.Event().wait(2)


def _show(app: App, wanted: Collection[str], output: Output) -> ExitCode:
    from opskit.monitor import present  # noqa: PLC0415
    from opskit.monitor.status import exit_code, overview, statuses  # noqa: PLC0415

    now = app.clock.now()
    with app.database.read() as connection:
        targets = statuses(connection, app.catalogue, now)
        services = overview(connection, app.catalogue, now, app.config.zone)
    found = tuple(one for one in targets if one.service in wanted)
    whole = tuple(one for one in services if one.service in wanted)
    if output.for_people:
        rows = _rows(found, whole, now)
        output.emit_printed(lambda to: show_table(to, _STATUS, rows))
    else:
        data = {
            "targets": [present.status_json(one) for one in found],
            "services": [present.overview_json(one) for one in whole],
        }
        output.emit_data(data)
    return exit_code(found, whole)


def _rows(
    found: tuple[TargetStatus, ...], whole: tuple[ServiceStatus, ...], now: int
) -> list[tuple[str, ...]]:
    """Return a row for each target, and for each service that has none of its own."""
    from opskit.monitor import present  # noqa: PLC0415

    by_name = {one.service: one for one in whole}
    rows = [present.status_row(one, by_name[one.service], now) for one in found]
    probed = {one.service for one in found}
    rows += [present.overview_row(one, now) for one in whole if one.service not in probed]
    return sorted(rows, key=lambda row: present.WORST_FIRST.index(row[1]))
