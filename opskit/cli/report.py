"""`opskit report`."""

from __future__ import annotations

from pathlib import Path

import click

from opskit.cli.commands import group
from opskit.cli.options import config_option, find_app, period, period_options
from opskit.cli.output import Output, note
from opskit.core.errors import ConfigError


@group(
    short_help="Build the value report.",
    examples=["opskit report build --month 2026-10"],
)
def report() -> None:
    """Build the value report: what Ops did, in figures that can be followed to their evidence."""


@report.command(
    examples=[
        "opskit report build                      this month so far, as report.html",
        "opskit report build --month last         the month that is over",
        "opskit report build --month 2026-10 --output-file october.html",
        "opskit report build --last 7d -o json --output-file -",
    ],
    short_help="Build the report of a period.",
)
@period_options
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["html", "json"]),
    default="html",
    show_default=True,
    help="Form of the report.",
)
@click.option(
    "--output-file",
    default="",
    help="Where to; - is stdout. Default: report.html or report.json here.",
)
@config_option
def build(  # one parameter per option
    month: str | None,
    since: str | None,
    until: str | None,
    last: str | None,
    form: str,
    output_file: str,
    config_path: Path | None,
) -> None:
    """Build the report of a period as one self-contained HTML file, or as JSON.

    Every figure names how it was made and the ledger entries it was made from.
    """
    from opskit.report.render import html, json  # noqa: PLC0415

    app = find_app(config_path)
    built = app.report(period(app, month=month, since=since, until=until, last=last))
    text = html.render(built) if form == "html" else json.render(built)
    if output_file == "-":
        Output(form).emit(text)
        return
    path = Path(output_file or f"report.{form}")
    if path.is_dir():
        raise ConfigError(f"{path} is a directory", hint="name a file: --output-file report.html")
    Output(form, path).emit(text)
    note(built.sentence)
