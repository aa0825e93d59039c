"""What only several hosts together say: one key under several names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from opskit.access.findings import AccessFinding, Scope
from opskit.access.hosts.model import Line
from opskit.access.rules.roster import Roster
from opskit.access.rules.rule import Family
from opskit.access.rules.view import HostView, evidence
from opskit.core.findings import Severity
from opskit.core.text import clean


@dataclass(frozen=True, slots=True)
class KeyUse:
    """Where a key opens an account."""

    fingerprint: str
    host: str
    account: str
    at: Line


@dataclass(frozen=True)
class FleetView:
    """The keys of all hosts that were looked at, by fingerprint."""

    uses: Mapping[str, Sequence[KeyUse]]
    roster: Roster | None = None
    missing: Mapping[str, str] = field(default_factory=dict)

    def lacks(self, part: str) -> str:
        """Return why a part was not looked at; empty where it was."""
        return self.missing.get(part, "")


family: Family[FleetView] = Family(Scope.STATE)


def uses_of(view: HostView) -> tuple[KeyUse, ...]:
    """Return the keys of one host, as the fleet wants them."""
    return tuple(
        KeyUse(one.key.fingerprint, view.state.name, one.account, one.at) for one in view.keys
    )


@family.rule("SSH-KEY-SHARED", Severity.HIGH, needs=("keys",))
def shared_keys(view: FleetView) -> Iterator[AccessFinding]:
    """One key opens several accounts, or is registered for several people.

    What: a fingerprint under more than one account name, on one host or over all that were looked
    at; or in the people file under more than one holder.

    Why: a log names the key; with two accounts behind it, it names nobody. One that is stolen opens
    them all.

    Fix: one key for each person and each service, removed elsewhere by its fingerprint.

    Bad::

        /home/alice/.ssh/authorized_keys: ssh-ed25519 AAAA...
        /home/bob/.ssh/authorized_keys:   ssh-ed25519 AAAA...

    Good::

        /home/alice/.ssh/authorized_keys: ssh-ed25519 AAAA...
        /home/bob/.ssh/authorized_keys:   ssh-ed25519 BBBB...
    """
    registered = view.roster.keys if view.roster else {}
    for fingerprint, uses in view.uses.items():
        accounts = sorted({one.account for one in uses})
        holders = sorted({one.holder for one in registered.get(fingerprint, ())})
        # One of each account is enough to see it.
        first = {one.account: one for one in reversed(uses)}
        if len(accounts) > 1 or len(holders) > 1:
            yield _shared(fingerprint, accounts, holders, [first[one] for one in accounts])


def _shared(
    fingerprint: str, accounts: Sequence[str], holders: Sequence[str], uses: Sequence[KeyUse]
) -> AccessFinding:
    whose = " and ".join(accounts if len(accounts) > 1 else holders)
    hosts = sorted({one.host for one in uses})
    return AccessFinding(
        rule="SSH-KEY-SHARED", severity=Severity.HIGH, scope=Scope.STATE, subject=fingerprint,
        target=hosts[0] if len(hosts) == 1 else "", message=clean(f"{whose} share a key"),
        path=tuple(clean(f"{one.account} on {one.host}") for one in uses),
        evidence=tuple(evidence(one.at) for one in uses),
        fix="one key for each; remove this one by its fingerprint where it does not belong",
        meaning=(*accounts, *holders),
    )  # fmt: skip
