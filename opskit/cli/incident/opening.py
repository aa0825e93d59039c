"""`opskit incident open`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.commands import command
from opskit.cli.incident.shared import moment, said
from opskit.cli.options import config_option, find_app
from opskit.core.errors import ConfigError
from opskit.core.text import nearest

if TYPE_CHECKING:
    from opskit.app import App
    from opskit.arising import Hit

SEVERITIES = click.Choice(["critical", "major", "minor"])


@command(
    name="open",
    examples=[
        'opskit incident open "Mail is late" --service mail --severity minor',
        'opskit incident open "Orders fail" --service shop --visible --started 09:40',
        'opskit incident open "Cannot log in" --from ticket:4711',
    ],
    short_help="Something is wrong that no alert told of.",
)
@click.argument("title")
@click.option("--service", default="", help="A service of services.yaml.")
@click.option("--team", default="", help="Whose it is; else the service's owner.")
@click.option(
    "--severity", type=SEVERITIES, default="major", show_default=True, help="How bad it is."
)
@click.option(
    "--visible/--not-visible", default=None, help="Users are hit; else as the service is."
)
@click.option("--started", default="", help="When it began, like 09:40; else now.")
@click.option("--from", "source", default="person", help="Who told: person, ticket:4711, call.")
@config_option
def open_(
    title: str,
    *,
    service: str,
    team: str,
    severity: str,
    visible: bool | None,
    started: str,
    source: str,
    config_path: Path | None,
) -> None:
    """Open an incident for what no alert told of: a call, a ticket, something seen."""
    from opskit.desk.incidents.arising import look_of  # noqa: PLC0415
    from opskit.desk.incidents.model import Opening, Severity  # noqa: PLC0415

    app = find_app(config_path)
    if not title.strip():
        raise ConfigError("say what is wrong", hint='opskit incident open "Mail is late"')
    hit = _service(app, service)
    now = app.clock.now()
    opening = Opening(
        title=title,
        severity=Severity(severity),
        started_at=moment(app, started) or now,
        detected_at=now,
        source=source,
        service=service,
        team=team or hit.team,
        visible=hit.visible if visible is None else visible,
        fingerprint=look_of(service, title),
    )
    made = app.desk.incidents.open(opening)
    said(made)
    click.echo(made.name)


def _service(app: App, name: str) -> Hit:
    from opskit.arising import Hit  # noqa: PLC0415

    known = app.desk.services()
    if name and known and name not in known:
        guess = nearest(name, list(known))
        meant = f"; did you mean {guess}?" if guess else ""
        raise ConfigError(f"there is no service {name!r}{meant}", hint="see services.yaml")
    return known.get(name, Hit("", visible=False))
