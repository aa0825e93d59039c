"""`opskit alerts list`, `explain` and `evaluate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.alerts.matching import matchers_of
from opskit.cli.commands import command
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Column, Output, note, show_table
from opskit.core.clock import MINUTE, Instant, format_duration, iso
from opskit.core.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from opskit.alerting import Alerting, Shown
    from opskit.alerts.explaining import Explained

_STATES = ("firing", "pending", "all")
_SHORT = 8
_TITLED = frozenset({"alertname", "severity"})


@command(
    name="list",
    examples=[
        "opskit alerts list                        what fires now?",
        "opskit alerts list --state all            and what is pending",
        "opskit alerts list severity=page service=shop",
    ],
    short_help="What fires now, and who has it in hand.",
)
@click.argument("matchers", nargs=-1, metavar="MATCHER...")
@click.option(
    "--state", type=click.Choice(_STATES), default="firing", show_default=True, help="Which."
)
@config_option
@output_options("table", "json", "yaml")
def listing(
    matchers: tuple[str, ...], state: str, config_path: Path | None, output: Output
) -> ExitCode:
    """List alerts, oldest first; with matchers only those that meet all of them.

    Exit 0: nothing fires. 1: something does. 3: opskit serve has not looked lately, so nobody
    knows.
    """
    wanted = matchers_of(matchers)
    app = find_app(config_path)
    alerting, now = app.alerting, app.clock.now()
    shown = [one for one in alerting.shown(now) if all(x.holds(one.alert.labels) for x in wanted)]
    shown = [one for one in shown if state in ("all", one.alert.state(now).value)]
    if output.for_people:
        _show(shown, now, output)
    else:
        output.emit_data({"at": iso(now), "alerts": [_as_json(one, now) for one in shown]})
    return _told(alerting, now, fires=any(one.alert.starts_at is not None for one in shown))


def _told(alerting: Alerting, now: Instant, *, fires: bool) -> ExitCode:
    stale = alerting.stale(now)
    if stale:
        note(f"{stale}: this may not be how it is now; next: opskit alerts evaluate")
    if not alerting.is_routed:
        note("nobody is told of alerts: there is no alerts/routes.yaml; see opskit schema routes")
    if fires:
        return ExitCode.FINDINGS
    return ExitCode.UNDETERMINED if stale else ExitCode.OK


_COLUMNS = (
    Column("id"), Column("state"), Column("severity"), Column("alert"),
    Column("labels", fold=True), Column("for"), Column("in hand", fold=True, spare=True),
)  # fmt: skip


def _show(shown: Sequence[Shown], now: Instant, output: Output) -> None:
    if not shown:
        note("no alert is there")
        return
    rows = [_row(one, now) for one in shown]
    output.emit_printed(lambda to: show_table(to, _COLUMNS, rows))


def _row(one: Shown, now: Instant) -> tuple[str, ...]:
    alert = one.alert
    since = alert.since if alert.starts_at is None else alert.starts_at
    return (
        alert.fingerprint[:_SHORT],
        alert.state(now).value,
        alert.severity,
        alert.name,
        ", ".join(f"{k}={v}" for k, v in sorted(alert.labels.items()) if k not in _TITLED),
        _lasted(now - since),
        one.hand,
    )


def _lasted(duration: int) -> str:
    """Return how long it has been there; whoever reads a list wants no seconds of hours."""
    return format_duration(duration if duration < MINUTE else duration - duration % MINUTE)


def _as_json(one: Shown, now: Instant) -> Mapping[str, Any]:
    alert = one.alert
    return {
        "fingerprint": alert.fingerprint,
        "state": alert.state(now).value,
        "rule": alert.rule,
        "source": alert.source,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "value": alert.value,
        "active_at": iso(alert.since),
        "starts_at": alert.starts_at and iso(alert.starts_at),
        "acknowledged": one.acknowledged
        and {"by": one.acknowledged.by, "until": iso(one.acknowledged.until)},
        "silenced_by": list(one.silenced),
    }


@command(
    examples=[
        "opskit alerts explain 1f3c                 by the beginning of its id",
        "opskit alerts explain ServiceDown          by its name",
    ],
    short_help="Why somebody was told of an alert, or nobody.",
)
@click.argument("alert")
@config_option
@output_options("table", "json", "yaml")
def explain(alert: str, config_path: Path | None, output: Output) -> None:
    """Say step by step why somebody was told of an alert, or why nobody was.

    ALERT is its name, or the beginning of the id that `opskit alerts list` shows. Without one that
    is pending or fires, the last that did is explained.
    """
    app = find_app(config_path)
    found = app.alerting.explain(alert)
    if not found:
        raise ConfigError(f"no alert {alert!r} was ever there", hint="opskit alerts list")
    if output.for_people:
        for one in found:
            _emit(one, output, app.config.zone)
    else:
        output.emit_data({"alerts": [_explained_json(one) for one in found]})


def _emit(one: Explained, output: Output, zone: ZoneInfo) -> None:
    note(_headed(one))
    rows = [
        ("now" if step.at is None else iso(step.at, zone), step.kind.value, step.says)
        for step in one.steps
    ]
    columns = (Column("when"), Column("what"), Column("why", fold=True))
    output.emit_printed(lambda to: show_table(to, columns, rows))


def _headed(one: Explained) -> str:
    alert = one.alert
    labels = ", ".join(f"{k}={v}" for k, v in sorted(alert.labels.items()) if k != "alertname")
    return f"{alert.name} {alert.fingerprint[:_SHORT]} ({labels})"


def _explained_json(one: Explained) -> Mapping[str, Any]:
    return {
        "fingerprint": one.alert.fingerprint,
        "labels": dict(one.alert.labels),
        "steps": [
            {"at": step.at and iso(step.at), "kind": step.kind.value, "says": step.says}
            for step in one.steps
        ],
    }


@command(
    examples=[
        "opskit alerts evaluate          look at all rules once, tell whom it concerns",
        "opskit alerts evaluate --json   for a pipeline",
    ],
    short_help="Look at all rules once.",
)
@config_option
@output_options("table", "json", "yaml")
def evaluate(config_path: Path | None, output: Output) -> ExitCode:
    """Look at all rules once, as opskit serve does again and again; send what is owed.

    For a timer where opskit serve does not run. Exit 0: nothing fires. 1: something does. 3: a rule
    could not be evaluated.
    """
    app = find_app(config_path)
    faults = app.evaluate()
    now = app.clock.now()
    shown = [one for one in app.alerting.shown(now) if one.alert.starts_at is not None]
    for name, reason in faults.items():
        note(f"{name} could not be evaluated: {reason}")
    if output.for_people:
        _show(shown, now, output)
    else:
        found: Sequence[Mapping[str, Any]] = [_as_json(one, now) for one in shown]
        output.emit_data({"at": iso(now), "alerts": found, "not_evaluated": dict(faults)})
    if faults:
        return ExitCode.UNDETERMINED
    return ExitCode.FINDINGS if shown else ExitCode.OK
