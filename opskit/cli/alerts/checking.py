"""`opskit alerts check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opskit.cli.commands import command
from opskit.cli.findings import FORMS, emit
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Output
from opskit.core.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from opskit.core.findings import Finding


@command(
    examples=[
        "opskit alerts check                                  all rule files below alerts/",
        "opskit alerts check rules.yaml -o sarif              for code scanning",
        "opskit alerts check --metrics page.txt               know other exporters, too",
    ],
    short_help="Find rules that cannot be trusted.",
)
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--metrics",
    "page",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A saved page of metrics; a name that neither it nor opskit has is a finding then.",
)
@config_option
@output_options(*FORMS)
def check(
    files: tuple[Path, ...], page: Path | None, config_path: Path | None, output: Output
) -> ExitCode:
    """Find rules that cannot be trusted, before they are loaded: needs no server.

    Names that nobody shows, rules that can never fire, burn rates that page on one failed probe,
    forecasts from one window, rates of gauges, and what an alert must carry.

    Exit 0: nothing found. 1: findings. 2: Prometheus would refuse a file.
    """
    findings = _found(files, page, config_path)
    emit("opskit alerts check", findings, "nothing is wrong with the rules", output)
    from opskit.alerts.rules import is_refused  # noqa: PLC0415  # after --help

    if any(is_refused(one) for one in findings):
        return ExitCode.USAGE
    return ExitCode.FINDINGS if any(one.severity.rank for one in findings) else ExitCode.OK


def _found(
    files: tuple[Path, ...], page: Path | None, config_path: Path | None
) -> tuple[Finding, ...]:
    from opskit.alerts import checking  # noqa: PLC0415  # after --help
    from opskit.core.findings import ordered  # noqa: PLC0415

    seen = None if page is None else checking.shown(page)
    try:
        app = find_app(config_path)
    except ConfigError:
        if not files or config_path is not None:
            raise
        # Files can be judged anywhere; nothing else is known then.
        read = tuple(checking.read(path, str(path)) for path in files)
        return ordered(list(checking.findings(read, seen=seen)))
    return app.lint_rules(files, seen)
