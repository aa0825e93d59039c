"""Rules on lines that do not do what they seem to: not in force, or not everywhere."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.access.findings import AccessFinding
from opskit.access.rules.sudo.view import SUDO, SudoView, command_text, found, meaning_of, plain
from opskit.access.sudoers.meaning import Permission, Status, overruled
from opskit.access.sudoers.policy import Problem
from opskit.access.sudoers.portability import refusal
from opskit.core.findings import Severity

_RELATIVE = "expected a fully-qualified path name"


@SUDO.rule("SUDO-INEFFECTIVE", Severity.MEDIUM)
def ineffective(view: SudoView) -> Iterator[AccessFinding]:
    """A line or a file that is not in force, though it stands there.

    Detects files in sudoers.d whose names have a dot or end in ~, files others may write or root
    does not own, lines sudo passes over, aliases that are not defined, rights whose NOTAFTER is
    past, rights a later line takes back or replaces by something else, and denials a later line
    allows again.

    Why: what was given is missing when it is needed, or what was taken is still there, and nobody
    is told.

    Fix: take it away, or make it count.

    Bad: a grant in /etc/sudoers.d/first.last
    Good: the same in /etc/sudoers.d/first-last
    """
    for problem in view.sudoers.problems:
        if problem.reason != _RELATIVE:
            yield _passed_over(view, problem)
    for right in view.permissions:
        if right.status is not Status.IN_FORCE and (why := _why(right)):
            message = f"{command_text(right)} for {right.who} is not in force: {why}"
            ended = (right.ended_by,) if right.ended_by else ()
            yield found(
                view, "SUDO-INEFFECTIVE", Severity.MEDIUM, right.who, message,
                lines=(*right.lines, *ended), meaning=(right.status.value, *meaning_of(right)),
                fix="take the line away, or make it count", path=right.chain,
            )  # fmt: skip
    yield from _undefined(view)
    for placed, member, by in overruled(view.resolver):
        yield found(
            view, "SUDO-INEFFECTIVE", Severity.MEDIUM, placed.file,
            f"{member.text} is allowed again by {by.file}:{by.number}", lines=(placed.at, by),
            meaning=("allowed again", member.text),
            fix="put the denial last, or name what is allowed",
        )  # fmt: skip


def _passed_over(view: SudoView, problem: Problem) -> AccessFinding:
    column = f", column {problem.column}" if problem.column else ""
    meaning = (problem.kind, problem.reason, plain(problem.at.raw))
    return found(
        view, "SUDO-INEFFECTIVE", Severity.MEDIUM, problem.at.file,
        f"sudo passes over it: {problem.reason}{column}", lines=(problem.at,), meaning=meaning,
        fix="mend it, or take it away",
    )  # fmt: skip


def _why(right: Permission) -> str:
    by = right.ended_by
    where = f"{by.file}:{by.number}" if by else ""
    if right.status is Status.EXPIRED:
        return f"its time was over {right.options.get('NOTAFTER', '')}"
    if right.status is Status.TAKEN_BACK:
        return f"{where} takes it back"
    if right.status is Status.REPLACED:
        return f"{where} replaces it by something else"
    return ""


def _undefined(view: SudoView) -> Iterator[AccessFinding]:
    _ = view.permissions
    for placed, name in {
        (one.at, name): (one, name) for one, name in view.resolver.undefined
    }.values():
        yield found(
            view, "SUDO-INEFFECTIVE", Severity.MEDIUM, placed.file,
            f"alias {name} is not defined: sudo takes it for a name and finds nobody",
            lines=(placed.at,), meaning=("undefined", name), fix="define it, or take it away",
        )  # fmt: skip


@SUDO.rule("SUDO-NONPORTABLE", Severity.MEDIUM)
def nonportable(view: SudoView) -> Iterator[AccessFinding]:
    """Something sudo-rs, the sudo of newer systems, does not take.

    Detects NOTAFTER, NOTBEFORE, TIMEOUT, CHROOT, roles, INTERCEPT, netgroups, addresses, digests,
    regular expressions, wildcards within arguments, and Defaults unknown there. Where the host
    runs sudo-rs such lines are already passed over, which is reported as ineffective.

    Why: after an upgrade of the system the line is passed over: a right is gone, or a limit.

    Fix: keep to what both understand.

    Bad: `+admins ALL=(root) /usr/bin/id`
    Good: `%admins ALL=(root) /usr/bin/id`

    References: the README of sudo-rs, "Differences from original sudo".
    """
    if view.sudoers.dialect.rs:
        return
    placed = [*view.sudoers.grants, *view.sudoers.defaults, *view.sudoers.aliases.values()]
    for one in placed:
        if reason := refusal(one.said):
            yield found(
                view, "SUDO-NONPORTABLE", Severity.MEDIUM, one.file,
                f"sudo-rs passes over this line: {reason}", lines=(one.at,),
                meaning=(reason, plain(one.said.raw)),
                fix="write it in what sudo and sudo-rs both understand",
            )  # fmt: skip
