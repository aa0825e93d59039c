"""`opskit alerts take`: somebody takes over a time on call."""

from __future__ import annotations

from pathlib import Path

import click

from opskit.cli.commands import command
from opskit.cli.options import config_option, duration, find_app
from opskit.cli.output import note
from opskit.core.clock import DAY, Instant, iso, parse_instant
from opskit.core.errors import ConfigError
from opskit.core.interval import Interval

_LONGEST = 60 * DAY


@command(
    examples=[
        "opskit alerts take primary --for 4h                   I am on call instead, from now on",
        "opskit alerts take primary --person ben --from 2026-12-24 --for 2d",
    ],
    short_help="Take over a time on call.",
)
@click.argument("rota")
@click.option("--person", default="", help="Who takes over, with contacts in the routes file; you.")
@click.option("--from", "since", default="", help="A date or date-time, instead of now.")
@click.option("--for", "lasting", required=True, help="How long, like 4h or 2d.")
@config_option
def take(rota: str, person: str, since: str, lasting: str, config_path: Path | None) -> None:
    """Take over a time of a rota, whoever it was; what was taken before gives way to it.

    Who takes over is told when the time begins. Exit 2: there is no such rota, or no contact.
    """
    app = find_app(config_path)
    lasts = duration(lasting, _LONGEST)
    try:
        start = parse_instant(since, app.config.zone) if since else app.clock.now()
    except ValueError as error:
        raise ConfigError(str(error), hint="--from 2026-12-24T08:00") from error
    until = Instant(start + lasts)
    taken = app.alerting.take(rota, person or app.user, Interval(start, until))
    note(f"{taken} is on call in {rota} until {iso(until, app.config.zone)}")
