"""`opskit access onboard` and `offboard`: people coming and going."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.access.shared import confirm, emit_data, lenient, moment, strict
from opskit.cli.commands import command
from opskit.cli.delivering import deliver
from opskit.cli.options import config_option, output_options
from opskit.cli.output import Column, Output, note, show_heading, show_table, show_text, working
from opskit.core.text import plural

if TYPE_CHECKING:
    from opskit.access.arrivals import Arrival
    from opskit.access.departures import Departed, Open
    from opskit.access.roll import Leaving
    from opskit.access.workplace import Workplace
    from opskit.cli.output import Console
    from opskit.core.errors import ExitCode


@command(
    short_help="Ask for all that somebody new needs, and see how far it is.",
    examples=["opskit access onboard dora", "opskit access onboard dora --json"],
)
@click.argument("name")
@click.option("--reason", default="", help="What approvers read; default: which team they join.")
@click.option("--ticket", default="", help="The ticket it belongs to.")
@config_option
@output_options("table", "json", "yaml")
def onboard(
    name: str, reason: str, ticket: str, config_path: Path | None, output: Output
) -> ExitCode:
    """Ask for each role in the bundle of somebody's team, as ordinary requests.

    Run again it asks for nothing twice and shows how far it is. Exit 0: all of it could be used. 3:
    not yet.
    """
    from opskit.access.arrivals import onboard as begin  # noqa: PLC0415

    app, work = strict(config_path)
    found = begin(work, name, reason, ticket)
    deliver(app)
    if not output.for_people:
        emit_data(output, _arrival(found))
        return found.exit_code
    output.emit_printed(lambda to: _show_arrival(to, found))
    _say_arrival(found)
    return found.exit_code


def _arrival(found: Arrival) -> dict[str, object]:
    steps = [
        {
            "role": one.role, "on": list(one.on), "state": one.state,
            "request": one.request or None, "grant": one.grant or None,
            "decides": one.decides, "next": one.next,
        }
        for one in found.steps
    ]  # fmt: skip
    return {
        "person": found.person, "team": found.team, "ready": found.ready, "hours": found.hours,
        "roles": steps,
    }  # fmt: skip


_ROLES = (
    Column("role"),
    Column("on", spare=True),
    Column("state"),
    Column("who decides", fold=True),
    Column("next", fold=True),
)


def _show_arrival(to: Console, found: Arrival) -> None:
    rows = [(one.role, ", ".join(one.on), one.state, one.decides, one.next) for one in found.steps]
    show_table(to, _ROLES, rows)


def _say_arrival(found: Arrival) -> None:
    from opskit.access.arrivals import unready  # noqa: PLC0415

    if found.ready:
        note(f"{found.person} is ready, after {found.hours:.1f} h")
        return
    waiting = len(list(unready(found)))
    note(f"{plural(waiting, 'role')} to go, {found.hours:.1f} h so far")
    note(f"next: what the table says, then opskit access onboard {found.person} again")


@command(
    short_help="End all that somebody could do, and prove it.",
    examples=[
        "opskit access offboard eve --reason 'left the company'",
        "opskit access offboard eve --account eve2 --yes      who is in no file any more",
    ],
)
@click.argument("name")
@click.option("--account", default="", help="Their account, where people.yaml has them no more.")
@click.option("--reason", default="offboarding", show_default=True, help="An auditor reads it.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@config_option
@output_options("table", "json", "yaml")
def offboard(  # one parameter per option
    name: str, account: str, reason: str, yes: bool, config_path: Path | None, output: Output
) -> ExitCode:
    """End all that somebody could do: requests, grants, sessions, keys, rules, jobs, accounts.

    All targets are looked at for what is left of them, it is taken away, and they are looked at
    again. What they answer for is listed, to be handed over.

    Exit 0: nothing is left. 3: something could not be looked at. 4: something is left.
    """
    from opskit.access import departures  # noqa: PLC0415

    app, work = lenient(config_path)
    who = departures.leaving(work, name, account)
    _preview(who, departures.open_things(work, who))
    confirm(f"End all access of {name} (account {who.account}) on all targets?", yes=yes)
    with working(f"looking for {name} at every place, and taking away what is found"):
        done = departures.offboard(work, who, reason)
    deliver(app)
    if output.for_people:
        output.emit_printed(lambda to: _show_departed(to, work, done))
        _say_departed(done)
    else:
        emit_data(output, _departed(done))
    return done.exit_code


def _preview(who: Leaving, found: Open) -> None:
    named = [
        *(one.name for one in found.requests),
        *(f"{one.name} {one.role}" for one in found.grants),
    ]
    note(f"{who.name} {who.why}; to be ended: {', '.join(named) or 'no request and no grant'},")
    note("and whatever of their account and keys is found on any target")


def _departed(done: Departed) -> dict[str, object]:
    rows = [
        {
            "place": one.place, "what": one.what, "gone_at": one.gone_at, "why": one.why or None,
            "looked_at": not one.unseen,
        }
        for one in done.rows
    ]  # fmt: skip
    return {
        "person": done.who.name, "account": done.who.account, "keys": list(done.who.keys),
        "withdrawn": [one.name for one in done.withdrawn], "proof": rows,
        "places_looked_at": done.places, "leftover_hours": done.leftover_hours,
        "hand_over": [{"what": one.what, "where": one.where} for one in done.duties],
    }  # fmt: skip


_PROOF = (Column("place"), Column("what was there", fold=True), Column("gone", fold=True))
_DUTIES = (Column("hand over", fold=True), Column("edit", fold=True))


def _show_departed(to: Console, work: Workplace, done: Departed) -> None:
    rows = [
        (
            one.place, one.what,
            moment(work, one.gone_at) if one.gone_at is not None
            else f"unknown: {one.why}" if one.unseen else f"LEFT: {one.why}",
        )
        for one in done.rows
    ]  # fmt: skip
    if rows:
        show_table(to, _PROOF, rows)
    else:
        show_text(to, f"nothing of {done.who.name} was found")
    if done.duties:
        show_heading(to, "to be handed over")
        show_table(to, _DUTIES, [(one.what, one.where) for one in done.duties])


def _say_departed(done: Departed) -> None:
    name = done.who.name
    if done.withdrawn:
        note(f"withdrawn: {', '.join(one.name for one in done.withdrawn)}")
    if done.leftover_hours is not None:
        note(f"access outlived their last day by {done.leftover_hours:.1f} h")
    bad = [one for one in done.rows if one.gone_at is None]
    if bad:
        note(f"next: see to what is left, then opskit access offboard {name} again")
        return
    note(f"{plural(done.places, 'place')} looked at: nothing of {name} is left")
    if done.who.why.startswith("left on"):
        note("next: hand over what is listed, then remove them from access/people.yaml")
    elif done.who.why != "is not in people.yaml":
        note(f"next: set ends: for {name} in access/people.yaml, and hand over what is listed")
