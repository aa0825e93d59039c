"""FLOW-DORMANT: access that is held and not used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from opskit.access.findings import AccessFinding, Scope
from opskit.access.rules.rule import Family
from opskit.core.clock import Duration, format_duration
from opskit.core.findings import Severity

DORMANT: Family[Dormancy] = Family(Scope.STATE)


@dataclass(frozen=True, slots=True)
class Dormancy:
    """A grant in force beside its use.

    `covered` is whether all logs of its places were read for the whole time, `unused_after` how
    long the policy lets it lie.
    """

    grant: str
    person: str
    role: str
    places: tuple[str, ...]
    unused_for: Duration
    covered: bool
    unused_after: Duration


@DORMANT.rule("FLOW-DORMANT", Severity.MEDIUM, references={"ISO 27001": "A.5.18"})
def dormant(view: Dormancy) -> Iterator[AccessFinding]:
    """A grant is in force and has not been used for as long as the policy allows.

    What: neither a login nor a command of it stands in the logs of its hosts for
    `reviews: unused_after` (90 days), and these logs were read whole. Where they were not, nothing
    is said: no data is not unused.

    Why: what nobody uses nobody misses when it is stolen.

    Fix: give it back; ask again when it is needed.

    Bad: g7 gives alice `web-admin` since June; she last used it in July, and it is November.
    Good: alice gave it back in July.
    """
    if view.covered and view.unused_for >= view.unused_after:
        yield AccessFinding(
            "FLOW-DORMANT", Severity.MEDIUM, Scope.STATE, view.person, " ".join(view.places),
            f"{view.grant} ({view.role}) was not used for {format_duration(view.unused_for)}",
            (view.person, view.grant, view.role), (), f"opskit access revoke {view.grant}",
            (view.grant,), view.grant,
        )  # fmt: skip
