"""`opskit report baseline`: what later months are compared with, fixed before they begin."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import click

from opskit.cli.commands import group
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Column, Output, note, show_table
from opskit.core.errors import ConfigError


@group(
    short_help="Fix what later months are compared with.",
    examples=["opskit report baseline freeze --from 2026-04-01 --to 2026-07-01"],
)
def baseline() -> None:
    """Fix the time that later months are compared with, before they begin.

    A baseline that is chosen after the fact can be chosen to fit: no figure rests on one that was
    frozen after its period began.
    """


@baseline.command(
    examples=[
        "opskit report baseline freeze --from 2026-04-01 --to 2026-07-01",
        "opskit report baseline freeze --from 2026-04-01 --to 2026-07-01 --factor 2 --because WHY",
    ],
    short_help="Freeze a time that is over; it stays.",
)
@click.option("--from", "since", required=True, help="Start: a date or date-time.")
@click.option("--to", "until", required=True, help="End: a date or date-time, in the past.")
@click.option("--factor", default="1", help="By which it counts for more, as something grew.")
@click.option("--because", default="", help="What grew; reports print it, so name nobody.")
@config_option
def freeze(since: str, until: str, factor: str, because: str, config_path: Path | None) -> None:
    """Freeze a time, once, in the ledger; nothing changes it any more.

    Incidents and the time lost to them are compared with it, where it holds 90 days or more.
    """
    from opskit.core.clock import iso, parse_instant  # noqa: PLC0415
    from opskit.core.interval import Interval  # noqa: PLC0415
    from opskit.records import baselines  # noqa: PLC0415

    app = find_app(config_path)
    try:
        start, end = (parse_instant(text, app.config.zone) for text in (since, until))
        by = Fraction(factor)
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        hint = "opskit report baseline freeze --from 2026-04-01 --to 2026-07-01 --factor 1.2"
        raise ConfigError(str(error), hint=hint) from error
    if start >= end:
        raise ConfigError("the baseline ends before it starts", hint="--from DATE --to DATE")
    one = baselines.freeze(
        app.database, app.ledger, baselines.Wanted(Interval(start, end), by, because)
    )
    first, last, frozen_at = (iso(at, app.config.zone) for at in (start, end, one.frozen_at))
    note(f"{first} to {last} is the baseline of reports that begin after {frozen_at}")


_FROZEN = (
    Column("from"), Column("to"), Column("factor", right=True), Column("because", fold=True),
    Column("frozen"),
)  # fmt: skip


@baseline.command(
    "list",
    examples=["opskit report baseline list", "opskit report baseline list --json"],
    short_help="What was frozen, and when.",
)
@config_option
@output_options("table", "json", "yaml")
def list_(config_path: Path | None, output: Output) -> None:
    """List what was frozen, and when."""
    from opskit.core.clock import iso  # noqa: PLC0415
    from opskit.records.baselines import frozen  # noqa: PLC0415

    app = find_app(config_path)
    with app.database.read() as connection:
        found = frozen(connection)
    zone = app.config.zone if output.for_people else None
    rows = [
        (
            iso(one.period.start, zone), iso(one.period.end, zone), f"{float(one.factor):g}",
            one.because, iso(one.frozen_at, zone),
        )
        for one in found
    ]  # fmt: skip
    if not output.for_people:
        names = ("from", "to", "factor", "because", "frozen_at")
        output.emit_data({"baselines": [dict(zip(names, row, strict=True)) for row in rows]})
        return
    if not rows:
        note("nothing is frozen: opskit report baseline freeze --from DATE --to DATE")
    output.emit_printed(lambda to: show_table(to, _FROZEN, rows))
