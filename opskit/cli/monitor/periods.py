"""`opskit monitor uptime` and `explain`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.commands import command
from opskit.cli.monitor.shared import app_for, services_option, with_parts
from opskit.cli.options import config_option, output_options, period, period_options
from opskit.cli.output import Column, Output, note, show_heading, show_table, show_text
from opskit.core.errors import ConfigError, ExitCode, worst

if TYPE_CHECKING:
    from opskit.app import App
    from opskit.cli.output import Console
    from opskit.monitor.policy import Policy
    from opskit.monitor.restatement import Version
    from opskit.monitor.uptime import Difference, Past, ServiceUptime

_UPTIME = (
    Column("service"), Column("uptime", right=True, fold=True), Column("bounds", fold=True),
    Column("observed", right=True), Column("down", fold=True), Column("outages"),
    Column("objective"),
)  # fmt: skip
_BY_POLICY = (Column("policy"), *_UPTIME)

_policy_option = click.option(
    "--policy",
    "policies",
    multiple=True,
    metavar="NAME|FILE",
    help="Account by opskit, naive, strict or a file (opskit schema policy);"
    " several are shown side by side.",
)


def _policies(given: tuple[str, ...]) -> tuple[Policy, ...]:
    from opskit.monitor.policy import BUILT_IN, OPSKIT, Policy  # noqa: PLC0415
    from opskit.outside.models import read  # noqa: PLC0415

    found = []
    for name in given:
        if name in BUILT_IN:
            found.append(BUILT_IN[name])
        elif not Path(name).exists():
            known_ones = ", ".join(BUILT_IN)
            raise ConfigError(f"there is no policy {name}", hint=f"{known_ones}, or a file")
        else:
            found.append(read(Path(name), Policy, name=name))
    return tuple(found) or (OPSKIT,)


_as_of_option = click.option(
    "--as-of",
    type=click.IntRange(min=1),
    metavar="ENTRY",
    help="Leave out what came too late for the ledger up to this entry.",
)


def _past(
    app: App, names: tuple[str, ...], options: dict[str, Any], as_of: int | None = None
) -> Past:
    from opskit.monitor.uptime import Past  # noqa: PLC0415
    from opskit.records.ledger import head  # noqa: PLC0415

    window = period(app, **options)
    with app.database.read() as connection:
        if as_of is not None and as_of > (last := head(connection).seq):
            raise ConfigError(f"the ledger ends with entry {last}", hint="opskit ledger verify")
        return Past.read(connection, app.catalogue, window, app.config.zone, names, as_of)


def _versions(app: App, names: tuple[str, ...], past: Past) -> tuple[Version, ...]:
    from opskit.monitor.restatement import versions  # noqa: PLC0415

    ids = {one.id for one in past.catalogue.targets(with_parts(past.catalogue, names))}
    with app.database.read() as connection:
        return versions(connection, past.window, ids)


def _code(found: Sequence[ServiceUptime]) -> ExitCode:
    codes = [ExitCode.OK if one.availability.sufficient else ExitCode.UNDETERMINED for one in found]
    codes += [ExitCode.FINDINGS for one in found if one.met is False]
    return worst(codes)


@command(
    examples=[
        "opskit monitor uptime                      this month so far",
        "opskit monitor uptime shop --month 2026-10",
        "opskit monitor uptime --month 2026-10 --policy opskit --policy contract-a.yaml",
        "opskit monitor uptime --last 7d --json",
        "opskit monitor uptime --month 2026-10 --as-of 811   before what came late was known",
    ],
    short_help="Availability with bounds, coverage and objectives.",
)
@click.argument("names", nargs=-1, metavar="[SERVICE]...")
@period_options
@_policy_option
@_as_of_option
@services_option
@config_option
@output_options("table", "json", "yaml")
def uptime(  # noqa: PLR0913, PLR0917  # one parameter per option
    names: tuple[str, ...],
    month: str | None,
    since: str | None,
    until: str | None,
    last: str | None,
    policies: tuple[str, ...],
    as_of: int | None,
    services: str | None,
    config_path: Path | None,
    output: Output,
) -> ExitCode:
    """Show availability as a value with bounds; unobserved time is never counted as up.

    With several policies, the exit code is the first one's. Exit 0: objectives met or none. 1: one
    certainly missed. 3: too little was observed.
    """
    from opskit.monitor import present  # noqa: PLC0415

    app, wanted = app_for(config_path, services), _policies(policies)
    chosen = app.catalogue.known(names) or tuple(app.catalogue.services)
    options = {"month": month, "since": since, "until": until, "last": last}
    past = _past(app, chosen, options, as_of)
    if len(wanted) > 1:
        return _side_by_side(past, chosen, wanted, output)
    found = tuple(past.uptime(name, wanted[0]) for name in chosen)
    restated = _versions(app, chosen, past)
    if output.for_people:
        _show(found, output)
        for line in present.version_lines(restated, as_of):
            note(line)
    else:
        shown = [present.uptime_json(one) for one in _evidenced(app, found)]
        later = [present.version_json(one) for one in restated]
        output.emit_data({"services": shown, "restated": later})
    return _code(found)


def _evidenced(app: App, found: Sequence[ServiceUptime]) -> tuple[ServiceUptime, ...]:
    from opskit.monitor.proof import evidenced  # noqa: PLC0415

    with app.database.read() as connection:
        return evidenced(connection, found)


def _show(found: Sequence[ServiceUptime], output: Output) -> None:
    from opskit.monitor import present  # noqa: PLC0415

    rows = [present.uptime_row(one) for one in found]
    output.emit_printed(lambda to: show_table(to, _UPTIME, rows))
    note(present.window_line(found[0].window))
    for one in found:
        if one.blind and one.availability.sufficient:
            note(f"{one.service}: {one.blind}")


def _side_by_side(
    past: Past, names: tuple[str, ...], policies: tuple[Policy, ...], output: Output
) -> ExitCode:
    """Show the same time by several policies, and what makes each differ from the first."""
    from opskit.monitor import present  # noqa: PLC0415
    from opskit.monitor.uptime import compared  # noqa: PLC0415

    base, *others = policies
    found = {name: [past.uptime(name, one) for one in policies] for name in names}
    why = {name: {one.name: compared(past, name, base, one) for one in others} for name in names}
    if output.for_people:
        output.emit_printed(lambda to: _show_side_by_side(to, found, why))
        note(present.window_line(past.window))
    else:
        data = [
            {
                **present.uptime_json(one),
                "differences": _differences(why[name].get(one.policy.name)),
            }
            for name, ones in found.items()
            for one in ones
        ]
        output.emit_data({"services": data})
    return _code([ones[0] for ones in found.values()])


def _differences(found: tuple[Difference, ...] | None) -> list[dict[str, Any]]:
    from opskit.monitor import present  # noqa: PLC0415

    return [present.difference_json(one) for one in found or ()]


def _show_side_by_side(
    to: Console,
    found: dict[str, list[ServiceUptime]],
    why: dict[str, dict[str, tuple[Difference, ...]]],
) -> None:
    from opskit.monitor import present  # noqa: PLC0415

    rows = [(one.policy.name, *present.uptime_row(one)) for ones in found.values() for one in ones]
    show_table(to, _BY_POLICY, rows)
    for name, by_policy in why.items():
        for policy, differences in by_policy.items():
            telling = [one for one in differences if one.change != 0]
            if telling:
                show_heading(to, f"{name}: {policy} beside {found[name][0].policy.name}")
            for one in telling:
                show_text(to, f"  {present.difference_line(one)}")


_INTERVALS = (
    Column("from"), Column("lasted", right=True), Column("state"), Column("reason", fold=True),
    Column("ledger", fold=True),
)  # fmt: skip


@command(
    examples=[
        "opskit monitor explain shop --last 24h",
        "opskit monitor explain shop --month 2026-10 --json",
        "opskit monitor explain shop --last 24h --locations",
    ],
    short_help="Every interval behind an availability, with its evidence.",
)
@click.argument("service")
@period_options
@click.option("--locations", is_flag=True, help="List what each other location saw instead.")
@_policy_option
@_as_of_option
@services_option
@config_option
@output_options("table", "json", "yaml")
def explain(  # noqa: PLR0913, PLR0917  # one parameter per option
    service: str,
    month: str | None,
    since: str | None,
    until: str | None,
    last: str | None,
    locations: bool,
    policies: tuple[str, ...],
    as_of: int | None,
    services: str | None,
    config_path: Path | None,
    output: Output,
) -> ExitCode:
    """List every interval behind a service's availability and the ledger entries that show it.

    With --locations, list what the managed hosts saw that were asked to confirm its failures.
    """
    from opskit.monitor import present  # noqa: PLC0415

    app, (policy, *_) = app_for(config_path, services), _policies(policies)
    options = {"month": month, "since": since, "until": until, "last": last}
    if locations:
        return _show_locations(app, app.catalogue.known((service,)), options, output)
    past = _past(app, app.catalogue.known((service,)), options, as_of)
    (found,) = _evidenced(app, [past.uptime(service, policy)])
    if output.for_people:
        output.emit_printed(lambda to: _show_intervals(to, found))
    else:
        output.emit_data({**present.uptime_json(found), "intervals": present.intervals_json(found)})
    return _code([found])


def _show_intervals(to: Console, found: ServiceUptime) -> None:
    from opskit.monitor import present  # noqa: PLC0415

    show_table(to, _INTERVALS, present.interval_rows(found))
    show_text(to, _sum(found))


def _sum(found: ServiceUptime) -> str:
    from opskit.monitor import present  # noqa: PLC0415

    name, shown, bounds, coverage, down, *_ = present.uptime_row(found)
    line = f"{name}: {shown}, bounds {bounds or 'none'}, observed {coverage or '0 %'}, down {down}"
    return "\n".join(["", line, *present.blip_lines(found)])


_LOCATIONS = (
    Column("from"), Column("to"), Column("target"), Column("location"), Column("seen"),
    Column("reason", fold=True),
)  # fmt: skip


def _show_locations(
    app: App, names: tuple[str, ...], options: dict[str, Any], output: Output
) -> ExitCode:
    """Show what other locations saw; that nobody was asked is no finding."""
    from opskit.monitor import present  # noqa: PLC0415
    from opskit.monitor.store.locations import sightings  # noqa: PLC0415

    window = period(app, **options)
    with app.database.read() as connection:
        ids = [target.id for target in app.catalogue.targets(names)]
        found = sightings(connection, window, ids)
    if not output.for_people:
        output.emit_data({"sightings": [present.sighting_json(one) for one in found]})
    elif found:
        rows = [present.sighting_row(one) for one in found]
        output.emit_printed(lambda to: show_table(to, _LOCATIONS, rows))
    else:
        note("no other location was asked in that time")
    return ExitCode.OK
