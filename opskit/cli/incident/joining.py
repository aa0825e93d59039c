"""What is one matter, and what is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from opskit.cli.commands import command
from opskit.cli.incident.shared import said
from opskit.cli.options import config_option, find_app
from opskit.core.errors import ConfigError


@command(
    examples=["opskit incident merge INC-8 INC-7     INC-8 is the same as INC-7"],
    short_help="It is the same as another.",
)
@click.argument("incident", metavar="INC-N")
@click.argument("into", metavar="INTO")
@config_option
def merge(incident: str, into: str, config_path: Path | None) -> None:
    """Say that an incident is the same as another, which then tells of both."""
    app = find_app(config_path)
    said(app.desk.incidents.merge(incident, into))


@command(
    examples=[
        'opskit incident split INC-7 4 6 --title "Mail is late"     lines 4 and 6 of its timeline',
    ],
    short_help="Some of it is another matter.",
)
@click.argument("incident", metavar="INC-N")
@click.argument("lines", nargs=-1, required=True, type=click.IntRange(1), metavar="LINE...")
@click.option("--title", required=True, help="What the other matter is.")
@click.option("--service", default=None, help="Its service, if it is another one.")
@config_option
def split(
    incident: str, lines: tuple[int, ...], title: str, service: str | None, config_path: Path | None
) -> None:
    """Take lines of the timeline out of an incident, and open another one with them."""
    from opskit.desk.incidents.arising import look_of  # noqa: PLC0415

    app = find_app(config_path)
    one = app.desk.incidents.one(incident)
    if max(lines) > len(one.events):
        raise ConfigError(
            f"{one.name} has {len(one.events)} lines", hint=f"opskit incident show {one.name}"
        )
    moved = [one.events[number - 1] for number in sorted(set(lines))]
    own = one.opening.service if service is None else service
    opening = replace(
        one.opening,
        title=title,
        service=own,
        started_at=min(each.at for each in moved),
        detected_at=app.clock.now(),
        group="",
        fingerprint=look_of(own, title),
    )
    new = app.desk.incidents.split(incident, [each.key for each in moved], opening)
    said(new)
    click.echo(new.name)
