"""Findings that are accepted for a time: which ones, and which acceptances no longer hold. Pure.

What is accepted stays in every result. An acceptance that has ended counts no more, one that
accepts nothing is told: it would hide whatever comes later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from opskit.access.findings import AccessFinding
from opskit.access.model import Suppression
from opskit.access.rules.suppressions import SuppressionView, Written, family, holds


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding, and why it is accepted."""

    finding: AccessFinding
    by: Suppression

    def as_json(self) -> dict[str, object]:
        """Return the finding with who accepted it, why, and until when."""
        accepted = {
            "owner": self.by.owner, "reason": self.by.reason, "until": str(self.by.until),
        }  # fmt: skip
        return {**self.finding.as_json(), "suppression": accepted}


@dataclass(frozen=True, slots=True)
class Applied:
    """What is left to tell, and what is accepted."""

    findings: tuple[AccessFinding, ...]
    suppressed: tuple[Suppressed, ...]


def applied(
    findings: Iterable[AccessFinding],
    written: Sequence[Written],
    today: date,
    looked_at: Callable[[Suppression], bool],
) -> Applied:
    """Return the findings parted by what is accepted today, and what is odd about acceptances.

    `looked_at` says of a suppression whether its rule was asked of a target that it names.
    """
    active = [(at, one.entry) for at, one in enumerate(written) if holds(one.entry, today)]
    left: list[AccessFinding] = []
    accepted: list[Suppressed] = []
    used: set[int] = set()
    for finding in findings:
        fitting = [(at, entry) for at, entry in active if fits(entry, finding)]
        used.update(at for at, _ in fitting)
        if fitting:
            accepted.append(Suppressed(finding, fitting[0][1]))
        else:
            left.append(finding)
    view = SuppressionView(written, frozenset(used), today, looked_at)
    odd = (finding for rule in family.rules for finding in rule.check(view))
    return Applied((*left, *odd), tuple(accepted))


def fits(entry: Suppression, finding: AccessFinding) -> bool:
    """Return whether every field of a suppression fits a finding; `*` stands for any text."""
    return (
        entry.rule == finding.rule
        and fnmatchcase(finding.target, entry.target)
        and fnmatchcase(finding.subject, entry.subject)
        and entry.fingerprint in {"", finding.fingerprint}
    )
