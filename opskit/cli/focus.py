"""`opskit focus`: time that a team keeps free for work that is not urgent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.commands import group
from opskit.cli.options import config_option, duration, find_app, output_options
from opskit.cli.output import Column, Output, note, show_table
from opskit.core.clock import DAY, HOUR, Instant, iso
from opskit.core.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opskit.app import App
    from opskit.desk.focus.windows import Focus

_LONGEST = 12 * HOUR


@group(
    short_help="Time that a team keeps free.",
    examples=[
        "opskit focus list                        who is in focus now, and who is next",
        "opskit focus begin platform --for 2h     only what pages is told at once",
        "opskit focus end platform                tell what was held, now",
    ],
)
def focus() -> None:
    """Keep time free: only alerts that page are told at once, the rest as one message after.

    Windows that come again every week are in desk.yaml.
    """


@focus.command(
    "list",
    examples=["opskit focus list --days 14", "opskit focus list -o json"],
    short_help="Who is in focus now, and when next.",
)
@click.option(
    "--days", type=click.IntRange(1, 60), default=7, show_default=True, help="How far to look."
)
@config_option
@output_options("table", "json", "yaml")
def listing(days: int, config_path: Path | None, output: Output) -> None:
    """Show the windows that are open and those that come."""
    app = find_app(config_path)
    found = sorted(_windows(app, days), key=lambda one: (one.interval.start, one.team))
    if not output.for_people:
        output.emit_data({"windows": [_as_json(one) for one in found]})
        return
    if not found:
        note("nobody keeps time free; focus in desk.yaml does, every week")
        return
    zone, now = app.config.zone, app.clock.now()
    columns = (Column("team"), Column("from"), Column("until"), Column(""))
    rows = [
        (
            one.team,
            iso(one.interval.start, zone),
            iso(one.interval.end, zone),
            "now" if one.interval.holds(now) else "",
        )
        for one in found
    ]
    output.emit_printed(lambda to: show_table(to, columns, rows))


def _windows(app: App, days: int) -> Iterator[Focus]:
    now = app.clock.now()
    app.focusing.keeping.open_due()
    yield from app.focusing.keeping.current()
    ahead = Interval(now, Instant(now + days * DAY))
    for weekly in app.focusing.weekly:
        yield from (one for one in weekly.windows(ahead) if one.interval.start > now)


def _as_json(one: Focus) -> dict[str, object]:
    return {
        "team": one.team,
        "from": iso(one.interval.start),
        "until": iso(one.interval.end),
        "passes": list(one.passes),
    }


@focus.command(
    "begin",
    examples=["opskit focus begin platform --for 90m"],
    short_help="Keep time free from now on.",
)
@click.argument("team")
@click.option("--for", "lasting", default="2h", show_default=True, help="How long, at most 12h.")
@config_option
def begin(team: str, lasting: str, config_path: Path | None) -> None:
    """Keep time of a team free from now on. Exit 5: it is in focus already."""
    app = find_app(config_path)
    opened = app.focusing.begin(team, duration(lasting, _LONGEST))
    note(f"{team} is in focus until {iso(opened.interval.end, app.config.zone)}")
    if not app.alerting.is_routed:
        note("nothing is held by it: without alerts/routes.yaml no alert is told to anybody")


@focus.command(
    "end",
    examples=["opskit focus end platform"],
    short_help="End it now: what was held is told.",
)
@click.argument("team")
@config_option
def end(team: str, config_path: Path | None) -> None:
    """End the window of a team now. What was held is told by `opskit serve`, as one message."""
    app = find_app(config_path)
    ended = app.focusing.keeping.end(team)
    note(f"{team} is no longer in focus; it was since {iso(ended.interval.start, app.config.zone)}")
