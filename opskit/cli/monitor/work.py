"""`opskit monitor maintenance`."""

from __future__ import annotations

import re
from pathlib import Path

import click

from opskit.cli.commands import group
from opskit.cli.monitor.shared import app_for, services_option
from opskit.cli.options import config_option, output_options
from opskit.cli.output import Column, Output, note, show_table
from opskit.core.errors import ConfigError, ExitCode

_NUMBER = re.compile(r"(?:M-)?([0-9]{1,9})")


@group(
    short_help="Announce work, end it, list it.",
    examples=[
        "opskit monitor maintenance open shop --for 2h --reason 'new disks'",
        "opskit monitor maintenance list",
        "opskit monitor maintenance close M-3",
    ],
)
def maintenance() -> None:
    """Announce work on services: outages within it are kept apart, and an overrun is told."""


@maintenance.command(
    examples=[
        "opskit monitor maintenance open shop --for 2h --reason 'new disks'",
        "opskit monitor maintenance open shop mail --for 4h --at 2026-12-01T22:00 --reason upgrade",
        "opskit monitor maintenance open shop --for 2h --reason upgrade --until-healthy",
    ],
    name="open",
    short_help="Announce work on services.",
)
@click.argument("names", nargs=-1, required=True, metavar="SERVICE...")
@click.option("--for", "length", required=True, help="How long at most, like 2h.")
@click.option("--at", "start", help="When it begins; default now.")
@click.option("--reason", required=True, help="What is done; an auditor reads it.")
@click.option("--until-healthy", is_flag=True, help="End it once the service is well again.")
@services_option
@config_option
def open_(  # one parameter per option
    names: tuple[str, ...],
    length: str,
    start: str | None,
    reason: str,
    until_healthy: bool,
    services: str | None,
    config_path: Path | None,
) -> ExitCode:
    """Announce work on services, from now on or later; the past cannot be announced."""
    from opskit.core.clock import parse_duration  # noqa: PLC0415
    from opskit.monitor.maintenance import ahead  # noqa: PLC0415

    app = app_for(config_path, services)
    wanted, now = app.catalogue.known(names), app.clock.now()
    try:
        lasts = parse_duration(length)
    except ValueError as error:
        raise ConfigError(str(error), hint="--for 2h --at 2026-12-01T22:00") from error
    window = ahead(start, lasts, now, app.config.zone)
    numbers = app.announcements.open(wanted, window, reason, until_healthy=until_healthy)
    for name, number in zip(wanted, numbers, strict=True):
        click.echo(f"M-{number} {name}")
    return ExitCode.OK


@maintenance.command(
    examples=["opskit monitor maintenance close M-3"],
    name="close",
    short_help="End work that was announced.",
)
@click.argument("numbers", nargs=-1, required=True, metavar="M-N...")
@services_option
@config_option
def close(numbers: tuple[str, ...], services: str | None, config_path: Path | None) -> ExitCode:
    """End work now: from here on what is down counts."""
    app = app_for(config_path, services)
    found = []
    for number in numbers:
        match = _NUMBER.fullmatch(number)
        if match is None:
            raise ConfigError(f"{number!r} is no maintenance", hint="M-3")
        found.append(int(match[1]))
    for one in app.announcements.close(found):
        note(f"ended M-{one.id} of {one.service}")
    return ExitCode.OK


_LIST = (
    Column("id"), Column("service"), Column("from"), Column("until"), Column("state"),
    Column("reason", fold=True),
)  # fmt: skip


@maintenance.command(
    examples=["opskit monitor maintenance list", "opskit monitor maintenance list --json"],
    name="list",
    short_help="What is announced, and what recurs.",
)
@click.option("--ahead", default="30d", show_default=True, help="How far to look ahead.")
@services_option
@config_option
@output_options("table", "json", "yaml")
def list_(ahead: str, services: str | None, config_path: Path | None, output: Output) -> ExitCode:
    """List work that is announced or comes again, open now or ahead."""
    from opskit.core.clock import Instant, parse_duration  # noqa: PLC0415
    from opskit.monitor.maintenance import planned  # noqa: PLC0415
    from opskit.monitor.present import planned_json  # noqa: PLC0415

    app = app_for(config_path, services)
    now = app.clock.now()
    try:
        until = Instant(now + parse_duration(ahead))
    except ValueError as error:
        raise ConfigError(str(error), hint="--ahead 30d") from error
    with app.database.read() as connection:
        found = planned(connection, app.catalogue, now, until, app.config.zone)
    if output.for_people:
        rows = [tuple(planned_json(one).values()) for one in found]
        output.emit_printed(lambda to: show_table(to, _LIST, rows))
    else:
        output.emit_data({"maintenance": [planned_json(one) for one in found]})
    return ExitCode.OK
