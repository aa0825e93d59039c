"""FLOW-SUPPRESSION: acceptances of findings that hold no longer, or accept nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from opskit.access.findings import AccessFinding, Evidence, Scope
from opskit.access.model import Suppression
from opskit.access.rules.rule import Family
from opskit.core.findings import Location, Severity

LONGEST = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Written:
    """A suppression and where it is written."""

    entry: Suppression
    at: Location


@dataclass(frozen=True)
class SuppressionView:
    """Every suppression, whether it was of use, and whether what it speaks of was looked at."""

    written: Sequence[Written]
    used: frozenset[int]
    today: date
    looked_at: Callable[[Suppression], bool]

    def lacks(self, _part: str) -> str:
        """Return that nothing is missing."""
        return ""


family: Family[SuppressionView] = Family(Scope.POLICY)


def holds(entry: Suppression, today: date) -> bool:
    """Return whether a suppression counts on a day: not ended, and not for longer than allowed."""
    return today <= entry.until <= today + LONGEST


@family.rule("FLOW-SUPPRESSION-UNUSED", Severity.LOW)
def unused(view: SuppressionView) -> Iterator[AccessFinding]:
    """An acceptance in the policy accepts nothing.

    What: a suppression that holds today, whose rule was asked of a target it names, and that fits
    no finding.

    Why: what it accepted is gone; left behind, it hides the same thing when it comes back.

    Fix: remove it from access/policy.yaml.

    Bad::

        - {rule: SSH-ROOT, target: web1, owner: alice, reason: "migration", until: 2026-12-31}
        # and web1 has PermitRootLogin no

    Good::

        suppressions: []
    """
    for at, one in enumerate(view.written):
        if at not in view.used and holds(one.entry, view.today) and view.looked_at(one.entry):
            message = "it accepts nothing that was found"
            yield _odd("FLOW-SUPPRESSION-UNUSED", Severity.LOW, one, message, "remove it")


@family.rule("FLOW-SUPPRESSION-EXPIRED", Severity.LOW)
def expired(view: SuppressionView) -> Iterator[AccessFinding]:
    """An acceptance in the policy has ended.

    What: the last day of a suppression is over. What it accepted counts again.

    Why: its owner said until when it would be gone.

    Fix: repair what it accepted, or accept it anew with a reason, and remove the old entry.

    Bad::

        - {rule: SSH-ROOT, owner: alice, reason: "migration", until: 2020-01-31}

    Good::

        - {rule: SSH-ROOT, owner: alice, reason: "migration", until: 2026-12-31}
    """
    for one in view.written:
        if one.entry.until < view.today:
            message = f"it ended on {one.entry.until}: what it accepted counts again"
            fix = f"ask {one.entry.owner}; repair it, or accept it anew"
            yield _odd("FLOW-SUPPRESSION-EXPIRED", Severity.LOW, one, message, fix)


@family.rule("FLOW-SUPPRESSION-LONG", Severity.MEDIUM)
def too_long(view: SuppressionView) -> Iterator[AccessFinding]:
    """An acceptance in the policy would hold for more than 180 days.

    What: the last day of a suppression is more than 180 days ahead. It does not count.

    Why: what is accepted for ever is a rule nobody decided on.

    Fix: choose a day within 180 days; renew it then, if it is still right.

    Bad::

        - {rule: SSH-ROOT, owner: alice, reason: "later", until: 2099-12-31}

    Good::

        - {rule: SSH-ROOT, owner: alice, reason: "until the move", until: 2026-12-31}
    """
    for one in view.written:
        if one.entry.until > view.today + LONGEST:
            message = f"it would hold until {one.entry.until}: it does not count"
            fix = f"at most until {view.today + LONGEST}"
            yield _odd("FLOW-SUPPRESSION-LONG", Severity.MEDIUM, one, message, fix)


def _odd(rule: str, severity: Severity, one: Written, message: str, fix: str) -> AccessFinding:
    entry = one.entry
    return AccessFinding(
        rule=rule, severity=severity, scope=Scope.POLICY, subject=f"suppression of {entry.rule}",
        target="", message=message, fix=fix, path=(entry.owner, entry.reason),
        evidence=(Evidence(one.at.path, one.at.line, ""),),
        meaning=(entry.target, entry.subject, entry.fingerprint, str(entry.until)),
    )  # fmt: skip
