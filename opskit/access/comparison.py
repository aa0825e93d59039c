"""What a look at a place found, held against what was granted there. Pure.

Each difference comes with what would settle it: a right to take away, an account to end everything
of, a grant to carry out once more, or the reason why it is left to a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from opskit.access.databases.model import DatabaseState
from opskit.access.findings import AccessFinding, Evidence, NotEvaluated, Scope
from opskit.access.hosts.model import HostState
from opskit.access.hosts.publickeys import NoKeyError, public_key
from opskit.access.model import LinuxRights
from opskit.access.rules.roster import Roster
from opskit.access.rules.sudo.lint import view_of
from opskit.access.rules.unmanaged import (
    GRANT_FILE,
    GRANT_MARK,
    ActualView,
    Held,
    Leaver,
    Stray,
    family,
    strays,
)
from opskit.access.rules.view import HostView, evidence
from opskit.access.targets.kinds import Placement, Presence, Sight, Standing, Unmanaged
from opskit.core.clock import Instant
from opskit.core.findings import Severity
from opskit.core.text import clean


@dataclass(frozen=True, slots=True)
class Expected:
    """What opskit knows of a place. `present` are the grants that are to be in force and were seen.

    `underway` are grants that are being put there or are about to end: what they give is accounted
    for, and not missed. `gone` says of grants that are to be gone how they stand.
    """

    place: str
    kind: str
    present: tuple[Placement, ...] = ()
    underway: tuple[Placement, ...] = ()
    gone: Mapping[str, str] = field(default_factory=dict)
    administrators: frozenset[str] = frozenset()

    @property
    def accounted(self) -> tuple[Placement, ...]:
        """Return every grant whose rights are somebody's by right."""
        return (*self.present, *self.underway)


@dataclass(frozen=True)
class Office:
    """Who there is and was; `grants` are the names of all grants the database knows."""

    now: Instant
    roster: Roster
    leavers: Mapping[str, Leaver] = field(default_factory=dict)
    former: Mapping[str, str] = field(default_factory=dict)
    grants: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Removal:
    """Take a right away that nobody granted."""

    unmanaged: Unmanaged


@dataclass(frozen=True, slots=True)
class Sweep:
    """End all that an account has running, and what goes on by itself."""

    account: str


@dataclass(frozen=True, slots=True)
class Again:
    """Carry a grant's order out once more, as it stands in the database."""

    grant: str


@dataclass(frozen=True, slots=True)
class Forget:
    """Take a grant off that the database knows nothing of."""

    grant: str
    account: str


@dataclass(frozen=True, slots=True)
class ByHand:
    """Nothing opskit does by itself."""

    why: str


Remedy = Removal | Sweep | Again | Forget | ByHand


@dataclass(frozen=True, slots=True)
class Found:
    """A difference, what settles it, and whose it is if that is known."""

    finding: AccessFinding
    kind: str
    remedy: Remedy
    person: str = ""

    @property
    def place(self) -> str:
        """Return the host or server."""
        return self.finding.target


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of one look; `unseen` says what of the place could not be looked at."""

    place: str
    found: tuple[Found, ...] = ()
    not_evaluated: tuple[NotEvaluated, ...] = ()
    unseen: str = ""


def compare(sight: Sight, expected: Expected, office: Office) -> Compared:
    """Return how a place differs from what was granted there."""
    if not sight.reached:
        return Compared(sight.target, unseen=f"could not be reached: {sight.reason}")
    told = list(_standing(sight, expected))
    unseen = [f"could not be read whole: {sight.reason}"] if sight.reason else []
    unseen += list(_unknown(sight, expected))
    skipped: tuple[NotEvaluated, ...] = ()
    if isinstance(sight.state, HostState):
        view = _view(sight.state, expected, office)
        told += map(_of_stray, strays(view))
        told += _host_leftovers(sight.state, view, expected, office)
        skipped = tuple(_skipped(view))
    elif isinstance(sight.state, DatabaseState):
        told += _left_logins(sight.state, expected, office)
    elif expected.kind == "linux":
        unseen.append("said nothing of its files")
    told += _unmanaged(sight, expected, office)
    told += _at_work(sight, expected, office)
    return Compared(sight.target, _each_once(told), skipped, "; ".join(unseen))


def _each_once(found: Iterable[Found]) -> tuple[Found, ...]:
    """Return one of each, but all lines of a right: each is taken away by itself."""
    kept = {(one.finding.fingerprint, one.remedy): one for one in found}
    return tuple(sorted(kept.values(), key=lambda one: one.finding.sort_key))


def _told(  # noqa: PLR0913  # a finding has that many parts
    place: str,
    rule: str,
    severity: Severity,
    subject: str,
    message: str,
    fix: str,
    meaning: Sequence[str],
    *,
    at: Sequence[Evidence] = (),
    grant: str = "",
) -> AccessFinding:
    return AccessFinding(
        rule=rule, severity=severity, scope=Scope.STATE, subject=clean(subject), target=place,
        message=clean(message), path=(clean(subject),), evidence=tuple(at), fix=clean(fix),
        meaning=tuple(meaning), grant=grant,
    )  # fmt: skip


# Grants


def _standing(sight: Sight, expected: Expected) -> Iterator[Found]:
    """Yield the grants that are not there, or not whole: changed by hand, half removed."""
    for one in expected.present:
        standing = sight.standings.get(one.grant)
        presence = standing.presence if standing else Presence.UNKNOWN
        if standing is None or presence not in {Presence.ABSENT, Presence.PARTIAL}:
            continue
        gone = presence is Presence.ABSENT
        rule = "GRANT-MISSING" if gone else "GRANT-DRIFTED"
        how = "is in force and not there" if gone else f"is not whole: {_lacking(standing)}"
        finding = _told(
            sight.target, rule, Severity.MEDIUM if gone else Severity.HIGH, one.grant,
            f"{one.grant} of {one.person} ({one.account}) {how}",
            "opskit access reconcile --fix puts it back", (rule,), grant=one.grant,
        )  # fmt: skip
        yield Found(finding, "grant", Again(one.grant), one.person)


def _lacking(standing: Standing) -> str:
    words = {Presence.ABSENT: "is gone", Presence.PARTIAL: "was changed"}
    told = [f"{one.what} {words[one.presence]}" for one in standing.parts if one.presence in words]
    return ", ".join(told)


def _unknown(sight: Sight, expected: Expected) -> Iterator[str]:
    for one in expected.present:
        standing = sight.standings.get(one.grant)
        if standing is None or standing.presence is Presence.UNKNOWN:
            yield f"did not tell how {one.grant} stands"


def _host_leftovers(
    state: HostState, view: ActualView, expected: Expected, office: Office
) -> Iterator[Found]:
    """Yield what bears the name of a grant that is not in force here."""
    accounted = {one.grant for one in expected.accounted}
    marks: dict[str, list[tuple[str, Evidence]]] = {}
    for one in state.keys or ():
        if named := GRANT_MARK.search(one.key.comment):
            marks.setdefault(named[1], []).append((one.account, evidence(one.at)))
    for path in state.files:
        if named := GRANT_FILE.match(path):
            rights = [one for one in view.sudo.permissions if one.at.file == path]
            whose = [(one.who, evidence(one.at)) for one in rights]
            marks.setdefault(named[1], []).extend(whose or [("", Evidence(path, 0, ""))])
    for grant in sorted(marks.keys() - accounted):
        yield _leftover(state.name, grant, marks[grant], expected, office)


def _leftover(
    place: str,
    grant: str,
    marks: Sequence[tuple[str, Evidence]],
    expected: Expected,
    office: Office,
) -> Found:
    account = next((name for name, _ in marks if name), "")
    known = grant in office.grants
    state = expected.gone.get(grant)
    how = (
        f"is {state}" if state
        else "was never given here" if known
        else "is not known to the database"
    )  # fmt: skip
    finding = _told(
        place, "GRANT-LEFTOVER", Severity.HIGH, grant,
        f"{grant} {how}, and something of it still lets {account or 'somebody'} in",
        "opskit access reconcile --fix takes it away", ("leftover", account),
        at=tuple(dict.fromkeys(at for _, at in marks)), grant=grant,
    )  # fmt: skip
    remedy: Remedy = Again(grant) if state else Forget(grant, account)
    if not state and not account:
        remedy = ByHand("it names no account: remove the file by hand")
    holder = office.roster.accounts.get(account)
    leaver = office.leavers.get(account)
    person = holder.name if holder else leaver.name if leaver else ""
    return Found(finding, "grant", remedy, person)


# Hosts


def _view(state: HostState, expected: Expected, office: Office) -> ActualView:
    return ActualView(
        HostView(state, office.now, office.roster),
        view_of(state, office.now),
        tuple(_held(one) for one in expected.accounted),
        expected.administrators,
        office.leavers,
        office.former,
    )


def _held(one: Placement) -> Held:
    rights = one.rights
    if not isinstance(rights, LinuxRights):
        return Held(one.grant, one.account)
    prints = frozenset(_fingerprints(one.keys)) if rights.login == "key" else frozenset[str]()
    return Held(one.grant, one.account, frozenset(rights.groups), bool(rights.sudo), prints)


def _fingerprints(keys: Iterable[str]) -> Iterator[str]:
    for key in keys:
        try:
            yield public_key(key).fingerprint
        except NoKeyError:  # it opens nothing, so there is nothing to account for
            continue


def _of_stray(one: Stray) -> Found:
    remedy: Remedy = Removal(Unmanaged(one.kind, one.key, one.account, one.detail))
    if one.by_hand:
        remedy = ByHand(one.by_hand)
    elif one.kind == "remains":
        remedy = Sweep(one.account)
    return Found(one.finding, one.kind, remedy, one.person)


def _skipped(view: ActualView) -> Iterator[NotEvaluated]:
    rules = {rule.id: rule.needs for rule in family.rules}
    rules["SSH-KEY-UNKNOWN"] = ("keys", "registry")
    for name, needs in rules.items():
        reasons = [reason for part in needs if (reason := view.lacks(part))]
        if name == "SUDO-UNMANAGED" and "/etc/sudoers" not in view.host.state.files:
            reasons.append("/etc/sudoers was not there to look at")
        if reasons:
            yield NotEvaluated(name, view.host.state.name, "; ".join(reasons))


# Any kind


def _unmanaged(sight: Sight, expected: Expected, office: Office) -> Iterator[Found]:
    """Yield what a kind of target itself knows to be nobody's grant."""
    for one in sight.unmanaged:
        if one.account in expected.administrators:
            continue
        leaver, holder = office.leavers.get(one.account), office.roster.accounts.get(one.account)
        is_in = "is a member of" if one.kind == "membership" else "has"
        gone = f"; {leaver.name} {leaver.why}" if leaver else ""
        finding = _told(
            sight.target, "PG-UNMANAGED", Severity.HIGH, one.account,
            f"{one.account} {is_in} {one.detail}, and no grant gives it{gone}",
            "opskit access reconcile --fix takes it away", (one.kind, one.detail),
        )  # fmt: skip
        person = holder.name if holder else leaver.name if leaver else ""
        yield Found(finding, one.kind, Removal(one), person)


def _left_logins(state: DatabaseState, expected: Expected, office: Office) -> Iterator[Found]:
    """Yield the roles of leavers that can still log in."""
    for account, leaver in office.leavers.items():
        role = state.role(account)
        if role is None or not role.login or account in expected.administrators:
            continue
        finding = _told(
            state.name, "ACC-LEAVER", Severity.CRITICAL, account,
            f"{leaver.name} {leaver.why}, and the role {account} can log in",
            "opskit access reconcile --fix takes its LOGIN and ends its sessions", ("login",),
        )  # fmt: skip
        remedy = Removal(Unmanaged("login", "LOGIN", account, "LOGIN"))
        yield Found(finding, "login", remedy, leaver.name)


def _at_work(sight: Sight, expected: Expected, office: Office) -> Iterator[Found]:
    """Yield the leavers who still have something running."""
    running: dict[str, list[str]] = {}
    for one in sight.sessions:
        if one.account in office.leavers:
            running.setdefault(one.account, []).append(one.what)
    for account, what in running.items():
        leaver = office.leavers[account]
        finding = _told(
            sight.target, "ACC-LEAVER", Severity.CRITICAL, account,
            f"{leaver.name} {leaver.why}, and {account} is at work: {', '.join(sorted(set(what)))}",
            f"opskit access offboard {leaver.name}", ("session",),
        )  # fmt: skip
        spared = account in expected.administrators
        remedy: Remedy = ByHand(f"{account} administers it") if spared else Sweep(account)
        yield Found(finding, "session", remedy, leaver.name)
