"""`opskit report demo`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from opskit.cli.commands import command
from opskit.core.errors import ConfigError


@command(
    short_help="See a full report, of a year that was made up.",
    examples=[
        "opskit report demo                               every form, in a new directory",
        "opskit report demo --directory shown -o html     only the page, in ./shown",
    ],
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path, resolve_path=True),
    help="Where to write; must not exist yet. Default: a new one for temporary files.",
)
@click.option(
    "-o",
    "--output",
    "names",
    multiple=True,
    metavar="FORM",
    help="Only this form: html, json, csv, markdown ... May be given again. Default: all.",
)
def demo(directory: Path | None, names: tuple[str, ...]) -> None:
    """See a full report: of an invented company, so that nothing of yours is needed or touched.

    It has a year of services, hosts, access, incidents and warnings to look back on, and every
    figure, chart and view that a report can have. Each page says that all of it was made up.
    """
    from opskit.demo.year.shown import left_out, show  # noqa: PLC0415  # heavy

    if directory is not None and directory.exists():
        raise ConfigError(f"{directory} exists already", hint="name a new directory")
    place = directory or Path(tempfile.mkdtemp(prefix="opskit-report-"))
    shown = show(place, names)
    for one in shown:
        click.echo(f"{one.path.name:<16} {one.title}")
    lacking = left_out(names)
    if lacking:
        click.echo(f"\nleft out: {', '.join(lacking)}; next: pip install 'opskit[pdf]'")
    click.echo(f"\nOpen {shown[0].path}")
