"""`opskit fleet waive`, `waivers`, `adopt`, `owed` and `settle`: what people answer for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.commands import command
from opskit.cli.fleet.running import note_none
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Column, Output, note, show_table
from opskit.core.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from opskit.app import App
    from opskit.core.waivers import Grounds, Waiver

_NUMBER = re.compile(r"(?:W-)?([0-9]{1,9})")


@command(
    examples=[
        "opskit fleet waive D-3fa9c1d2e4 --on 'web*' --reason WHY --owner team:web --until 30d",
        "opskit fleet waive --renew W-3 --reason 'still waiting' --owner team:web --until 30d",
        "opskit fleet waive --end W-3 --reason 'fixed'",
    ],
    short_help="Accept a deviation for a time, or end that.",
)
@click.argument("deviation", required=False)
@click.option("--on", "hosts", default="*", show_default=True, help="Hosts: web1, 'web*'.")
@click.option("--reason", default="", help="Why; an auditor reads it.")
@click.option("--owner", default="", help="Who answers for it.")
@click.option("--until", default="", help="When it ends: 30d, 2027-01-31.")
@click.option("--renew", metavar="W-N", help="Give this waiver a later end.")
@click.option("--end", metavar="W-N", help="End this waiver now.")
@config_option
def waive(  # noqa: PLR0917  # one parameter per option
    deviation: str | None,
    hosts: str,
    reason: str,
    owner: str,
    until: str,
    renew: str | None,
    end: str | None,
    config_path: Path | None,
) -> ExitCode:
    """Accept a deviation as it is now, with a reason, an owner and an end.

    DEVIATION is an id that fleet check shows. If the deviation becomes another one, the waiver no
    longer fits and the finding is back.
    """
    from opskit.fleet import waive as verbs  # noqa: PLC0415

    if sum(option is not None for option in (deviation, renew, end)) != 1:
        raise ConfigError("give one: a deviation, --renew or --end", hint="fleet waive --help")
    app = find_app(config_path)
    if end is not None:
        waiver = verbs.end(app.workplace, _number(end), reason)
        note(f"{waiver.name} is ended: {waiver.subject} is a finding again")
        return ExitCode.OK
    grounds = _grounds(app, reason, owner, until)
    if renew is not None:
        waiver = verbs.renew(app.workplace, _number(renew), grounds)
    else:
        waiver = verbs.waive(app.workplace, deviation or "", hosts, grounds)
    note(_said(waiver))
    return ExitCode.OK


def _said(waiver: Waiver) -> str:
    from opskit.core.clock import iso  # noqa: PLC0415

    until = iso(waiver.expires_at)
    return f"{waiver.name}: {waiver.subject} on {waiver.hosts} is accepted until {until}"


def _number(text: str) -> int:
    matched = _NUMBER.fullmatch(text)
    if matched is None:
        raise ConfigError(f"{text!r} is no waiver", hint="write W-3; opskit fleet waivers lists")
    return int(matched[1])


def _grounds(app: App, reason: str, owner: str, until: str) -> Grounds:
    from opskit.core.clock import Instant, parse_duration, parse_instant  # noqa: PLC0415
    from opskit.core.waivers import Grounds as _Grounds  # noqa: PLC0415

    try:
        if re.fullmatch("[0-9]+[a-z]+", until):
            end = Instant(app.clock.now() + parse_duration(until))
        else:
            end = parse_instant(until, app.config.zone)
    except (ValueError, OverflowError) as error:
        message = f"--until: {error}" if until else "a waiver needs an end"
        raise ConfigError(message, hint="--until 30d, --until 2027-01-31") from error
    return _Grounds(reason, owner, end)


_WAIVERS = (
    Column("waiver"), Column("ends"), Column("left", right=True), Column("renewed", right=True),
    Column("hosts", fold=True), Column("what", fold=True), Column("owner"),
    Column("reason", fold=True),
)  # fmt: skip


@command(examples=["opskit fleet waivers", "opskit fleet waivers --json"],
         short_help="What is accepted, by whom, until when.")  # fmt: skip
@config_option
@output_options("table", "json", "yaml")
def waivers(config_path: Path | None, output: Output) -> ExitCode:
    """List what is accepted, by whom, until when. Exit 1: one of them is over."""
    from opskit.fleet import past  # noqa: PLC0415
    from opskit.fleet.waive import in_force  # noqa: PLC0415

    app = find_app(config_path)
    found, now = in_force(app.workplace), app.clock.now()
    if output.for_people:
        rows = [past.waiver_row(one, now) for one in found]
        note_none(rows, "nothing is waived")
        output.emit_printed(lambda to: show_table(to, _WAIVERS, rows))
    else:
        output.emit_data({"waivers": [past.waiver_json(one) for one in found]})
    return ExitCode.FINDINGS if any(one.expires_at <= now for one in found) else ExitCode.OK


@command(examples=["opskit fleet adopt D-3fa9c1d2e4 | git apply"],
         short_help="The patch that makes the standard match the hosts.")  # fmt: skip
@click.argument("deviation")
@config_option
@output_options("patch", "json")
def adopt(deviation: str, config_path: Path | None, output: Output) -> ExitCode:
    """Print the patch that would make the standard say what most deviating hosts have.

    Exit 3: the standard does not say it in one place of text; a person has to.
    """
    from opskit.fleet.history import adoption  # noqa: PLC0415

    app = find_app(config_path)
    found = adoption(app.workplace, deviation, app.config.path(app.config.settings.standard))
    if output.format == "json":
        output.emit_data(found.as_json())
    elif found.patch:
        output.emit(found.patch)
    if found.patch:
        return ExitCode.OK
    note(f"{found.drift.path} does not say it in one place of text; what the hosts have:")
    note(found.drift.before)
    return ExitCode.UNDETERMINED


_OWED = (
    Column("host"), Column("since"), Column("what", fold=True), Column("run", fold=True),
)  # fmt: skip


@command(examples=["opskit fleet owed"], short_help="What runs left undone on hosts.")
@config_option
@output_options("table", "json", "yaml")
def owed(config_path: Path | None, output: Output) -> ExitCode:
    """List what runs left undone: handlers that never ran, tasks that were cut off.

    A handler's debt is paid when the handler runs, a task's by the next look at it; or somebody
    signs it off with fleet settle. Exit 3: something is owed.
    """
    from opskit.fleet import past  # noqa: PLC0415
    from opskit.fleet.waive import owed as still  # noqa: PLC0415

    found = still(find_app(config_path).workplace)
    if output.for_people:
        rows = [past.owed_row(one) for one in found]
        note_none(rows, "nothing is owed")
        output.emit_printed(lambda to: show_table(to, _OWED, rows))
    else:
        output.emit_data({"owed": [past.owed_json(one) for one in found]})
    return ExitCode.UNDETERMINED if found else ExitCode.OK


@command(examples=["opskit fleet settle web1 --reason 'sshd restarted by hand'"],
         short_help="Sign off what is owed to a host.")  # fmt: skip
@click.argument("host")
@click.option("--reason", required=True, help="How it was seen to; an auditor reads it.")
@config_option
def settle(host: str, reason: str, config_path: Path | None) -> ExitCode:
    """Sign off what is owed to a host: somebody saw to it by hand."""
    from opskit.fleet.waive import settle as sign_off  # noqa: PLC0415

    for one in sign_off(find_app(config_path).workplace, host, reason):
        note(f"signed off: {one.debt}")
    return ExitCode.OK
