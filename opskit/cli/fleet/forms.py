"""A run over the fleet in the forms that machines and pull requests read."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from opskit.cli.formats import github, junit, sarif
from opskit.core.findings import Finding, Location, Severity
from opskit.core.hosts import Verdict
from opskit.core.text import clean, clean_block
from opskit.fleet import present
from opskit.fleet.model import Drift, HostResult, Run

_WORD = re.compile("[^a-z0-9]+")


def as_junit(run: Run) -> str:
    """Return JUnit XML: a suite per host, a case per task."""
    return junit.render(f"opskit fleet {run.mode}", [_suite(run, host) for host in run.hosts])


def _suite(run: Run, result: HostResult) -> junit.Suite:
    cases = [_deviation(run, drift) for drift in result.drift]
    cases += [
        junit.Case(one.task, "error", f"not evaluated: {one.reason}", one.path)
        for one in result.not_evaluated
    ]
    bad = {drift.task for drift in result.drift} | {one.task for one in result.not_evaluated}
    cases += [junit.Case(task, "passed") for _, task in sorted(result.observed) if task not in bad]
    if not result.verdict.is_fine and result.verdict is not Verdict.DRIFTED:
        cases.append(junit.Case("host", "error", f"{result.verdict}: {result.reason}"))
    return junit.Suite(result.host, cases)


def _deviation(run: Run, drift: Drift) -> junit.Case:
    name, detail = f"{drift.task} {drift.item}".strip(), _detail(drift)
    known = run.standing.get(drift.key)
    if known and known.waiver:
        return junit.Case(name, "skipped", f"waived by {known.waiver}", detail)
    return junit.Case(name, "failure", "drifted", detail)


def _detail(drift: Drift) -> str:
    return f"{drift.path}\n{present.diff_text(drift)}"


def as_sarif(run: Run) -> str:
    """Return SARIF: a rule per control, a result per deviation at its line, waivers suppress."""
    accepted = {
        _finding(drift).fingerprint: f"waived by {run.standing[drift.key].waiver}"
        for drift in run.drift
        if drift.key in run.standing and run.standing[drift.key].waiver
    }
    return sarif.render([*_findings(run)], accepted)


def as_annotations(run: Run) -> str:
    """Return GitHub annotations of what is neither waived nor as wanted."""
    waived = {key for key, known in run.standing.items() if known.waiver}
    open_ = [_finding(drift) for drift in run.drift if drift.key not in waived]
    return github.render([*open_, *_incomplete(run), *run.findings])


def _findings(run: Run) -> Iterator[Finding]:
    yield from (_finding(drift) for drift in run.drift)
    yield from _incomplete(run)
    yield from run.findings


def _finding(drift: Drift) -> Finding:
    rule = drift.control.id or _WORD.sub("-", drift.task.lower()).strip("-")
    item = f" ({drift.item})" if drift.item else ""
    message = f"{drift.task}{item}: not as the standard says [{drift.id}]"
    file, _, line = drift.path.rpartition(":")
    place = Location(file, int(line)) if line.isdigit() else Location(drift.path)
    return Finding(rule, drift.control.severity, drift.host, message, place)


def _incomplete(run: Run) -> Iterator[Finding]:
    for result in run.hosts:
        if not result.verdict.is_fine and not result.drift:
            message = f"{result.verdict}: {result.reason}"
            yield Finding("host-not-evaluated", Severity.MEDIUM, result.host, message)


def as_markdown(run: Run) -> str:
    """Return what a pull request shows: the verdict, the hosts, each deviation folded."""
    lines = [f"### Fleet {run.mode}: {_escaped(present.verdict_line(run))}", ""]
    lines += [f"- {_escaped(line)}" for line in present.summary_lines(run)]
    lines += ["", "| host | verdict | drift | reason |", "|---|---|---:|---|"]
    lines += [
        "| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in present.host_rows(run)
    ]
    for heading, diff in present.drift_blocks(run):
        title, *where = heading.splitlines()
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", diff)), default=0))
        lines += ["", f"<details><summary>{html.escape(clean(title))}</summary>", ""]
        lines += [f"{_escaped(line.strip())}  " for line in where]
        lines += [
            "",
            f"{fence}diff",
            *(clean_block(line[2:]) for line in diff.splitlines()),
            fence,
            "</details>",
        ]
    return "\n".join([*lines, "", f"<sub>{_escaped(present.provenance_line(run))}</sub>"])


_MARKS = re.compile(r"([\\`*_{}\[\]<>|#~&])")


def _escaped(text: str) -> str:
    return _MARKS.sub(r"\\\1", clean(text)).replace("\\<", "&lt;").replace("\\>", "&gt;")
