"""`opskit check`."""

from __future__ import annotations

from pathlib import Path

from opskit.cli.commands import command
from opskit.cli.findings import FORMS, emit
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Output
from opskit.core.errors import ExitCode


@command(
    short_help="Check every file of the ops repository.",
    examples=[
        "opskit check                                      for people",
        "opskit check -o sarif --output-file check.sarif   for code scanning",
        "opskit check -o junit --output-file check.xml     for CI",
    ],
)
@config_option
@output_options(*FORMS)
def check(config_path: Path | None, output: Output) -> ExitCode:
    """Check every file of the ops repository without touching a host.

    Settings, services, people, alert rules, playbooks, inventory. For CI and pre-commit.
    """
    app = find_app(config_path)
    findings = app.lint()
    emit("opskit check", findings, "every file is well formed", output)
    return ExitCode.FINDINGS if any(one.severity.rank for one in findings) else ExitCode.OK
