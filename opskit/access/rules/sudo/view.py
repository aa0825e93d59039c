"""What the rules on sudo look at, and how they say what they found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from opskit.access.capability import Capability, Judgment, judge
from opskit.access.findings import AccessFinding, Evidence, Scope
from opskit.access.hosts.model import HostState, Line
from opskit.access.rules.rule import Family
from opskit.access.sudoers.meaning import Permission, Status, resolved
from opskit.access.sudoers.patterns import canonical
from opskit.access.sudoers.policy import Sudoers
from opskit.access.sudoers.resolve import Resolver
from opskit.access.sudoers.syntax import Kind
from opskit.core.clock import Instant
from opskit.core.findings import Severity
from opskit.core.text import shorten

_AROUND = re.compile(r" ?([=,:()!]) ?")
_FIRST_HUMAN = 1000
# Longer lines and commands are told with their middle left out.
_LONGEST = 1000


@dataclass(frozen=True)
class SudoView:
    """A host, what its sudoers files say, and when it is asked."""

    state: HostState
    sudoers: Sudoers
    now: Instant

    @cached_property
    def resolver(self) -> Resolver:
        """Return what resolves the rules, with what it met."""
        return Resolver(self.sudoers, self.state, self.now)

    @cached_property
    def permissions(self) -> tuple[Permission, ...]:
        """Return every right, in force or not."""
        return resolved(self.resolver)

    @cached_property
    def rights(self) -> tuple[Permission, ...]:
        """Return the rights in force here of anybody but root."""
        return tuple(
            one
            for one in self.permissions
            if self.sudoers.usable
            and one.status is Status.IN_FORCE
            and one.who not in {"root", "#0"}
        )

    @cached_property
    def judged(self) -> tuple[tuple[Permission, Judgment], ...]:
        """Return the rights to run a program as root, each with what it gives."""
        return tuple(
            (one, judge(one.command.name, one.command.args))
            for one in self.rights
            if one.as_root and one.command.name[:1] == "/" and not one.command.name.endswith("/")
        )

    @cached_property
    def by_capability(self) -> dict[Capability, list[tuple[Permission, Judgment]]]:
        """Return the same by what they give; what gives nothing, or is unreviewed, is left out."""
        found: dict[Capability, list[tuple[Permission, Judgment]]] = {}
        for one in self.judged:
            if one[1].capability is not None:
                found.setdefault(one[1].capability, []).append(one)
        return found

    def is_service(self, who: str) -> bool:
        """Tell whether an account is one nobody logs in to."""
        for account in self.state.accounts or ():
            if account.name == who:
                return account.uid < _FIRST_HUMAN or not account.can_log_in
        return False


SUDO: Family[SudoView] = Family(Scope.STATE)
_STEPS = list(Severity)


def raised(severity: Severity, view: SudoView) -> Severity:
    """Return the severity on this host: in production one step higher."""
    return _step(severity, 1) if view.state.production else severity


def lowered(severity: Severity) -> Severity:
    """Return the severity one step lower."""
    return _step(severity, -1)


def _step(severity: Severity, by: int) -> Severity:
    return _STEPS[max(1, min(severity.rank + by, len(_STEPS) - 1))]


def found(  # noqa: PLR0913  # a finding has that many parts
    view: SudoView,
    rule: str,
    severity: Severity,
    subject: str,
    message: str,
    *,
    lines: Iterable[Line],
    meaning: tuple[str, ...],
    fix: str,
    path: tuple[str, ...] = (),
) -> AccessFinding:
    """Return a finding of this host."""
    evidence = tuple([_evidence(one) for one in lines])
    graver = severity if severity is Severity.INFO else raised(severity, view)
    return AccessFinding(
        rule, graver, Scope.STATE, subject, view.state.name, message, path or (subject,),
        evidence, fix, meaning,
    )  # fmt: skip


def _evidence(line: Line) -> Evidence:
    raw = line.raw
    return Evidence(line.file, line.number, shorten(raw, _LONGEST) if len(raw) > _LONGEST else raw)


def of_right(
    view: SudoView, rule: str, severity: Severity, right: Permission, because: str, fix: str
) -> AccessFinding:
    """Return a finding about a right: its meaning is the command and as whom it runs."""
    password = "" if right.password else ", without a password"
    message = f"{right.who} may run {command_text(right)} as {right.run_as}{password}: {because}"
    return found(
        view, rule, severity, right.who, message, lines=right.lines, meaning=meaning_of(right),
        fix=fix, path=right.chain,
    )  # fmt: skip


def command_text(right: Permission) -> str:
    """Return the command of a right as one would say it."""
    member = right.command
    if member.kind is Kind.ALL:
        return "every command"
    return shorten(member.text.lstrip("!"), _LONGEST)


def meaning_of(right: Permission) -> tuple[str, ...]:
    """Return what a right gives, in words that no edit of spacing, order or place changes."""
    member = right.command
    name = canonical(member.name) if member.name[:1] == "/" else member.name
    return (right.run_as, name, "any" if member.args is None else member.args)


def plain(raw: str) -> str:
    """Return a line without the blanks that mean nothing, for what could not be understood."""
    return _AROUND.sub(r"\1", " ".join(raw.split()))


def merged(findings: Iterable[AccessFinding]) -> tuple[AccessFinding, ...]:
    """Return each thing once: the same right by several lines is one finding with all of them."""
    alike: dict[tuple[object, ...], list[AccessFinding]] = {}
    for one in findings:
        alike.setdefault((one.rule, one.subject, one.meaning), []).append(one)
    return tuple([found[0] if len(found) == 1 else _joined(found) for found in alike.values()])


def _joined(found: Sequence[AccessFinding]) -> AccessFinding:
    graver = max(found, key=lambda one: one.severity.rank)
    evidence = dict.fromkeys(line for one in found for line in one.evidence)
    return graver._replace(evidence=tuple(evidence))


def everything(view: SudoView) -> Iterator[AccessFinding]:
    """Yield what all rules that could be asked of the host find, unmerged."""
    for rule in SUDO.rules:
        if all(getattr(view.state, part) is not None for part in rule.needs):
            yield from rule.check(view)
