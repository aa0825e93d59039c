"""`access explain`: what somebody may ask for, and for one role which rule says what, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from opskit.access.approvers import Asking, Seats, excluded, named
from opskit.access.blast import blast_radius, gives
from opskit.access.judge import DEFAULT, judge, longest, speaks
from opskit.access.judgment import Ask, Judgment, Verdict
from opskit.access.model import PolicyRule, Role
from opskit.access.orders import rights
from opskit.access.registry import Registry
from opskit.access.requesting import check
from opskit.access.rolecheck import root_through
from opskit.access.workplace import Workplace
from opskit.core.clock import Duration, format_duration, parse_duration
from opskit.core.errors import ConfigError, OpskitError
from opskit.core.text import nearest

_REASON = "explained, not asked for"


@dataclass(frozen=True, slots=True)
class Offer:
    """A role that somebody may ask for, on the targets on which the same holds.

    `approval` are the groups that must agree; empty means that a rule approves it by itself.
    """

    role: str
    purpose: str
    risk: str
    targets: tuple[str, ...]
    at_most: Duration
    approval: tuple[Seats, ...]
    gives: tuple[str, ...]
    root_through: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Return it as data."""
        return {
            "role": self.role, "purpose": self.purpose, "risk": self.risk,
            "targets": list(self.targets), "at_most": self.at_most,
            "approval": [one.as_json() for one in self.approval],
            "gives": list(self.gives), "root_through": list(self.root_through),
        }  # fmt: skip


def offers(work: Workplace, who: str) -> tuple[Offer, ...]:
    """Return all that somebody may ask for by the files as they are.

    Raises:
        ConfigError: there is nobody of that name.
    """
    registry = work.registry
    _known("person", who, [*registry.people.people, *registry.people.service_accounts])
    return tuple(
        offer
        for name, role in registry.roles.roles.items()
        for offer in _offers(who, name, role, registry, work.today())
    )


def _offers(who: str, name: str, role: Role, registry: Registry, today: date) -> Iterator[Offer]:
    alike: dict[tuple[Duration, tuple[Seats, ...]], list[str]] = {}
    for target in role.targets:
        ask = _ask(_requester(who, registry), who, name, (target,), Duration(1))
        judgment = judge(ask, registry, today)
        if judgment.verdict is not Verdict.REFUSED:
            most = max(longest(one, role) for one in _allowing(ask, target, registry))
            judged = judge(_for(ask, most), registry, today)
            alike.setdefault((most, judged.groups), []).append(target)
    for (most, groups), targets in alike.items():
        yield Offer(
            name, role.purpose, role.risk.value, tuple(targets), most, groups, tuple(gives(role)),
            root_through(name, registry),
        )  # fmt: skip


def _requester(who: str, registry: Registry) -> str:
    """Return who would ask: a person for themselves, for a service account one of its owners."""
    account = registry.people.service_accounts.get(who)
    if account is None:
        return who
    return next(iter(sorted(registry.among([account.owner]))), who)


def _ask(requester: str, who: str, role: str, targets: tuple[str, ...], duration: Duration) -> Ask:
    return Ask(requester, who, role, targets, duration, _REASON, ticket="explained")


def _for(ask: Ask, duration: Duration) -> Ask:
    return _ask(ask.requester, ask.beneficiary, ask.role, ask.targets, duration)


def _allowing(ask: Ask, target: str, registry: Registry) -> list[PolicyRule]:
    speaking = (one for one in registry.policy.rules if speaks(one, ask, target, registry))
    return [one for one in speaking if one.decide != "deny"]


def _known(what: str, name: str, names: Sequence[str]) -> None:
    if name not in names:
        guess = nearest(name, list(names))
        hint = f"did you mean {guess}?" if guess else f"there is {', '.join(sorted(names)[:8])}"
        raise ConfigError(f"there is no {what} {name!r}", hint=hint)


# One role


@dataclass(frozen=True, slots=True)
class Step:
    """A rule of the policy on one target: what it says, and whether it is the one that decides."""

    target: str
    rule: str
    says: str
    decides: bool
    why: str

    def as_json(self) -> dict[str, object]:
        """Return it as data."""
        return {
            "target": self.target, "rule": self.rule, "says": self.says,
            "decides": self.decides, "why": self.why,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Explained:
    """One request as it would go: each rule, who decides and who must not, and how it would end.

    `barred` maps who is named as an approver and may not decide to the reason; `enforced` a target
    to what ends the access there.
    """

    ask: Ask
    judgment: Judgment
    blast: str
    steps: tuple[Step, ...]
    barred: tuple[tuple[str, str], ...]
    enforced: tuple[tuple[str, str], ...]

    @property
    def is_refused(self) -> bool:
        """Return whether it would be refused."""
        return self.judgment.verdict is Verdict.REFUSED

    def as_json(self) -> dict[str, object]:
        """Return it as data."""
        return {
            "who": self.ask.beneficiary, "role": self.ask.role,
            "targets": list(self.ask.targets), "duration": self.ask.duration,
            "verdict": self.judgment.verdict.value, "blast_radius": self.blast,
            "steps": [one.as_json() for one in self.steps],
            "refusals": [one.as_json() for one in self.judgment.refusals],
            "approval": [one.as_json() for one in self.judgment.groups],
            "signed": self.judgment.signed,
            "barred": dict(self.barred), "enforced": dict(self.enforced),
            "findings": [one.as_json() for one in self.judgment.findings],
        }  # fmt: skip


def explain(
    work: Workplace, who: str, name: str, targets: tuple[str, ...], duration: Duration | None
) -> Explained:
    """Return how a request would go. Without a duration it is for as long as is allowed.

    Raises:
        ConfigError: there is no such person, role or target.
    """
    registry = work.registry
    _known("person", who, [*registry.people.people, *registry.people.service_accounts])
    _known("role", name, list(registry.roles.roles))
    for target in targets:
        _known("target", target, list(registry.targets.targets))
    role = registry.roles.roles[name]
    own = targets or role.targets
    ask = _ask(_requester(who, registry), who, name, own, duration or Duration(1))
    if duration is None:
        ask = _for(ask, _longest_for(ask, role, registry))
    judgment = check(work, ask)
    steps = tuple(step for target in own for step in _steps(ask, role, target, registry))
    deciding = frozenset(one.rule for one in steps if one.decides)
    return Explained(
        ask,
        judgment,
        blast_radius(ask, role, registry, _counts(work, own)),
        steps,
        tuple(_barred(ask, role, deciding, registry, work.today())),
        tuple((target, _enforced(role, target, registry)) for target in own),
    )


def _longest_for(ask: Ask, role: Role, registry: Registry) -> Duration:
    """Return for how long at most it is given on all targets; where it is not, the role's own."""
    most = [
        max((longest(one, role) for one in _allowing(ask, target, registry)), default=None)
        for target in ask.targets
    ]
    known = [one for one in most if one is not None]
    return min(known, default=parse_duration(role.max_duration))


def _counts(work: Workplace, targets: Iterable[str]) -> dict[str, int]:
    """Return how many hosts targets stand for, where the inventory can say."""
    found = {}
    for target in targets:
        try:
            found[target] = len(work.places(target))
        except OpskitError:
            continue
    return found


def _steps(ask: Ask, role: Role, target: str, registry: Registry) -> Iterator[Step]:
    speaking = [one for one in registry.policy.rules if speaks(one, ask, target, registry)]
    denying = next((one for one in speaking if one.decide == "deny"), None)
    fitting = [
        one for one in speaking if one.decide != "deny" and ask.duration <= longest(one, role)
    ]
    by_itself = (one for one in fitting if one.decide == "approve")
    chosen = denying or next(by_itself, fitting[0] if fitting else None)
    if not speaking:
        yield Step(target, "", "nothing", decides=True, why="no rule is about all three of them")
    for rule in speaking:
        yield _step(rule, ask, role, target, chosen)


def _step(rule: PolicyRule, ask: Ask, role: Role, target: str, chosen: PolicyRule | None) -> Step:
    if rule.decide == "deny":
        says = "no" + (f": {rule.because}" if rule.because else "")
    elif rule.decide == "approve":
        says = f"yes by itself, for {format_duration(longest(rule, role))} at most"
    else:
        approval = rule.approval or role.approval or DEFAULT
        says = f"approval {approval}, for {format_duration(longest(rule, role))} at most"
    if rule is chosen:
        denies = rule.decide == "deny"
        why = "a rule that denies wins" if denies else _chosen(rule)
    elif chosen is not None and chosen.decide == "deny":
        why = f"{chosen.name} denies"
    elif ask.duration > longest(rule, role):
        why = f"{format_duration(ask.duration)} is too long for it"
    elif chosen is not None and chosen.decide == "approve":
        why = f"{chosen.name} approves by itself"
    else:
        why = f"{chosen.name} stands before it" if chosen else ""
    return Step(target, rule.name, says, rule is chosen, why)


def _chosen(rule: PolicyRule) -> str:
    if rule.decide == "approve":
        return "a rule that approves by itself goes first"
    return "the first that fits"


def _barred(
    ask: Ask, role: Role, deciding: Collection[str], registry: Registry, today: date
) -> Iterator[tuple[str, str]]:
    """Yield who is named as an approver of this and may not decide, and why."""
    asking = Asking(ask.requester, ask.beneficiary)
    rules = [one for one in registry.policy.rules if one.name in deciding]
    names = {one.approval or role.approval or DEFAULT for one in rules if one.decide == "ask"}
    approvals = [one for name in names if (one := registry.policy.approvals.get(name))]
    among = {
        name
        for approval in approvals
        for group in approval.all_of
        for name in named(group, role, asking, registry)
    }
    may_not = excluded(asking, registry)
    for name in sorted(among):
        if name in may_not:
            yield name, _why_barred(name, asking, registry)
        elif name not in registry.people.people:
            yield name, "no person: an account decides nothing"
        elif registry.left(name, today):
            yield name, "their last day is over"


def _why_barred(name: str, asking: Asking, registry: Registry) -> str:
    if name in {asking.requester, asking.beneficiary}:
        return "it is their own request"
    for one in (asking.requester, asking.beneficiary):
        if name in registry.reports(one):
            return f"they answer to {one}"
    return f"they share a key with {asking.requester} or {asking.beneficiary}"


# What ends it


def _enforced(role: Role, target: str, registry: Registry) -> str:
    """Return in words what ends the access on a target, without anybody at work."""
    known = registry.target(target)
    given = rights(role, known.kind) if known else None
    if known is None or given is None:
        return "the role gives nothing there"
    if known.kind == "postgres":
        return (
            "VALID UNTIL ends the password, a timer in the server the memberships; sessions are "
            "ended by opskit"
        )
    if known.kind == "playbooks":
        return "nothing by itself: opskit runs the playbook that revokes"
    return "; ".join(_on_linux(role))


def _on_linux(role: Role) -> Iterator[str]:
    linux = role.linux
    if linux is None:
        return
    if linux.login == "key":
        yield "sshd ends the key by expiry-time"
    if linux.login == "certificate":
        yield "sshd ends the certificate at its end"
    if linux.sudo:
        yield "sudo ends its rules by NOTAFTER; of sudo-rs a timer on the host removes them"
    if linux.groups:
        yield "a timer on the host takes the groups away"
    yield "sessions are ended by a timer on the host, and by opskit"
