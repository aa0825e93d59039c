"""Findings in the forms of commands that check files: for people, for CI, for code scanning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from opskit.cli.formats import junit, sarif
from opskit.cli.output import Column, Output, note, show_table
from opskit.core.text import plural

if TYPE_CHECKING:
    from opskit.core.findings import Finding

FORMS: Final = ("table", "json", "yaml", "junit", "sarif")


def emit(command: str, findings: Sequence[Finding], well: str, output: Output) -> None:
    """Show findings; WELL says in a few words what is so where there is none."""
    if output.format == "sarif":
        output.emit(sarif.render(findings))
    elif output.format == "junit":
        output.emit(junit.render(command, _suites(findings, well)))
    elif output.for_people:
        output.emit_printed(
            lambda to: show_table(to, _COLUMNS, map(_cells, findings)) if findings else None
        )
        note(plural(len(findings), "finding") if findings else well)
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


def _suites(findings: Sequence[Finding], well: str) -> list[junit.Suite]:
    files: dict[str, list[junit.Case]] = {}
    for finding in findings:
        path = finding.location.path if finding.location else "repository"
        # What was not judged fails nothing.
        case = junit.Case(
            f"{finding.rule} {finding.subject}",
            "failure" if finding.severity.rank else "skipped",
            finding.message,
            str(finding.location or ""),
        )
        files.setdefault(path, []).append(case)
    return [junit.Suite(path, cases) for path, cases in files.items()] or [
        junit.Suite("repository", [junit.Case(well, "passed")])
    ]
