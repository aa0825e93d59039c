"""What a rule about a host sees, and how it says what it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from opskit.access.findings import AccessFinding, Evidence, Scope
from opskit.access.hosts.model import Account, AuthorizedKey, HostState, Line, Password
from opskit.access.rules.roster import Holder, Roster
from opskit.core.clock import Instant, to_datetime
from opskit.core.findings import Severity
from opskit.core.text import clean, shorten

# login.defs(5): accounts of people start here, those below are the system's.
_FIRST_PERSON = 1_000
# systemd's dynamic users, nobody and the like.
_LAST_PERSON = 59_999
_LONGEST_LINE = 300


@dataclass(frozen=True)
class HostView:
    """One host, who there is (if that is known), and what time it is."""

    state: HostState
    now: Instant
    roster: Roster | None = None

    @property
    def today(self) -> date:
        """Return the day, in UTC."""
        return to_datetime(self.now).date()

    @cached_property
    def accounts(self) -> dict[str, Account]:
        """Return the accounts by name; the first of a name is the one that counts."""
        found: dict[str, Account] = {}
        for one in self.state.accounts or ():
            found.setdefault(one.name, one)
        return found

    @cached_property
    def by_gid(self) -> dict[int, list[Account]]:
        """Return the same by their primary groups."""
        found: dict[int, list[Account]] = {}
        for one in self.accounts.values():
            found.setdefault(one.gid, []).append(one)
        return found

    @cached_property
    def keys(self) -> tuple[AuthorizedKey, ...]:
        """Return the keys that still open something."""
        keys = self.state.keys or ()
        return tuple(one for one in keys if one.expires_at is None or one.expires_at > self.now)

    @cached_property
    def keys_of(self) -> dict[str, list[AuthorizedKey]]:
        """Return the same by the account they open."""
        found: dict[str, list[AuthorizedKey]] = {}
        for one in self.keys:
            found.setdefault(one.account, []).append(one)
        return found

    def holder(self, account: str) -> Holder | None:
        """Return whose an account is, as far as the roster says."""
        return self.roster.accounts.get(account) if self.roster else None

    def is_system(self, account: str) -> bool:
        """Return whether an account is one that no person logs in to."""
        holder, known = self.holder(account), self.accounts.get(account)
        if holder is not None:
            return not holder.human
        return known is not None and known.uid != 0 and not personal(known)

    def lacks(self, part: str) -> str:
        """Return why a part was not looked at; empty where it was."""
        match part:
            case "passwords":
                has = self._knows_passwords
            case "roster":
                has = self.roster is not None
            case "registry":
                has = self.roster is not None and bool(self.roster.keys)
            case "owners":
                has = any(one.uid is not None for one in self.state.files.values())
            case _:
                has = getattr(self.state, part) is not None
        if part == "registry" and self.roster is None:
            part = "roster"
        return "" if has else _MISSING[part]

    @property
    def _knows_passwords(self) -> bool:
        states = [one.password for one in self.state.accounts or ()]
        return Password.UNKNOWN not in states or Password.EMPTY in states

    def finding(
        self,
        rule: str,
        severity: Severity,
        subject: str,
        message: str,
        *,
        fix: str,
        path: Sequence[str],
        at: Sequence[Line],
        meaning: Sequence[str] = (),
    ) -> AccessFinding:
        """Return what a rule found on this host."""
        return AccessFinding(
            rule=rule, severity=severity, scope=Scope.STATE, subject=clean(subject),
            target=self.state.name, message=clean(message), path=tuple(map(clean, path)),
            evidence=tuple(map(evidence, at)), fix=clean(fix), meaning=tuple(meaning),
        )  # fmt: skip


_MISSING = {
    "accounts": "etc/passwd was not there to look at",
    "groups": "etc/group was not there to look at",
    "keys": "no home was there to look for authorized_keys",
    "sshd": "etc/ssh/sshd_config was not there to look at",
    "paths": "what lies at the paths is seen on the host alone",
    "remains": "neither crontabs nor lingering users were there to look at",
    "passwords": "etc/shadow was not there to look at",
    "roster": "nobody said who there is: give --people",
    "registry": "no keys are registered in the people file",
    "owners": "who owns a file is seen on the host alone",
}


def personal(account: Account) -> bool:
    """Return whether an account is numbered as those of people are."""
    return _FIRST_PERSON <= account.uid <= _LAST_PERSON


def evidence(line: Line) -> Evidence:
    """Return a line as evidence: safe to show, and not without end."""
    return Evidence(clean(line.file), line.number, shorten(clean(line.raw), _LONGEST_LINE))
