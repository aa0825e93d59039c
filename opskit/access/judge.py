"""May somebody have what they ask for: refused with the rule and the way forward, or by whom.

Pure. For each target the rules of the policy that speak of who is to get the access, the role and
the target are taken together. One that denies wins, over emergencies as well. Without one that
allows, or none that allows so long a time, the request is refused. One that approves by itself
needs nobody, as long as that holds for every target.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from opskit.access.approvers import Asking, Seats, satisfiable, seats, together
from opskit.access.blast import blast_radius
from opskit.access.judgment import Ask, Judgment, Refusal
from opskit.access.model import ACCOUNT, Approval, BreakGlass, Environment, KeyUse, PolicyRule, Role
from opskit.access.registry import Registry
from opskit.core.clock import DAY, HOUR, Duration, format_duration, parse_duration
from opskit.core.text import nearest

DEFAULT = "default"
POLICY = "access/policy.yaml"
# What somebody reads before they say yes.
_LONGEST = 2_000
# How long what needs nobody's approval may wait for its start.
_START_WITHIN = Duration(8 * HOUR)


def judge(ask: Ask, registry: Registry, today: date) -> Judgment:
    """Return what the files say of a request, before the rules about flows are asked."""
    early = tuple(_unknown(ask, registry, today))
    role = registry.role(ask.role)
    if early or role is None:
        return Judgment(refusals=early)
    if ask.break_glass:
        return _emergency(ask, role, registry)
    rulings = [_ruling(ask, role, target, registry) for target in ask.targets]
    refusals = tuple(one for ruling in rulings for one in ruling.refusals)
    if refusals:
        return Judgment(refusals=tuple(dict.fromkeys(refusals)))
    return _allowed(ask, role, rulings, registry, today)


# What must be known before any rule is read


def _unknown(ask: Ask, registry: Registry, today: date) -> Iterator[Refusal]:
    yield from _people(ask, registry, today)
    role = registry.role(ask.role)
    if role is None:
        yield _no_such("role", ask.role, list(registry.roles.roles), "access/roles.yaml")
        return
    if not ask.targets:
        way = f"name one of: {', '.join(role.targets)}"
        yield Refusal("no-target", "access/roles.yaml", "no target is named", way)
    for target in ask.targets:
        if registry.target(target) is None:
            yield _no_such("target", target, list(registry.targets.targets), "access/targets.yaml")
        elif target not in role.targets:
            yield Refusal(
                f"role {ask.role}", _owners(role),
                f"{ask.role} is not given on {target}",
                f"it is given on {', '.join(role.targets)}; its owners can change that",
            )  # fmt: skip
    if role.linux is not None and role.linux.login != "none":
        yield from _keyless(ask, registry, today)
    if known := registry.holder(ask.beneficiary):
        yield from _unnamed(ask.beneficiary, known.account or ask.beneficiary)
    yield from _unsaid(ask, registry)


def _unsaid(ask: Ask, registry: Registry) -> Iterator[Refusal]:
    """Yield what whoever asks has left out, or said at too great length."""
    if not ask.reason.strip():
        yield Refusal("reason", POLICY, "no reason is given", "say why: --reason 'deploy 4.2'")
    if max(len(ask.reason), len(ask.ticket), len(ask.need)) > _LONGEST:
        message = f"a reason, ticket or need has {_LONGEST:,} characters at most"
        yield Refusal("reason", POLICY, message, "say it shortly, and name the ticket")
    if ask.duration <= 0:
        yield Refusal("duration", POLICY, "it is asked for no time at all", "--for 2h")
    if registry.policy.need_ticket and not ask.ticket.strip():
        yield Refusal("need_ticket", POLICY, "no ticket is named", "--ticket OPS-123")


def _unnamed(name: str, account: str) -> Iterator[Refusal]:
    if not ACCOUNT.fullmatch(account):
        yield Refusal(
            f"people.{name}.account", "access/people.yaml",
            f"{account!r} is no name of an account on hosts and in databases",
            "enter one: account: NAME",
        )  # fmt: skip


def _keyless(ask: Ask, registry: Registry, today: date) -> Iterator[Refusal]:
    known = registry.holder(ask.beneficiary)
    if known is not None and not registry.keys(ask.beneficiary, KeyUse.LOGIN, today):
        yield Refusal(
            f"people.{ask.beneficiary}.keys", "access/people.yaml",
            f"{ask.beneficiary} has no key that is in force to log in with",
            "enter the line of their .pub file under keys:",
        )  # fmt: skip


def _people(ask: Ask, registry: Registry, today: date) -> Iterator[Refusal]:
    for name in dict.fromkeys((ask.requester, ask.beneficiary)):
        if registry.holder(name) is None:
            known = [*registry.people.people, *registry.people.service_accounts]
            yield _no_such("person", name, known, "access/people.yaml")
        elif registry.left(name, today):
            yield Refusal(
                f"people.{name}.ends", "access/people.yaml", f"{name}'s last day is over",
                "correct `ends` where they are still with us",
            )  # fmt: skip
    if ask.requester in registry.people.service_accounts:
        yield Refusal(
            "requester", "access/people.yaml", f"{ask.requester} is a service account",
            "a person asks for it: --who NAME",
        )  # fmt: skip


def _no_such(what: str, name: str, known: list[str], path: str) -> Refusal:
    guess = nearest(name, known)
    way = f"did you mean {guess}?" if guess else f"enter it in {path}"
    return Refusal(f"unknown-{what}", path, f"there is no {what} {name!r}", way)


def _owners(role: Role) -> str:
    return f"owned by {', '.join(role.owners)}"


# What the rules of the policy say of one target


@dataclass(frozen=True, slots=True)
class _Ruling:
    refusals: tuple[Refusal, ...] = ()
    rule: PolicyRule | None = None


def _ruling(ask: Ask, role: Role, target: str, registry: Registry) -> _Ruling:
    denials = tuple(_denials(ask, target, registry))
    if denials:
        return _Ruling(denials[:1])
    rules = registry.policy.rules
    allowing = [one for one in rules if one.decide != "deny" and speaks(one, ask, target, registry)]
    if not allowing:
        return _Ruling((_nobody_may(ask, role, target, registry),))
    fitting = [rule for rule in allowing if ask.duration <= longest(rule, role)]
    if not fitting:
        return _Ruling((_too_long(ask, role, allowing),))
    by_itself = (rule for rule in fitting if rule.decide == "approve")
    return _Ruling(rule=next(by_itself, fitting[0]))


def speaks(rule: PolicyRule, ask: Ask, target: str, registry: Registry) -> bool:
    """Return whether a rule is about who gets the access, the role and the target."""
    known = registry.target(target)
    return (
        (not rule.roles or ask.role in rule.roles)
        and (not rule.targets or target in rule.targets)
        and (
            not rule.environments or (known is not None and known.environment in rule.environments)
        )
        and ask.beneficiary in registry.among(rule.who)
    )


def longest(rule: PolicyRule, role: Role) -> Duration:
    """Return how long a rule gives a role at most."""
    spans = [role.max_duration, *([rule.max_duration] if rule.max_duration else [])]
    return min(parse_duration(span) for span in spans)


def _denials(ask: Ask, target: str, registry: Registry) -> Iterator[Refusal]:
    for rule in registry.policy.rules:
        if rule.decide == "deny" and speaks(rule, ask, target, registry):
            why = f": {rule.because}" if rule.because else ""
            yield Refusal(
                f"rule {rule.name}", POLICY,
                f"{ask.beneficiary} may not have {ask.role} on {target}{why}",
                f"ask for another role or target: opskit access explain --who {ask.beneficiary}",
            )  # fmt: skip


def _nobody_may(ask: Ask, role: Role, target: str, registry: Registry) -> Refusal:
    others = sorted(
        {
            who
            for rule in registry.policy.rules
            if rule.decide != "deny" and (not rule.roles or ask.role in rule.roles)
            for who in rule.who
        }
    )
    may = f"those who may: {', '.join(others)}" if others else "no rule gives it to anybody"
    return Refusal(
        "no rule", POLICY,
        f"no rule lets {ask.beneficiary} ask for {ask.role} on {target}",
        f"{may}; a rule is added by whoever answers for the role, {_owners(role)}",
    )  # fmt: skip


def _too_long(ask: Ask, role: Role, rules: Sequence[PolicyRule]) -> Refusal:
    best = max(rules, key=lambda rule: longest(rule, role))
    most = format_duration(longest(best, role))
    return Refusal(
        f"rule {best.name}", POLICY,
        f"{format_duration(ask.duration)} is too long: {ask.role} is given for {most} at most",
        f"ask for {most} or less, and extend while you need it",
    )  # fmt: skip


# What an allowed request needs


def _allowed(
    ask: Ask, role: Role, rulings: Sequence[_Ruling], registry: Registry, today: date
) -> Judgment:
    rules = tuple(dict.fromkeys(one.rule for one in rulings if one.rule is not None))
    judged = Judgment(
        rules=tuple(rule.name for rule in rules),
        blast=blast_radius(ask, role, registry),
        role_digest=registry.role_digest(ask.role),
        opened=registry.opened(ask.beneficiary, ask.targets),
        within=DAY,
        start_within=_START_WITHIN,
    )
    if all(rule.decide == "approve" for rule in rules):
        return judged
    names = [_approval_name(rule, role) for rule in rules if rule.decide == "ask"]
    approvals = [(name, registry.policy.approvals.get(name)) for name in dict.fromkeys(names)]
    missing = tuple(
        Refusal(
            f"approval {name}", POLICY, f"there is no approval {name!r}",
            "enter it under approvals:",
        )
        for name, approval in approvals
        if approval is None
    )  # fmt: skip
    if missing:
        return Judgment(refusals=missing)
    return _by(judged, ask, role, [one for _, one in approvals if one], registry, today)


def _by(
    judged: Judgment,
    ask: Ask,
    role: Role,
    approvals: Sequence[Approval],
    registry: Registry,
    today: date,
) -> Judgment:
    asking = Asking(ask.requester, ask.beneficiary)
    groups = together(seats(one, role, asking, registry, today) for one in approvals)
    if not satisfiable(groups):
        return Judgment(refusals=(nobody_can(groups, ask),), groups=groups)
    return replace(
        judged,
        signed=any(_signed(one, ask, registry) for one in approvals),
        within=min(parse_duration(one.within) for one in approvals),
        start_within=min(parse_duration(one.start_within) for one in approvals),
        groups=groups,
    )


def _approval_name(rule: PolicyRule, role: Role) -> str:
    return rule.approval or role.approval or DEFAULT


def _signed(approval: Approval, ask: Ask, registry: Registry) -> bool:
    if approval.signed is not None:
        return approval.signed
    targets = (registry.target(name) for name in ask.targets)
    return any(one is not None and one.environment is Environment.PRODUCTION for one in targets)


def nobody_can(groups: Sequence[Seats], ask: Ask) -> Refusal:
    """Return the refusal of what nobody is left to approve."""
    short = next(
        (one for one in groups if len(one.eligible) < one.at_least),
        groups[0],
    )
    there = ", ".join(short.eligible) or "nobody"
    return Refusal(
        "approval", POLICY,
        f"nobody can approve this: {short.at_least} of {short.among} are needed besides "
        f"{ask.requester}, and there is {there}",
        "add approvers to the group, or let somebody else ask",
    )  # fmt: skip


# Break-glass


def _emergency(ask: Ask, role: Role, registry: Registry) -> Judgment:
    rules = registry.policy.break_glass
    refusals = tuple(_not_an_emergency(ask, role, rules, registry))
    if refusals or rules is None:
        return Judgment(refusals=refusals)
    return Judgment(
        rules=("break_glass",),
        blast=blast_radius(ask, role, registry),
        role_digest=registry.role_digest(ask.role),
        opened=registry.opened(ask.beneficiary, ask.targets),
        within=DAY,
        start_within=_START_WITHIN,
    )


def _not_an_emergency(
    ask: Ask, role: Role, rules: BreakGlass | None, registry: Registry
) -> Iterator[Refusal]:
    where = POLICY
    if rules is None:
        yield Refusal("break_glass", where, "break-glass is not set up", "opskit access request")
        return
    if ask.requester != ask.beneficiary:
        message = "break-glass is for oneself"
        yield Refusal("break_glass", where, message, "whoever needs it asks for it")
    if ask.beneficiary not in registry.among(rules.who):
        message = f"{ask.beneficiary} may not break the glass"
        yield Refusal("break_glass.who", where, message, f"those who may: {', '.join(rules.who)}")
    if ask.role not in rules.roles:
        message = f"{ask.role} is not for emergencies"
        yield Refusal("break_glass.roles", where, message, f"there is {', '.join(rules.roles)}")
    for target in ask.targets:
        yield from _denials(ask, target, registry)
    if ask.starts_at is not None:
        message = "an emergency is now, and not at a time to come"
        yield Refusal("break_glass", where, message, "leave --start out")
    most = min(parse_duration(rules.max_duration), parse_duration(role.max_duration))
    if ask.duration > most:
        message = f"{format_duration(ask.duration)} is too long"
        way = f"at most {format_duration(most)}"
        yield Refusal("break_glass.max_duration", where, message, way)
