"""`opskit check`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from opskit.cli.commands import command
from opskit.cli.formats import junit, sarif
from opskit.cli.options import config_option, find_app, output_options
from opskit.cli.output import Column, Output, note, show_table
from opskit.core.errors import ExitCode
from opskit.core.text import plural

if TYPE_CHECKING:
    from opskit.core.findings import Finding


@command(
    short_help="Check every file of the ops repository.",
    examples=[
        "opskit check                                      for people",
        "opskit check -o sarif --output-file check.sarif   for code scanning",
        "opskit check -o junit --output-file check.xml     for CI",
    ],
)
@config_option
@output_options("table", "json", "yaml", "junit", "sarif")
def check(config_path: Path | None, output: Output) -> ExitCode:
    """Check every file of the ops repository without touching a host.

    Settings, services, people, alert rules, playbooks, inventory. For CI and pre-commit.
    """
    app = find_app(config_path)
    findings = app.lint()
    _emit(findings, output)
    if not findings:
        note("every file is well formed")
    return ExitCode.FINDINGS if findings else ExitCode.OK


def _emit(findings: Sequence[Finding], output: Output) -> None:
    if output.format == "sarif":
        output.emit(sarif.render(findings))
    elif output.format == "junit":
        output.emit(junit.render("opskit check", _suites(findings)))
    elif output.for_people:
        output.emit_printed(
            lambda to: show_table(to, _COLUMNS, map(_cells, findings)) if findings else None
        )
        if findings:
            note(plural(len(findings), "finding"))
    else:
        rows = [{**asdict(finding), "fingerprint": finding.fingerprint} for finding in findings]
        output.emit_data({"count": len(rows), "findings": rows})


_COLUMNS = (
    Column("where", fold=True),
    Column("severity"),
    Column("what", fold=True),
    Column("fix", fold=True),
)


def _cells(finding: Finding) -> tuple[str, str, str, str]:
    what = f"{finding.subject}: {finding.message}" if finding.subject else finding.message
    return (
        str(finding.location or ""),
        str(finding.severity),
        f"{what} [{finding.rule}]",
        finding.fix,
    )


def _suites(findings: Sequence[Finding]) -> list[junit.Suite]:
    files: dict[str, list[junit.Case]] = {}
    for finding in findings:
        path = finding.location.path if finding.location else "repository"
        case = junit.Case(
            f"{finding.rule} {finding.subject}",
            "failure",
            finding.message,
            str(finding.location or ""),
        )
        files.setdefault(path, []).append(case)
    return [junit.Suite(path, cases) for path, cases in files.items()] or [
        junit.Suite("repository", [junit.Case("every file is well formed", "passed")])
    ]
