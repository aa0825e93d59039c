"""`opskit drill`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.access.shared import confirm as ask
from opskit.cli.commands import group
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Column, Output, note, show_table
from opskit.core.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from opskit.alerts.drill import Drill
    from opskit.app import App
    from opskit.core.clock import Duration


@group(
    short_help="Prove that alerts reach a human.",
    examples=[
        "opskit drill alerts              make a fault, and tell every channel",
        "opskit drill confirm AB2C-D3EF   by whoever read the message",
        "opskit drill list                what was proven, and when",
    ],
)
def drill() -> None:
    """Prove that alerts reach a human: silence counts only where telling was shown to work."""


@drill.command(
    examples=[
        "opskit drill alerts                    asks before it sends",
        "opskit drill alerts --yes --within 8h  from schedule: in opskit.yaml",
    ],
    short_help="Make a fault on purpose, and follow it to a human.",
)
@click.option("--within", default="4h", show_default=True, help="Time for a human to confirm.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@output_options("table", "json")
@config_option
def alerts(within: str, *, yes: bool, output: Output, config_path: Path | None) -> ExitCode:
    """Open a port of opskit's own, close it, see whether the probe notices, and tell every channel.

    The message is marked as a drill and brings a code; whoever reads it confirms with that code.
    Exit 0: seen and sent, a human is waited for. 1: the probe did not notice. 4: a channel did not
    take the message.
    """
    length = _length(within)
    app = find_app(config_path)
    names = ", ".join(app.drills.channels) or "no channel"
    ask(f"Send a drill to {names}?", yes=yes or not app.drills.channels)
    made = app.drills.begin(app.fault, length)
    _emit(app, output, [made])
    for one in _said(app, made):
        note(one)
    return _code(made)


def _length(text: str) -> Duration:
    from opskit.core.clock import DAY, MINUTE, parse_duration  # noqa: PLC0415

    hint = "--within 4h, from 1m to 7d"
    try:
        length = parse_duration(text)
    except ValueError as error:
        raise ConfigError(str(error), hint=hint) from error
    if not MINUTE <= length <= 7 * DAY:
        raise ConfigError(f"{text} is too short or too long", hint=hint)
    return length


def _said(app: App, made: Drill) -> list[str]:
    if made.seen is not True:
        return [f"the probe did not notice the fault: {made.reason}", "next: opskit doctor"]
    untold = [name for name, state in made.routes.items() if state != "sent"]
    if untold:
        return [f"not sent to {', '.join(untold)}", "next: opskit outbox deliver"]
    return [f"sent; a human has until {_moment(app, made.deadline_at)} to confirm it"]


def _code(made: Drill) -> ExitCode:
    if made.seen is not True:
        return ExitCode.FINDINGS
    return ExitCode.OK if made.routed else ExitCode.FAILED


@drill.command(
    examples=["opskit drill confirm AB2C-D3EF"], short_help="Say that you read the message."
)
@click.argument("code")
@config_option
def confirm(code: str, config_path: Path | None) -> None:
    """Say that you read the message of a drill. No name is kept but that of any ledger entry."""
    done = find_app(config_path).drills.confirm(code)
    note(f"drill {done.id} is confirmed: from the fault to you, the whole way works")


@drill.command(
    name="list",
    examples=["opskit drill list", "opskit drill list --json"],
    short_help="Show what was proven, and when.",
)
@output_options("table", "json")
@config_option
def listed(output: Output, config_path: Path | None) -> ExitCode:
    """Show every drill, and how far it came. Exit 1: the last one failed or was missed."""
    app = find_app(config_path)
    app.drills.settle()
    every = app.drills.list()
    if not every and output.for_people:
        note("no drill was made yet; next: opskit drill alerts")
    else:
        _emit(app, output, list(every))
    last = every[-1].state(app.clock.now()) if every else ""
    return ExitCode.FINDINGS if last in {"failed", "missed"} else ExitCode.OK


_COLUMNS = (
    Column("id", right=True), Column("begun"), Column("seen"), Column("sent to", fold=True),
    Column("confirmed"), Column("state"),
)  # fmt: skip


_SEEN = {True: "yes", False: "no", None: ""}


def _emit(app: App, output: Output, every: list[Drill]) -> None:
    now = app.clock.now()
    if not output.for_people:
        output.emit_data({"drills": [_as_json(one, one.state(now)) for one in every]})
        return
    rows = [
        (
            str(one.id), _moment(app, one.begun_at), _SEEN[one.seen],
            ", ".join(name for name, state in one.routes.items() if state == "sent"),
            _moment(app, one.confirmed_at) if one.confirmed_at else "", one.state(now),
        )
        for one in every
    ]  # fmt: skip
    output.emit_printed(lambda to: show_table(to, _COLUMNS, rows))


def _moment(app: App, at: int) -> str:
    from opskit.core.clock import to_datetime  # noqa: PLC0415

    return f"{to_datetime(at, app.config.zone):%Y-%m-%d %H:%M}"


def _as_json(one: Drill, state: str) -> dict[str, object]:
    return {
        "id": one.id, "begun_at": one.begun_at, "deadline_at": one.deadline_at, "seen": one.seen,
        "reason": one.reason, "routes": dict(one.routes), "routed": one.routed,
        "confirmed_at": one.confirmed_at, "state": state, "refs": list(one.refs),
    }  # fmt: skip
