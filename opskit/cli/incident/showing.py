"""Incidents in a list, one by one, as Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.commands import command
from opskit.cli.incident.shared import shown_time
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Column, Output, note, show_facts, show_heading, show_table
from opskit.core.clock import DAY, Instant, format_duration, iso
from opskit.core.errors import ExitCode
from opskit.core.interval import Interval

if TYPE_CHECKING:
    from opskit.app import App
    from opskit.cli.output import Console
    from opskit.desk.incidents.model import Event, Incident

_COLUMNS = (
    Column("incident"), Column("severity"), Column("status"), Column("in hand"),
    Column("for", right=True), Column("service"), Column("what", fold=True),
)  # fmt: skip


@command(
    name="list",
    examples=[
        "opskit incident list",
        "opskit incident list --last 30d     those that are over, too",
        "opskit incident list -o json",
    ],
    short_help="What somebody still has to see to.",
)
@click.option("--last", type=click.IntRange(1, 3_650), metavar="DAYS", help="Of so many days, all.")
@config_option
@output_options("table", "json", "yaml")
def listing(last: int | None, config_path: Path | None, output: Output) -> ExitCode:
    """Show the incidents that are open, worst first. Exit 1: there are some."""
    app = find_app(config_path)
    found = sorted(_found(app, last), key=_worst_first)
    if not output.for_people:
        output.emit_data({"incidents": [as_json(one) for one in found]})
    elif not found:
        note("no incident is open" if last is None else "there was no incident")
    else:
        rows = [_row(app, one) for one in found]
        output.emit_printed(lambda to: show_table(to, _COLUMNS, rows))
    return ExitCode.FINDINGS if any(one.is_open for one in found) else ExitCode.OK


def _found(app: App, days: int | None) -> tuple[Incident, ...]:
    if days is None:
        return app.desk.incidents.open_now()
    now = app.clock.now()
    return app.desk.incidents.within(Interval(Instant(now - days * DAY), Instant(now + 1)))


def _worst_first(one: Incident) -> tuple[bool, int, int]:
    from opskit.desk.incidents.model import Severity  # noqa: PLC0415

    return (not one.is_open, list(Severity).index(one.severity), one.opening.started_at)


def _row(app: App, one: Incident) -> tuple[str, ...]:
    end = one.over_at or app.clock.now()
    return (
        one.name,
        one.severity,
        one.status,
        one.owner or "nobody",
        format_duration(end - one.opening.started_at),
        one.opening.service,
        one.opening.title,
    )


@command(
    examples=["opskit incident show INC-7", "opskit incident show INC-7 -o json"],
    short_help="Its times, alerts, and everything that was said.",
)
@click.argument("incident", metavar="INC-N")
@config_option
@output_options("table", "json", "yaml")
def show(incident: str, config_path: Path | None, output: Output) -> None:
    """Show an incident: its times kept apart, and its timeline line by line."""
    app = find_app(config_path)
    one = app.desk.incidents.one(incident)
    if output.for_people:
        output.emit_printed(lambda to: _show(app, one, to))
    else:
        output.emit_data(
            {"incident": as_json(one), "events": [_event(each) for each in one.events]}
        )


def _show(app: App, one: Incident, to: Console) -> None:
    from opskit.desk.incidents.story import facts, lines  # noqa: PLC0415

    known = facts(one, lambda at: iso(at, app.config.zone), app.clock.now())
    show_heading(to, f"{one.name}: {one.opening.title}")
    show_facts(to, [(name, value) for name, value in known if value])
    show_heading(to, "timeline")
    rows = [(str(each.number), shown_time(app, each.at), each.by, each.text) for each in lines(one)]
    columns = (Column("line", right=True), Column("at"), Column("by"), Column("what", fold=True))
    show_table(to, columns, rows)


@command(
    examples=["opskit incident export INC-7 --output-file INC-7.md"],
    short_help="The whole story as Markdown.",
)
@click.argument("incident", metavar="INC-N")
@config_option
@output_options("md")
def export(incident: str, config_path: Path | None, output: Output) -> None:
    """Write the whole story of an incident, for a wiki or a review."""
    from opskit.desk.incidents.story import markdown  # noqa: PLC0415

    app = find_app(config_path)
    one = app.desk.incidents.one(incident)
    output.emit(markdown(one, lambda at: iso(at, app.config.zone), app.clock.now()))


def as_json(one: Incident) -> dict[str, object]:
    """Return an incident as JSON shows it; what is not yet is null."""
    opening = one.opening
    times = {
        "started_at": opening.started_at,
        "detected_at": opening.detected_at,
        "acknowledged_at": one.acknowledged_at,
        "mitigated_at": one.mitigated_at,
        "resolved_at": one.resolved_at,
    }
    return {
        "incident": one.name,
        "title": opening.title,
        "status": one.status,
        "severity": one.severity,
        "service": opening.service,
        "team": opening.team,
        "visible": opening.visible,
        "owner": one.owner,
        "source": opening.source,
        **{name: None if at is None else iso(at) for name, at in times.items()},
        "reopened": one.reopened,
        "cause": one.cause,
        "change": one.change,
        "fingerprint": opening.fingerprint,
        "merged_into": None if one.into is None else f"INC-{one.into}",
        "links": [{"what": each.what, "name": each.name} for each in one.links],
    }


def _event(one: Event) -> dict[str, object]:
    return {
        "at": iso(one.at),
        "kind": one.kind,
        "by": one.by,
        "incident": f"INC-{one.incident}",
        "data": dict(one.data),
        "ledger": one.seq,
    }
