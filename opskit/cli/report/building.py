"""`opskit report build`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.commands import command
from opskit.cli.options import config_option, find_app, period, period_options
from opskit.cli.output import Output, note
from opskit.core.errors import ConfigError, ExitCode
from opskit.core.text import plural

if TYPE_CHECKING:
    from opskit.app import App
    from opskit.core.interval import Interval
    from opskit.issuing import Told

FORMS = ("html", "json", "pdf", "pdf-letter", "csv", "markdown", "text", "mail", "slack")
VIEWS = ("whole", "manager", "auditor", "ops", "team")
# Forms that are no text: a terminal would take them for commands.
_BINARY = ("pdf", "pdf-letter", "csv")


@command(
    examples=[
        "opskit report build                      this month so far, as report.html",
        "opskit report build --month last         the month that is over; this issues it",
        "opskit report build --month last --view manager -o text --output-file -",
        "opskit report build --month 2026-10 --view team --team payments",
        "opskit report build --month 2026-10 --version 1   as it was told at first",
        "opskit report build --last 7d -o json --output-file -",
    ],
    short_help="Build the report of a period.",
)
@period_options
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(FORMS),
    default="html",
    show_default=True,
    help="Form of the report; csv is a zip of all its tables.",
)
@click.option("--view", type=click.Choice(VIEWS), help="Whose pages. Default: those of the form.")
@click.option("--team", default="", help="The team of --view team.")
@click.option("--version", "number", type=click.IntRange(1), help="A version issued before.")
@click.option(
    "--output-file",
    default="",
    help="Where to; - is stdout. Default: report.html, or as the form is called, here.",
)
@config_option
def build(  # noqa: PLR0913  # one parameter per option
    *,
    month: str | None,
    since: str | None,
    until: str | None,
    last: str | None,
    form: str,
    view: str | None,
    team: str,
    number: int | None,
    output_file: str,
    config_path: Path | None,
) -> ExitCode:
    """Build the report of a period; one of a whole month that is over is issued with it.

    Every figure names how it was made and the ledger entries it was made from. What was issued
    never changes: the same evidence gives the same file again, later evidence the next version.
    """
    from opskit.report.document import View  # noqa: PLC0415  # after --help
    from opskit.report.reader import drawn, reader  # noqa: PLC0415
    from opskit.report.render import forms  # noqa: PLC0415

    chosen = forms.form(form)
    to = _output(form, chosen.suffix, output_file)
    app = find_app(config_path)
    asked = period(app, month=month, since=since, until=until, last=last)
    told = _told(app, asked, number)
    whom = reader(told.built, View(view) if view else chosen.view, team)
    to.emit_bytes(drawn(told.built, chosen, whom))
    return _said(told, to)


def _told(app: App, asked: Interval, number: int | None) -> Told:
    return app.issuing.report(asked) if number is None else app.issuing.version(asked, number)


def _output(form: str, suffix: str, output_file: str) -> Output:
    """Return where the report goes.

    Raises:
        ConfigError: it cannot go there.
    """
    if output_file == "-":
        if form in _BINARY and sys.stdout is not None and sys.stdout.isatty():
            raise ConfigError(
                f"{form} is not for a terminal",
                hint=f"name a file: --output-file report{suffix}",
            )
        return Output(form)
    path = Path(output_file or f"report{suffix}")
    if path.is_dir():
        raise ConfigError(
            f"{path} is a directory", hint=f"name a file in it: {path}/report{suffix}"
        )
    return Output(form, path)


def _said(told: Told, to: Output) -> ExitCode:
    """Say what was built, as far as a person needs to know, and return how it went."""
    report = told.built.report
    if to.path is not None:
        note(report.front.sentence)
        if told.issued is not None:
            one = told.issued
            note(f"version {one.version} of {one.month.name}, id {one.id} (entry {one.seq})")
        if report.restated:
            note(f"{plural(len(report.restated), 'figure')} restated since the version before")
    if told.otherwise:
        maker = report.opskit_version
        note(f"opskit {maker} issued it by other methods: figures here are by those of today")
    if told.failed:
        note(f"not issued: {told.why}")
        return ExitCode.FAILED
    if report.front.refused:
        note(f"no headline: {report.front.refused}")
        return ExitCode.FINDINGS
    return ExitCode.OK
