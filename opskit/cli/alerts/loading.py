"""`opskit alerts load`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.commands import command
from opskit.cli.options import config_option, duration, find_app, output_options
from opskit.cli.output import Column, Output, note, show_table
from opskit.core.clock import DAY, Instant, iso
from opskit.core.errors import ExitCode
from opskit.core.interval import Interval
from opskit.core.text import plural

if TYPE_CHECKING:
    from opskit.alerts.routing.load import Load

_LONGEST = 366 * DAY


@command(
    examples=[
        "opskit alerts load                how often was each shift of the last 30 days called?",
        "opskit alerts load --since 90d -o json",
    ],
    short_help="How often on-call shifts were called.",
)
@click.option(
    "--since", default="30d", show_default=True, metavar="DURATION", help="How far to look back."
)
@config_option
@output_options("table", "json", "yaml")
def load(since: str, config_path: Path | None, output: Output) -> ExitCode:
    """Count the calls of each rota's shifts: whoever had them is not said.

    A call is a message about an alert that pages; reminders and digests are none. How many calls
    of one shift are too many a rota says in alerts/routes.yaml: most_calls. As a measure, at most
    two in 12 hours leave time to do something about each.

    Exit 1: a shift was called more often than that. 3: no alert is on record.
    """
    app = find_app(config_path)
    now = app.clock.now()
    period = Interval(Instant(now - duration(since, _LONGEST)), now)
    if app.reviewing.first_at() is None:
        note("no alert ever fired here, or rules were never evaluated: opskit alerts evaluate")
        return ExitCode.UNDETERMINED
    found = app.alerting.loads(period)
    if output.for_people:
        output.emit_printed(lambda to: show_table(to, _COLUMNS, map(_cells, found)))
    else:
        rotas = [_as_json(one) for one in found]
        output.emit_data({"from": iso(period.start), "to": iso(period.end), "rotas": rotas})
    _say(found)
    return ExitCode.FINDINGS if any(one.over for one in found) else ExitCode.OK


_COLUMNS = tuple(
    map(Column, ("rota", "shifts", "calls", "per shift", "most", "after hours", "limit", "over"))
)


def _cells(one: Load) -> tuple[str, ...]:
    return (
        one.rota,
        f"{len(one.calls)}",
        f"{one.total}",
        "-" if one.each is None else f"{float(one.each):.1f}",
        f"{max(one.calls, default=0)}",
        f"{one.after_hours}",
        "-" if one.limit is None else f"{one.limit}",
        f"{one.over}",
    )


def _as_json(one: Load) -> Mapping[str, Any]:
    return {
        "rota": one.rota,
        "shifts": len(one.calls),
        "calls": one.total,
        "per_shift": None if one.each is None else round(float(one.each), 4),
        "most": max(one.calls, default=0),
        "after_hours": one.after_hours,
        "limit": one.limit,
        "over_limit": one.over,
    }


def _say(found: Sequence[Load]) -> None:
    if not found:
        note("alerts/routes.yaml names no rota")
    for one in found:
        if one.over:
            times = f"more than {plural(one.limit or 0, 'time')}"
            note(f"{one.rota}: {plural(one.over, 'shift')} of {len(one.calls)} called {times}")
