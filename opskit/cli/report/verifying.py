"""`opskit report verify`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.commands import command
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Output, note, show_text
from opskit.core.errors import ExitCode, OpskitError
from opskit.core.text import clean, plural

if TYPE_CHECKING:
    from opskit.verifying.judging import Verdict

_SHOWN = 10


@command(
    examples=[
        "opskit report verify report.html",
        "opskit report verify october.pdf --json",
        "opskit report verify october.html --offline   the file alone",
    ],
    short_help="Recompute every figure of a report's file.",
    epilog="Exit codes: 0 it says what its evidence gives, 1 it differs, 2 it is no report, "
    "3 it cannot be decided here, such as where another opskit made it by other methods.",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--show", default=_SHOWN, show_default=True, type=click.IntRange(1), help="Differences to show."
)
@click.option("--ledger", is_flag=True, help="Insist on the database here: it is of that one.")
@click.option("--offline", is_flag=True, help="The file alone, also where there is a database.")
@config_option
@output_options("table", "json", "yaml")
def verify(
    *,
    file: Path,
    show: int,
    ledger: bool,
    offline: bool,
    config_path: Path | None,
    output: Output,
) -> ExitCode:
    """Build the report again from what its file carries, and compare them byte by byte.

    Works offline, without a database and without settings. A changed digit anywhere is found, and
    the first thing that differs is named. Who changes the evidence in a file and all that follows
    from it makes another report, with another id: where there is a database, its entries and its
    id are looked up in the ledger and the archive there.
    """
    from opskit.verifying.judging import as_json, verify as judged  # noqa: PLC0415  # after --help

    verdict = judged(file)
    if verdict.report is not None and not offline:
        verdict = _held(verdict, config_path, asked=ledger or config_path is not None)
    if output.for_people:
        lines = "\n".join(_lines(verdict, show))
        output.emit_printed(lambda to: show_text(to, lines))
    else:
        output.emit_data(as_json(verdict, show))
    return verdict.outcome.code


def _held(verdict: Verdict, config_path: Path | None, *, asked: bool) -> Verdict:
    """Return a verdict with what the ledger here says to it, if there is one."""
    from opskit.verifying.judging import against  # noqa: PLC0415  # after --help

    try:
        app = find_app(config_path)
        return against(verdict, app.database, app.archive, named=asked)
    except OpskitError as error:
        if asked:
            raise
        note(f"not looked up in a ledger: {error.message}")
        return verdict


def _lines(verdict: Verdict, show: int) -> Iterator[str]:
    yield f"{clean(verdict.file)}: {_headline(verdict)}"
    yield from (f"  {one.sentence}" for one in verdict.differences[:show])
    more = len(verdict.differences) - show
    if more > 0:
        yield f"  and {plural(more, 'more difference')}; --show {len(verdict.differences)}"
    yield from (f"  {clean(one)}" for one in verdict.said)
    if verdict.report is not None:
        report = verdict.report.report
        yield f"  {clean(report.title)}, version {report.version}, id {report.id}"


def _headline(verdict: Verdict) -> str:
    from opskit.verifying.judging import Outcome  # noqa: PLC0415  # after --help

    if verdict.outcome is Outcome.SAME:
        return "same: every figure, table and word is what its evidence gives"
    if verdict.outcome is Outcome.UNDECIDED:
        return "cannot be decided here"
    return f"differs from what its evidence gives in {plural(len(verdict.differences), 'place')}"
