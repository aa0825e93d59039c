"""What a lint found, in every form; and the rules themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from opskit.access.findings import AccessFinding
from opskit.access.lint import Linted
from opskit.access.rules.catalogue import documented, every
from opskit.access.rules.rule import Rule
from opskit.cli.formats import github, junit, sarif
from opskit.cli.output import FORMAT_VERSION, Column, Output, show_heading, show_table, show_text
from opskit.core.findings import Finding, Location, Severity
from opskit.core.text import clean, plural

if TYPE_CHECKING:
    from opskit.cli.output import Console


LINT = "opskit access lint"


def emit(linted: Linted, output: Output, command: str = LINT) -> None:
    """Write what was found in the form asked for, as what a command found."""
    texts: dict[str, Callable[[Linted], str]] = {
        "sarif": as_sarif, "junit": partial(as_junit, command=command), "md": as_markdown,
        "github": as_annotations,
    }  # fmt: skip
    if output.format in texts:
        output.emit(texts[output.format](linted))
    elif output.for_people:
        output.emit_printed(lambda to: _show(to, linted))
    elif output.format == "json":
        output.emit(_one_a_line(linted.as_json()))
    else:
        output.emit_data(cleaned(linted.as_json()))


def _one_a_line(data: Mapping[str, object]) -> str:
    """Return JSON with a finding in each line: quick to write for many hosts, and to search."""
    parts = [f'"format_version": {FORMAT_VERSION}']
    for key, value in data.items():
        inside = (
            "[\n" + ",\n".join(f"  {_json(one)}" for one in value) + "\n ]"
            if isinstance(value, list) and value
            else _json(value)
        )
        parts.append(f'"{key}": {inside}')
    return "{\n " + ",\n ".join(parts) + "\n}"


def _json(value: object) -> str:
    text = json.dumps(value)
    return json.dumps(cleaned(value)) if "\\ud" in text else text


def cleaned(data: Any) -> Any:  # noqa: ANN401  # any JSON
    """Return data whose text any reader of JSON takes: bytes that were no UTF-8 made visible."""
    if isinstance(data, str):
        return clean(data, keep="\n\t")
    if isinstance(data, Mapping):
        return {key: cleaned(value) for key, value in data.items()}
    return [cleaned(one) for one in data] if isinstance(data, list) else data


# For people

_COLUMNS = (Column("severity"), Column("finding", fold=True))
_MOST_PLACES = 3
# All of them are named to machines.
_MOST_RULES = 2


def _show(to: Console, linted: Linted) -> None:
    for target, found in groupby(_by_target(linted), key=lambda one: one.target):
        if target or len(linted.targets) > 1:
            show_heading(to, target or "all together")
        show_table(to, _COLUMNS, map(_cells, found))
    if linted.troubles:
        show_heading(to, "could not be read")
        for one in linted.troubles:
            show_text(to, f"{one.path}: {one.reason}")
    _show_rest(to, linted)


def _by_target(linted: Linted) -> list[AccessFinding]:
    order = {one.name: at for at, one in enumerate(linted.targets)}
    return sorted(linted.findings, key=lambda one: order.get(one.target, len(order)))


def _cells(finding: AccessFinding) -> tuple[str, str]:
    named = finding.subject in finding.message
    said = finding.message if named else f"{finding.subject}: {finding.message}"
    lines = [_where(one.file, one.line) for one in finding.evidence[:_MOST_PLACES]]
    more = len(finding.evidence) - _MOST_PLACES
    lines += [f"and {more} more"] if more > 0 else []
    told = [f"{said} [{finding.rule}]", *(f"  {line}" for line in lines)]
    return str(finding.severity), "\n".join(
        [*told, *([f"  fix: {finding.fix}"] if finding.fix else [])]
    )


def _where(file: str, line: int) -> str:
    return f"{file}:{line}" if line else file


def _show_rest(to: Console, linted: Linted) -> None:
    counts = linted.counts
    by_severity = ", ".join(
        f"{counts[severity]} {severity}" for severity in reversed(Severity) if counts[severity]
    )
    show_heading(
        to,
        f"{plural(counts['findings'], 'finding')} on {plural(counts['targets'], 'target')}"
        + (f": {by_severity}" if by_severity else ""),
    )
    if linted.suppressed:
        show_text(to, f"{plural(counts['suppressed'], 'finding')} accepted by access/policy.yaml")
    skipped = _not_evaluated(linted)
    if skipped:
        columns = (Column("not evaluated", fold=True), Column("because", fold=True))
        to.print()
        show_table(to, columns, [(_short(rules), reason) for reason, rules in skipped])


def _short(rules: list[str]) -> str:
    more = len(rules) - _MOST_RULES
    return " ".join(rules[:_MOST_RULES]) + (f" and {more} more" if more > 0 else "")


def _not_evaluated(linted: Linted) -> list[tuple[str, list[str]]]:
    """Return for each reason the rules it kept from being asked, and of how many targets."""
    found: dict[str, dict[str, int]] = {}
    for one in linted.not_evaluated:
        of = found.setdefault(one.reason, {})
        of[one.rule] = of.get(one.rule, 0) + 1
    many = len(linted.targets) > 1
    return [
        (reason, [f"{rule} ({count})" if many else rule for rule, count in rules.items()])
        for reason, rules in found.items()
    ]


def next_step(linted: Linted) -> str:
    """Return what to do next."""
    if linted.troubles:
        return "next: make what could not be read readable, or copy it anew, and look again"
    worst = linted.findings[0] if linted.findings else None
    if worst is None:
        return "nothing is wrong with what was looked at"
    if worst.rule not in every():
        return "next: opskit check   shows every mistake in the files"
    return f"next: opskit access lint --explain {worst.rule}   why it matters, and what to do"


# For machines


def _findings(found: Iterable[AccessFinding]) -> list[Finding]:
    return [one.as_finding() for one in found]


def _unread(linted: Linted) -> list[Finding]:
    return [
        Finding("unread", Severity.HIGH, "", f"it could not be read: it {one.reason}",
                Location(one.path))
        for one in linted.troubles
    ]  # fmt: skip


def as_sarif(linted: Linted) -> str:
    """Return SARIF, with the fingerprints of JSON; what is accepted stands there as suppressed."""
    results = [sarif.Result(one.as_finding(), one.fingerprint) for one in linted.findings]
    for each in linted.suppressed:
        why = f"{each.by.reason} ({each.by.owner}, {each.by.until})"
        results.append(sarif.Result(each.finding.as_finding(), each.finding.fingerprint, why))
    results += [sarif.Result(one, one.fingerprint) for one in _unread(linted)]
    return sarif.render_results(results)


def as_annotations(linted: Linted) -> str:
    """Return GitHub annotations."""
    return github.render([*_findings(linted.findings), *_unread(linted)])


def as_junit(linted: Linted, command: str = LINT) -> str:
    """Return JUnit XML: a suite per target, a case per finding and per rule not evaluated."""
    cases: dict[str, list[junit.Case]] = {one.name: [] for one in linted.targets}
    cases[""] = []
    for target, case in _cases(linted):
        cases.setdefault(target, []).append(case)
    suites = [junit.Suite(name or "all together", found) for name, found in cases.items()]
    unread = [junit.Case(one.path, "error", one.reason) for one in linted.troubles]
    suites += [junit.Suite("could not be read", unread)] if unread else []
    return junit.render(command, [one for one in suites if one.cases])


def _cases(linted: Linted) -> Iterator[tuple[str, junit.Case]]:
    """Yield every case with its target; of those without a finding, that there is none."""
    for one in linted.findings:
        yield one.target, _case(one, "failure", one.message)
    for each in linted.suppressed:
        told = _case(each.finding, "skipped", f"accepted: {each.by.reason}")
        yield each.finding.target, told
    for skipped in linted.not_evaluated:
        why = f"not evaluated: {skipped.reason}"
        yield skipped.target, junit.Case(skipped.rule, "skipped", why)
    with_findings = {one.target for one in linted.findings}
    for target in linted.targets:
        if target.name not in with_findings:
            yield target.name, junit.Case("no findings", "passed")


def _case(one: AccessFinding, outcome: str, message: str) -> junit.Case:
    lines = [f"{_where(each.file, each.line)}: {each.raw}" for each in one.evidence]
    return junit.Case(f"{one.rule} {one.subject}", outcome, message, "\n".join([*lines, one.fix]))


def as_markdown(linted: Linted) -> str:
    """Return a table with a finding in each row, as a pull request shows it."""
    counts = linted.counts
    found = f"{plural(counts['findings'], 'finding')} on {plural(counts['targets'], 'target')}"
    rows = [_row(one) for one in linted.findings]
    head = ("severity", "rule", "target", "subject", "what", "where", "fix")
    lines = [f"### Access: {found}", "", _line(head), _line(["---"] * len(head))]
    lines += [_line([_escaped(cell) for cell in row]) for row in rows]
    lines += [f"\n- not read: {_escaped(f'{one.path}: {one.reason}')}" for one in linted.troubles]
    return "\n".join(lines)


def _row(one: AccessFinding) -> Sequence[str]:
    first = one.evidence[0] if one.evidence else None
    where = _where(first.file, first.line) if first else ""
    return (str(one.severity), one.rule, one.target, one.subject, one.message, where, one.fix)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


_MARKS = re.compile(r"([\\`*_{}\[\]<>|#~&])")


def _escaped(text: str) -> str:
    return _MARKS.sub(r"\\\1", clean(text)).replace("\\<", "&lt;").replace("\\>", "&gt;")


# The catalogue


def emit_rules(names: Sequence[str], output: Output) -> None:
    """Write the documentation of one rule, or the list of several."""
    known = documented()
    rules = [known[name] for name in names]
    if not output.for_people:
        output.emit_data({"rules": [_as_json(rule) for rule in rules]})
    elif len(rules) == 1:
        output.emit_printed(lambda to: _explain(to, rules[0]))
    else:
        rows = [(rule.id, str(rule.severity), str(rule.scope), rule.title) for rule in rules]
        columns = (Column("rule"), Column("severity"), Column("scope", spare=True),
                   Column("finds", fold=True))  # fmt: skip
        output.emit_printed(lambda to: show_table(to, columns, rows))


def _explain(to: Console, rule: Rule[Any]) -> None:
    needs = f"needs: {', '.join(rule.needs)}" if rule.needs else ""
    refers = [f"{source}: {number}" for source, number in rule.references.items()]
    head = f"{rule.id} ({rule.severity})"
    told = [
        head,
        "",
        rule.documentation.replace("::\n", ":\n"),
        "",
        *refers,
        *filter(None, [needs]),
    ]
    show_text(to, "\n".join(told).rstrip())


def _as_json(rule: Rule[Any]) -> dict[str, object]:
    return {
        "id": rule.id, "severity": rule.severity.value, "scope": rule.scope.value,
        "title": rule.title, "documentation": rule.documentation,
        "references": dict(rule.references), "needs": list(rule.needs),
    }  # fmt: skip
