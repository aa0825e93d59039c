"""What must hold between the files in `access/`, found when they are read and not by who waits.

Every name is somebody or something, a role gives something on each kind of target it is for, and
whoever may ask for something has somebody to approve it: besides themselves, their reports and who
shares a key with them. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from opskit.access.approvers import Asking, excluded, satisfiable, seats
from opskit.access.judge import DEFAULT
from opskit.access.model import Approval, Approvers, PolicyRule, Role
from opskit.access.orders import rights
from opskit.access.registry import EVERYBODY, Registry
from opskit.core.findings import Finding, Location, Severity
from opskit.core.text import nearest

KeyPath = tuple[str | int, ...]
Place = Callable[[KeyPath], Location]
_AMONG = frozenset({"owners", "manager", "peers"})
# Whom these mean depends on who asks.
_DEPENDING = frozenset({"manager", "peers"})
# So many are named in one finding; the others are counted.
_NAMED = 5
# People who can decide: with fewer, one who is away locks everybody out.
_ENOUGH = 2


@dataclass(frozen=True)
class Places:
    """Where a key path of each file stands."""

    people: Place
    roles: Place
    policy: Place


@dataclass(frozen=True)
class _Names:
    """All names there are, by what they name."""

    someone: frozenset[str]
    roles: frozenset[str]
    targets: frozenset[str]
    approvals: frozenset[str]


def consistency(registry: Registry, places: Places, today: date) -> Iterator[Finding]:
    """Yield everything that does not hold between the files."""
    people = registry.people
    names = _Names(
        frozenset({*people.people, *people.service_accounts, *people.teams}),
        frozenset(registry.roles.roles),
        frozenset(registry.targets.targets),
        frozenset(registry.policy.approvals),
    )
    yield from _people(registry, names, places.people)
    yield from _roles(registry, names, places.roles)
    yield from _policy(registry, names, places.policy)
    yield from _satisfiable(registry, places.policy, today)
    yield from _sole_approvers(registry, places.roles, today)


# Names


def _unknown(what: str, name: str, known: Iterable[str], subject: str, where: Location) -> Finding:
    guess = nearest(name, sorted(known))
    fix = f"did you mean {guess!r}?" if guess else ""
    message = f"there is no {what} {name!r}"
    return Finding(f"access-unknown-{what}", Severity.HIGH, subject, message, where, fix)


def _missing(
    what: str, named: Iterable[str], known: frozenset[str], path: KeyPath, place: Place
) -> Iterator[Finding]:
    for index, name in enumerate(named):
        if name not in known:
            subject = ".".join(map(str, path))
            yield _unknown(what, name, known, subject, place((*path, index)))


def _people(registry: Registry, names: _Names, place: Place) -> Iterator[Finding]:
    people = registry.people
    for name, team in people.teams.items():
        yield from _missing("role", team.bundle, names.roles, ("teams", name, "bundle"), place)
    for name, account in people.service_accounts.items():
        path: KeyPath = ("service_accounts", name, "owner")
        yield from _missing("person", [account.owner], names.someone, path, place)
    yield from _twice(registry, place)
    yield from _circles(registry, place)


def _circles(registry: Registry, place: Place) -> Iterator[Finding]:
    """Yield who answers to themselves: none of such a circle could approve for another."""
    managers = {name: one.manager for name, one in registry.people.people.items()}
    for name, manager in managers.items():
        above, met = manager, {""}
        while above not in met and above != name:
            met.add(above)
            above = managers.get(above, "")
        if above == name:
            yield Finding(
                "access-manager-circle", Severity.MEDIUM, f"people.{name}.manager",
                f"{name} answers to themselves, by way of {manager}",
                place(("people", name, "manager")), "nobody of a circle may approve for another",
            )  # fmt: skip


def _twice(registry: Registry, place: Place) -> Iterator[Finding]:
    """Yield names with two meanings, and accounts with two people behind them."""
    people = registry.people
    kinds: tuple[tuple[str, Mapping[str, object]], ...] = (
        ("people", people.people),
        ("service_accounts", people.service_accounts),
        ("teams", people.teams),
    )
    seen: dict[str, str] = {}
    for kind, found in kinds:
        for name in found:
            if name in seen or name in _AMONG | {EVERYBODY}:
                message = (
                    f"{name!r} has a meaning already: {seen.get(name, 'a word of the policy')}"
                )
                where = place((kind, name))
                fix = "give it another name"
                yield Finding(
                    "access-name-twice", Severity.HIGH, f"{kind}.{name}", message, where, fix
                )
            seen[name] = kind
    yield from _shared_accounts(registry, place)


def _shared_accounts(registry: Registry, place: Place) -> Iterator[Finding]:
    owners: dict[str, str] = {}
    for kind, found in (
        ("people", registry.people.people),
        ("service_accounts", registry.people.service_accounts),
    ):
        for name in found:
            account = registry.account(name)
            other = owners.setdefault(account, name)
            if other != name:
                message = f"the account {account!r} is {other}'s as well"
                yield Finding(
                    "access-account-twice", Severity.HIGH, f"{kind}.{name}.account", message,
                    place((kind, name, "account")), "nobody could tell who did it",
                )  # fmt: skip


def _roles(registry: Registry, names: _Names, place: Place) -> Iterator[Finding]:
    for name, role in registry.roles.roles.items():
        path: KeyPath = ("roles", name)
        yield from _missing("person", role.owners, names.someone, (*path, "owners"), place)
        yield from _missing("target", role.targets, names.targets, (*path, "targets"), place)
        if role.approval:
            yield from _missing(
                "approval", [role.approval], names.approvals, (*path, "approval"), place
            )
        yield from _empty(registry, name, role, place)


def _empty(registry: Registry, name: str, role: Role, place: Place) -> Iterator[Finding]:
    """Yield the targets of a role on which it gives nothing."""
    for index, target in enumerate(role.targets):
        known = registry.target(target)
        if known is not None and rights(role, known.kind) is None:
            message = f"{name} gives nothing on {target}, which is {known.kind}"
            where = place(("roles", name, "targets", index))
            fix = f"say what under {known.kind}:, or take {target} out"
            yield Finding(
                "access-role-empty", Severity.HIGH, f"roles.{name}.targets", message, where, fix
            )


def _policy(registry: Registry, names: _Names, place: Place) -> Iterator[Finding]:
    policy = registry.policy
    asking = names.someone | {EVERYBODY}
    for index, rule in enumerate(policy.rules):
        path: KeyPath = ("rules", index)
        yield from _missing("person", rule.who, asking, (*path, "who"), place)
        yield from _missing("role", rule.roles, names.roles, (*path, "roles"), place)
        yield from _missing("target", rule.targets, names.targets, (*path, "targets"), place)
        if rule.decide == "ask":
            used = [rule.approval or DEFAULT]
            yield from _missing("approval", used, names.approvals, (*path, "approval"), place)
    for name, approval in policy.approvals.items():
        for index, group in enumerate(approval.all_of):
            yield from _group(group, names, ("approvals", name, "all_of", index), place)
    for index, one in enumerate(policy.separation):
        yield from _missing("role", one.roles, names.roles, ("separation", index, "roles"), place)
    if policy.break_glass is not None:
        rules = policy.break_glass
        yield from _missing("person", rules.who, asking, ("break_glass", "who"), place)
        yield from _missing("role", rules.roles, names.roles, ("break_glass", "roles"), place)
        yield from _group(rules.reviewers, names, ("break_glass", "reviewers"), place)
    yield from _drills(registry, names, place)
    yield from _authorities(registry, place)


def _drills(registry: Registry, names: _Names, place: Place) -> Iterator[Finding]:
    drills = registry.policy.drills
    if drills is not None:
        accounts = frozenset(registry.people.service_accounts)
        for what, name, known in (
            ("account", drills.account, accounts), ("role", drills.role, names.roles),
        ):  # fmt: skip
            if name not in known:
                yield _unknown(what, name, known, f"drills.{what}", place(("drills", what)))


def _authorities(registry: Registry, place: Place) -> Iterator[Finding]:
    """Yield signers of one environment that sign for another as well."""
    seen: dict[str, str] = {}
    for environment, one in registry.policy.authorities.items():
        other = seen.setdefault(one.key_file, environment.value)
        if other != environment.value:
            yield Finding(
                "access-authority-twice", Severity.MEDIUM, f"authorities.{environment.value}",
                f"{one.key_file} signs for {other} as well: who has it is let in to both",
                place(("authorities", environment, "key_file")), "give each environment its own",
            )  # fmt: skip


def _group(group: Approvers, names: _Names, path: KeyPath, place: Place) -> Iterator[Finding]:
    known = names.someone | _AMONG | {EVERYBODY}
    yield from _missing("person", group.among, known, (*path, "among"), place)


# Whether anybody could say yes


def _satisfiable(registry: Registry, place: Place, today: date) -> Iterator[Finding]:
    """Yield the rules by which somebody may ask for what nobody could approve."""
    consent = _Consent(registry, today)
    for index, rule in enumerate(registry.policy.rules):
        if rule.decide != "ask":
            continue
        asking = sorted(registry.among(rule.who) & consent.present)
        for role_name in rule.roles or tuple(registry.roles.roles):
            role = registry.role(role_name)
            name = rule.approval or (role.approval if role else "") or DEFAULT
            approval = registry.policy.approvals.get(name)
            if role is None or approval is None:
                continue  # which is told of its own
            stuck = consent.missing(name, approval, role, asking)
            if stuck:
                # Of no use to anybody, it is a mistake; of none to some, something to know.
                severity = Severity.HIGH if stuck == asking else Severity.MEDIUM
                yield _stuck(rule, role_name, stuck, severity, place(("rules", index)))


@dataclass(frozen=True)
class _Consent:
    """Who could get what approved. Many roles have the same owners: each question is asked once."""

    registry: Registry
    today: date
    known: dict[tuple[object, ...], dict[str, bool]] = field(default_factory=dict)

    @cached_property
    def present(self) -> frozenset[str]:
        """Return everybody whose last day is not over."""
        people = self.registry.people
        names = (*people.people, *people.service_accounts)
        return frozenset(name for name in names if not self.registry.left(name, self.today))

    @cached_property
    def _barred(self) -> dict[str, frozenset[str]]:
        return {who: excluded(Asking(who, who), self.registry) for who in self.present}

    def missing(self, name: str, approval: Approval, role: Role, asking: list[str]) -> list[str]:
        """Return those of `asking` for whom nobody could approve; `name` is the approval's."""
        known = self.known.setdefault((name, role.owners), {})
        new = [who for who in asking if who not in known]
        if new:
            named = [self._named(group, role) for group in approval.all_of]
            known |= {who: self._may(approval, role, named, who) for who in new}
        return [who for who in asking if not known[who]]

    def _named(self, group: Approvers, role: Role) -> frozenset[str]:
        """Return the people of a group whom it names, whoever asks."""
        terms = [term for term in group.among if term not in _AMONG]
        owners = role.owners if "owners" in group.among else ()
        return self.registry.among((*terms, *owners)) & self._people

    def _theirs(self, group: Approvers, who: str) -> frozenset[str]:
        """Return the people of a group who are in it because of who asks: at least their peers."""
        if "peers" not in group.among:
            return frozenset()
        team = self.registry.team(who)
        return self.registry.members(team) & self._people if team else frozenset()

    @cached_property
    def _people(self) -> frozenset[str]:
        return self.present & self.registry.people.people.keys()

    def _may(self, approval: Approval, role: Role, named: list[frozenset[str]], who: str) -> bool:
        """Return whether the seats could be filled for somebody.

        Where each group has as many people as there are seats in all, they can, whoever sits where.
        """
        in_all = sum(group.at_least for group in approval.all_of)
        barred = self._barred[who]
        if all(
            len((people | self._theirs(group, who)) - barred) >= in_all
            for people, group in zip(named, approval.all_of, strict=True)
        ):
            return True
        return satisfiable(seats(approval, role, Asking(who, who), self.registry, self.today))


def _stuck(
    rule: PolicyRule, role: str, stuck: list[str], severity: Severity, where: Location
) -> Finding:
    more = f" and {len(stuck) - _NAMED} more" if len(stuck) > _NAMED else ""
    message = f"nobody could approve {role} for {', '.join(stuck[:_NAMED])}{more}"
    fix = "add approvers besides them and those who answer to them, or leave them out of `who`"
    return Finding("access-unsatisfiable", severity, f"rules.{rule.name}", message, where, fix)


def _sole_approvers(registry: Registry, place: Place, today: date) -> Iterator[Finding]:
    """Yield the roles that fewer than two people could approve: one of them ill, and nobody can.

    FLOW-SOLE-ADMIN of the catalogue. It is told and keeps nothing from being used.
    """
    for name, role in registry.roles.roles.items():
        approval = registry.policy.approvals.get(role.approval or DEFAULT)
        if approval is None:
            continue
        groups = seats(approval, role, Asking("", ""), registry, today)
        fixed = [group for group in groups if not _DEPENDING & set(group.among.split())]
        people = {who for group in fixed for who in group.eligible}
        if fixed and len(people) < _ENOUGH:
            who = ", ".join(sorted(people)) or "nobody"
            yield Finding(
                "FLOW-SOLE-ADMIN", Severity.HIGH, f"roles.{name}",
                f"{who} alone could approve {name}", place(("roles", name)),
                "let two people or more answer for it",
            )  # fmt: skip
