"""`opskit alerts route` and `opskit alerts oncall`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.commands import command
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Column, Output, note, show_table
from opskit.core.clock import DAY, Instant, iso, parse_instant
from opskit.core.errors import ConfigError, ExitCode
from opskit.core.interval import Interval
from opskit.core.text import nearest

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from opskit.alerts.routing.plan import Duty, Plan
    from opskit.alerts.routing.rota import Shift
    from opskit.app import App


@command(
    examples=[
        "opskit alerts route alertname=ServiceDown severity=page service=shop",
        "opskit alerts route severity=ticket --at 2026-12-24T22:00   who would be told then?",
    ],
    short_help="Who is told of an alert with these labels.",
)
@click.argument("labels", nargs=-1, metavar="NAME=VALUE...")
@click.option("--at", default="", help="A date or date-time, instead of now.")
@config_option
@output_options("table", "json", "yaml")
def route(labels: tuple[str, ...], at: str, config_path: Path | None, output: Output) -> None:
    """Show who is told of an alert with these labels: where in alerts/routes.yaml it ends."""
    given = dict(_label(one) for one in labels)
    app = find_app(config_path)
    plan, moment = _plan(app), _moment(app, at)
    ends = [(one, sorted(plan.recipients(one.receiver, moment))) for one in plan.router.ends(given)]
    if output.for_people:
        rows = [
            (one.path, one.receiver, ", ".join(told), one.escalation or "none")
            for one, told in ends
        ]
        columns = (
            Column("route"), Column("receiver"), Column("told", fold=True), Column("escalation"),
        )  # fmt: skip
        output.emit_printed(lambda to: show_table(to, columns, rows))
    else:
        found = [
            {
                "route": one.path,
                "receiver": one.receiver,
                "told": told,
                "group": dict(one.grouped(given)),
                "escalation": one.escalation,
            }
            for one, told in ends
        ]
        output.emit_data({"at": iso(moment), "labels": given, "routes": found})


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ConfigError(f"{text!r} is no label", hint="opskit alerts route severity=page")
    return name, value


@command(
    examples=[
        "opskit alerts oncall                       who is on call now, who is next",
        "opskit alerts oncall primary --days 30     the shifts of a rota",
        "opskit alerts oncall primary -o ical --output-file oncall.ics",
    ],
    short_help="Who is on call, now and next.",
)
@click.argument("rota", required=False)
@click.option("--at", default="", help="A date or date-time, instead of now.")
@click.option(
    "--days", type=click.IntRange(1, 366), default=14, show_default=True, help="How far to look."
)
@config_option
@output_options("table", "json", "yaml", "ical")
def oncall(
    rota: str | None, at: str, days: int, config_path: Path | None, output: Output
) -> ExitCode:
    """Show who is on call: without a rota of each, now and next; with one, its shifts.

    Exit 1: nobody is on call now.
    """
    app = find_app(config_path)
    plan, now = _plan(app), _moment(app, at)
    duties = plan.duties if rota is None else {rota: _duty(plan, rota)}
    window = Interval(now, Instant(now + days * DAY))
    if output.format == "ical":
        output.emit(_calendar(duties, window))
    elif not output.for_people:
        data = {name: _as_json(one, now, window) for name, one in duties.items()}
        output.emit_data({"at": iso(now), "rotas": data})
    elif rota is None:
        rows = [_now_and_next(name, one, now, app.config.zone) for name, one in duties.items()]
        output.emit_printed(lambda to: show_table(to, _NOW, rows))
    else:
        shifts = [_shift(one, app.config.zone) for one in duties[rota].shifts(window)]
        output.emit_printed(lambda to: show_table(to, _SHIFTS, shifts))
    vacant = [name for name, one in duties.items() if one.on_call(now) is None]
    for name in vacant:
        note(f"nobody is on call in {name}: the receiver of the first route is told instead")
    return ExitCode.FINDINGS if vacant else ExitCode.OK


_NOW = (Column("rota"), Column("now"), Column("until"), Column("next"), Column("from"))
_SHIFTS = (Column("person"), Column("from"), Column("until"))


def _plan(app: App) -> Plan:
    return app.alerting.on_call()


def _moment(app: App, at: str) -> Instant:
    try:
        return parse_instant(at, app.config.zone) if at else app.clock.now()
    except ValueError as error:
        raise ConfigError(str(error), hint="--at 2026-12-01T22:00") from error


def _duty(plan: Plan, name: str) -> Duty:
    if name not in plan.duties:
        guess = nearest(name, list(plan.duties))
        meant = f"; did you mean {guess!r}?" if guess else ""
        raise ConfigError(f"there is no rota {name!r}{meant}", hint="opskit alerts oncall")
    return plan.duties[name]


def _now_and_next(name: str, duty: Duty, now: Instant, zone: ZoneInfo) -> tuple[str, ...]:
    one, other = duty.on_call(now), duty.next(now)
    shown = ("nobody", "") if one is None else (one.person, iso(one.interval.end, zone))
    after = ("nobody", "") if other is None else (other.person, iso(other.interval.start, zone))
    return (name, *shown, *after)


def _shift(one: Shift, zone: ZoneInfo) -> tuple[str, str, str]:
    return one.person, iso(one.interval.start, zone), iso(one.interval.end, zone)


def _as_json(duty: Duty, now: Instant, window: Interval) -> dict[str, Any]:
    one, other = duty.on_call(now), duty.next(now)
    return {
        "now": one and one.person,
        "until": one and iso(one.interval.end),
        "next": other and other.person,
        "from": other and iso(other.interval.start),
        "shifts": [
            {
                "person": shift.person,
                "from": iso(shift.interval.start),
                "until": iso(shift.interval.end),
            }
            for shift in duty.shifts(window)
        ],
    }


def _calendar(duties: Mapping[str, Duty], window: Interval) -> str:
    from opskit.alerts.routing.ical import calendar  # noqa: PLC0415  # only for this form

    shifts = ((name, shift) for name, one in duties.items() for shift in one.whole_shifts(window))
    return calendar(shifts, window.start)
