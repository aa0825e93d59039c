"""`opskit monitor forecast`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opskit.cli.commands import command
from opskit.cli.monitor.shared import app_for, services_option
from opskit.cli.options import config_option, output_options
from opskit.cli.output import Column, Output, note, show_heading, show_table
from opskit.core.clock import Instant, format_duration, iso
from opskit.core.errors import ExitCode

if TYPE_CHECKING:
    from opskit.monitor.foresight import Foreseen, Score

_AHEAD = (
    Column("target"), Column("metric"), Column("of", fold=True), Column("now", right=True),
    Column("threshold", right=True), Column("outlook"), Column("in", right=True),
    Column("between", fold=True),
)  # fmt: skip
_SCORES = (
    Column("metric"), Column("right", right=True), Column("late", right=True),
    Column("false", right=True), Column("missed", right=True),
)  # fmt: skip


@command(
    examples=[
        "opskit monitor forecast",
        "opskit monitor forecast --keep    from cron, where no opskit serve runs",
        "opskit monitor forecast --json",
    ],
    short_help="What will reach its threshold, and when.",
)
@click.option("--keep", is_flag=True, help="Keep what is foreseen, and score what was.")
@services_option
@config_option
@output_options("table", "json", "yaml")
def forecast(
    keep: bool, services: str | None, config_path: Path | None, output: Output
) -> ExitCode:
    """Show what will reach its threshold and when, worst first; and how well that was foreseen.

    Disks, inodes, memory, certificates and what `forecasts:` in opskit.yaml names, from the numbers
    that probes came upon. A nightly rise is no trend: within a day, yesterday's shape and the last
    hour and six hours must agree; over days, the change from one day to the next decides.

    Exit 0: nothing is foreseen. 1: something is. 3: there is too little data to say of something.
    """
    app = app_for(config_path, services)
    now, targets = app.clock.now(), app.catalogue.target_ids
    make = app.foresight.keep if keep else app.foresight.foreseen
    found, scores = make(targets, now), app.foresight.scores()
    if output.for_people:
        _show(output, found, scores, now)
    else:
        told = [_json(one, now) for one in found]
        output.emit_data({"forecasts": told, "scores": [_score_json(one) for one in scores]})
    return _code(found)


def _show(
    output: Output, found: tuple[Foreseen, ...], scores: tuple[Score, ...], now: Instant
) -> None:
    if not found:
        note("no number with a threshold is kept yet: probes that tell some must have run")
    rows = [_row(one, now) for one in found]
    output.emit_printed(lambda to: show_table(to, _AHEAD, rows))
    if scores:
        told = [(one.metric, *(str(number) for number in one.outcomes.values())) for one in scores]
        output.emit_printed(lambda to: show_heading(to, "how forecasts came out so far"))
        output.emit_printed(lambda to: show_table(to, _SCORES, told))


def _row(one: Foreseen, now: Instant) -> tuple[str, ...]:
    told = one.forecast
    ahead = "" if told.at is None else format_duration(max(0, told.at - now))
    between = ""
    if told.earliest is not None and told.latest is not None and told.earliest < told.latest:
        between = f"{iso(told.earliest)} and {iso(told.latest)}"
    return (
        one.metric.target, one.metric.name, one.item, _number(one, told.value),
        _number(one, one.goal.threshold), _outlook(one), ahead, between,
    )  # fmt: skip


def _number(one: Foreseen, value: float | None) -> str:
    if value is None or one.goal.deadline:
        return ""
    return f"{value:.1%}" if one.metric.name.endswith("_ratio") else f"{value:g}"


def _outlook(one: Foreseen) -> str:
    from opskit.monitor.forecast import Outlook  # noqa: PLC0415

    told = one.forecast
    if told.outlook is not Outlook.MISSING:
        return told.outlook.value
    if not told.missing:
        return "cannot say: no number of late"
    return f"cannot say: {format_duration(told.missing)} more needed"


def _json(one: Foreseen, now: Instant) -> dict[str, Any]:
    told = one.forecast
    return {
        "target": one.metric.target,
        "metric": one.metric.name,
        "labels": dict(one.metric.labels),
        "value": told.value,
        "threshold": None if one.goal.deadline else one.goal.threshold,
        "outlook": told.outlook.value,
        "seconds_left": None if told.at is None else max(0, told.at - now) / 1_000_000,
        "expected_at": _iso(told.at),
        "earliest": _iso(told.earliest),
        "latest": _iso(told.latest),
        "missing_seconds": told.missing / 1_000_000,
    }


def _iso(at: Instant | None) -> str | None:
    return None if at is None else iso(at)


def _score_json(one: Score) -> dict[str, Any]:
    return {
        "metric": one.metric,
        **{outcome.value: number for outcome, number in one.outcomes.items()},
    }


def _code(found: tuple[Foreseen, ...]) -> ExitCode:
    from opskit.monitor.forecast import Outlook  # noqa: PLC0415

    outlooks = {one.forecast.outlook for one in found}
    if Outlook.MISSING in outlooks or not found:
        return ExitCode.UNDETERMINED
    foreseen = outlooks & {Outlook.REACHED, Outlook.REACHES}
    return ExitCode.FINDINGS if foreseen else ExitCode.OK
