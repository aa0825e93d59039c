"""`opskit alerts silence`: nobody is told of what matches, for a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.alerts.matching import matchers_of
from opskit.cli.commands import command, group
from opskit.cli.options import config_option, duration, find_app, output_options
from opskit.cli.output import Column, Output, note, show_table
from opskit.core.clock import DAY, Instant, iso, parse_instant
from opskit.core.errors import ConfigError
from opskit.core.interval import Interval

if TYPE_CHECKING:
    from opskit.alerts.routing.verdicts import Silence
    from opskit.app import App

_LONGEST = 400 * DAY
_SHORT = 8

_COMMANDS = {
    "add": ("opskit.cli.alerts.silencing:add", "Let nobody be told of what matches, for a time."),
    "end": ("opskit.cli.alerts.silencing:end", "End a silence now."),
    "extend": ("opskit.cli.alerts.silencing:extend", "Let a silence go on."),
    "list": ("opskit.cli.alerts.silencing:listing", "Silences in force and to come."),
}


@group(
    short_help="Let nobody be told of what matches, for a time.",
    lazy=_COMMANDS,
    examples=[
        "opskit alerts silence add service=shop --for 2h --comment 'new disk'",
        "opskit alerts silence list                what is kept quiet, by whom, until when?",
        "opskit alerts silence end 1f3c8a02        end it now",
    ],
)
def silence() -> None:
    """Silence alerts: nobody is told while it lasts, but whoever was told hears of the end.

    Before a silence ends that still keeps something, who made it is reminded.
    """


@command(
    examples=[
        "opskit alerts silence add service=shop --for 2h --comment 'new disk'",
        "opskit alerts silence add ServiceDown 'service=~shop|web' --for 1d --comment move",
        "opskit alerts silence add service=shop --from 2026-12-01T22:00 --for 4h --comment upgrade",
    ],
    short_help="Let nobody be told of what matches, for a time.",
)
@click.argument("matchers", nargs=-1, required=True, metavar="MATCHER...")
@click.option("--for", "lasting", default="2h", show_default=True, help="How long.")
@click.option("--from", "since", default="", help="A date or date-time, instead of now.")
@click.option("--comment", required=True, help="Why: others will ask.")
@config_option
def add(
    matchers: tuple[str, ...], lasting: str, since: str, comment: str, config_path: Path | None
) -> None:
    """Silence what meets all matchers: NAME=VALUE, !=, =~ or !~ a pattern, or an alert's name.

    Exit 2: it would silence every alert, or lasts too long.
    """
    if not comment.strip():
        raise ConfigError("a silence needs a comment: others will ask why", hint="--comment WHY")
    wanted, lasts = matchers_of(matchers), duration(lasting, _LONGEST)
    app = find_app(config_path)
    start = _start(app, since)
    made = app.alerting.silences.add(wanted, Interval(start, Instant(start + lasts)), comment)
    muted = [one for one in app.alerting.responses.open() if made.holds(one.labels, start)]
    _say(app, made, f"it silences {len(muted)} of what is there now")


def _start(app: App, since: str) -> Instant:
    try:
        return parse_instant(since, app.config.zone) if since else app.clock.now()
    except ValueError as error:
        raise ConfigError(str(error), hint="--from 2026-12-01T22:00") from error


def _say(app: App, one: Silence, more: str) -> None:
    note(f"silence {one.id[:_SHORT]} until {iso(one.interval.end, app.config.zone)}: {more}")


@command(
    name="list",
    examples=[
        "opskit alerts silence list          what is kept quiet, by whom, until when?",
        "opskit alerts silence list --json   for programs",
    ],
    short_help="Silences in force and to come.",
)
@config_option
@output_options("table", "json", "yaml")
def listing(config_path: Path | None, output: Output) -> None:
    """List the silences that have not ended, oldest first."""
    app = find_app(config_path)
    now, zone = app.clock.now(), app.config.zone
    found = app.alerting.silences.kept()
    if output.for_people:
        rows = [
            (
                one.id[:_SHORT],
                "active" if one.interval.start <= now else "to come",
                ", ".join(str(each) for each in one.matchers),
                iso(one.interval.end, zone),
                one.by,
                one.comment,
            )
            for one in found
        ]
        columns = (
            Column("id"), Column("state"), Column("matchers", fold=True), Column("until"),
            Column("by"), Column("comment", fold=True),
        )  # fmt: skip
        output.emit_printed(lambda to: show_table(to, columns, rows))
    else:
        silences = [
            {
                "id": one.id,
                "matchers": [str(each) for each in one.matchers],
                "starts_at": iso(one.interval.start),
                "ends_at": iso(one.interval.end),
                "created_by": one.by,
                "comment": one.comment,
            }
            for one in found
        ]
        output.emit_data({"at": iso(now), "silences": silences})


@command(
    examples=[
        "opskit alerts silence end 1f3c8a02     by the beginning of its id",
        "opskit alerts silence end 1f3c         as short as it is clear",
    ],
    short_help="End a silence now.",
)
@click.argument("silence_id", metavar="ID")
@config_option
def end(silence_id: str, config_path: Path | None) -> None:
    """End a silence now: what it kept is told."""
    app = find_app(config_path)
    ended = app.alerting.silences.end(silence_id)
    note(f"silence {ended.id[:_SHORT]} has ended")


@command(
    examples=[
        "opskit alerts silence extend 1f3c8a02 --for 2h   from now on",
        "opskit alerts silence extend 1f3c --for 1d",
    ],
    short_help="Let a silence go on.",
)
@click.argument("silence_id", metavar="ID")
@click.option("--for", "lasting", default="2h", show_default=True, help="How long from now.")
@config_option
def extend(silence_id: str, lasting: str, config_path: Path | None) -> None:
    """Let a silence go on for so long from now: a new one takes its place, both are on record."""
    app = find_app(config_path)
    made = app.alerting.silences.extend(silence_id, duration(lasting, _LONGEST))
    _say(app, made, f"in place of {silence_id}")
