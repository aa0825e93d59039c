"""Rules about asking and holding: what one request would add to what somebody has already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from opskit.access.findings import AccessFinding, Scope
from opskit.access.judgment import Ask
from opskit.access.model import Environment
from opskit.access.registry import Registry
from opskit.access.rules.rule import Family
from opskit.core.clock import DAY, Instant, iso
from opskit.core.findings import Severity

FLOW: Family[FlowView] = Family(Scope.REQUEST)
# Findings of these rules refuse a request; the others are shown to whoever decides.
REFUSING = frozenset({"FLOW-SOD", "FLOW-BG-UNREVIEWED"})
# A role that is given for longer than this on production is standing access by another name.
_STANDING = 7 * DAY
_REPEATED = 3


@dataclass(frozen=True, slots=True)
class Holding:
    """A grant that somebody has, or will have."""

    grant: str
    role: str
    targets: tuple[str, ...]
    until: Instant | None


@dataclass(frozen=True, slots=True)
class FlowView:
    """A request beside what its beneficiary holds, asked for before, and still owes.

    `elsewhere` is what else is in the same hands: held by service accounts that they answer for, or
    over and not yet seen gone from its targets.
    `unreviewed` are their emergencies whose review is overdue, `narrower` the roles that cover the
    need and give less, `new_approvers` who became one within the last day.
    """

    ask: Ask
    registry: Registry
    holdings: tuple[Holding, ...] = ()
    elsewhere: tuple[Holding, ...] = ()
    earlier_reasons: tuple[str, ...] = ()
    unreviewed: tuple[str, ...] = ()
    narrower: tuple[str, ...] = ()
    new_approvers: tuple[str, ...] = ()


def _finding(
    view: FlowView,
    rule: str,
    severity: Severity,
    message: str,
    fix: str,
    *,
    path: tuple[str, ...],
    meaning: tuple[str, ...],
) -> AccessFinding:
    ask = view.ask
    return AccessFinding(
        rule, severity, Scope.REQUEST, ask.beneficiary, " ".join(ask.targets), message, path, (),
        fix, (ask.role, *meaning),
    )  # fmt: skip


@FLOW.rule("FLOW-SOD", Severity.HIGH, references={"ISO 27001": "A.5.3"})
def separation_of_duties(view: FlowView) -> Iterator[AccessFinding]:
    """Two roles that nobody may hold together would be held together.

    Why: Who can both change something and approve, or audit, the change is not controlled by
    anybody. `separation:` in policy.yaml names such roles. The request is refused. What
    a service account holds counts for whoever answers for it; what is over, until it is seen gone.

    Fix: give one of them back first, or let somebody else do the other duty.

    Bad: alice holds `auditor` and asks for `database-owner`.
    Good: alice gives `auditor` back, then asks.
    """
    for one in view.registry.policy.separation:
        if view.ask.role not in one.roles:
            continue
        for held in (*view.holdings, *view.elsewhere):
            apart = one.anywhere or set(held.targets) & set(view.ask.targets)
            if held.role in one.roles and held.role != view.ask.role and apart:
                yield _finding(
                    view, "FLOW-SOD", Severity.HIGH,
                    f"{view.ask.role} and {held.role} may not be held together: {one.because}",
                    f"{_way_out(view, held)}, or let somebody else do it",
                    path=(view.ask.beneficiary, held.grant, held.role),
                    meaning=(one.name, held.role),
                )  # fmt: skip


def _way_out(view: FlowView, held: Holding) -> str:
    if held in view.holdings:
        return f"opskit access return {held.grant}"
    return f"opskit access show {held.grant}: it must be gone first"


@FLOW.rule("FLOW-DUP", Severity.LOW)
def duplicate(view: FlowView) -> Iterator[AccessFinding]:
    """The same role is held on the same target already.

    Why: Taking one of two equal grants away leaves the other in force, which surprises whoever
    revokes.

    Fix: extend the grant that is there instead of asking for another.

    Bad: g7 gives alice `nginx-operator` on web; she asks for it again.
    Good: `opskit access extend g7 --for 2h`.
    """
    if view.ask.extends is not None:
        return
    for held in view.holdings:
        if held.role == view.ask.role and set(held.targets) & set(view.ask.targets):
            end = f" until {iso(held.until)}" if held.until else ""
            yield _finding(
                view, "FLOW-DUP", Severity.LOW,
                f"{held.grant} gives the same{end}",
                f"opskit access extend {held.grant}",
                path=(view.ask.beneficiary, held.grant, held.role),
                meaning=(held.grant,),
            )  # fmt: skip


@FLOW.rule("FLOW-REASON", Severity.LOW)
def reason(view: FlowView) -> Iterator[AccessFinding]:
    """The same reason was given three times or more.

    Why: A reason that is always the same says nothing: the approver cannot tell this request
    from the last one.

    Fix: say what is to be done this time, with the ticket.

    Bad: "work", for the fourth time.
    Good: "restart nginx after the certificate was renewed, OPS-412".
    """
    told = " ".join(view.ask.reason.lower().split())
    same = [one for one in view.earlier_reasons if " ".join(one.lower().split()) == told]
    if told and len(same) + 1 >= _REPEATED:
        yield _finding(
            view, "FLOW-REASON", Severity.LOW,
            f"the same reason was given {len(same)} times before",
            "say what is to be done this time",
            path=(view.ask.beneficiary,), meaning=(told,),
        )  # fmt: skip


@FLOW.rule("FLOW-BG-UNREVIEWED", Severity.HIGH)
def unreviewed_break_glass(view: FlowView) -> Iterator[AccessFinding]:
    """Somebody broke the glass and nobody has reviewed it in time.

    Why: Access without approval is a debt, paid by a review. Who has one that is overdue cannot
    break the glass again; an ordinary request is still open to them.

    Fix: a reviewer looks at the grant: `opskit access break-glass review g9`.

    Bad: g9 was opened two days ago, its review was due yesterday.
    Good: g9 was reviewed by charlie the next morning.
    """
    if view.ask.break_glass and view.unreviewed:
        yield _finding(
            view, "FLOW-BG-UNREVIEWED", Severity.HIGH,
            f"the review of {', '.join(view.unreviewed)} is overdue",
            f"a reviewer: opskit access break-glass review {view.unreviewed[0]}",
            path=(view.ask.beneficiary, *view.unreviewed), meaning=view.unreviewed,
        )  # fmt: skip


@FLOW.rule("FLOW-STANDING-PROD", Severity.HIGH)
def standing(view: FlowView) -> Iterator[AccessFinding]:
    """Access to production for so long that nobody will remember it.

    Why: What is given for more than a week is standing access by another name: it is there when
    it is not needed, and for whoever steals the account.

    Fix: ask for as long as the work takes, and extend.

    Bad: 90 days of `database-owner` on production.
    Good: 4 hours, extended once.
    """
    targets = [view.registry.target(name) for name in view.ask.targets]
    production = any(one and one.environment is Environment.PRODUCTION for one in targets)
    if production and view.ask.duration > _STANDING:
        yield _finding(
            view, "FLOW-STANDING-PROD", Severity.HIGH,
            "it is asked for more than a week on production",
            "ask for as long as the work takes, and extend",
            path=(view.ask.beneficiary, view.ask.role), meaning=("standing",),
        )  # fmt: skip


@FLOW.rule("FLOW-OVERASK", Severity.MEDIUM)
def wider_than_needed(view: FlowView) -> Iterator[AccessFinding]:
    """A narrower role of the catalogue covers what the work needs.

    Why: Every right that is not needed is one that can be stolen. The commands that were named
    as needed are covered by a role that gives less.

    Fix: ask for the narrower role.

    Bad: `web-admin` to run `systemctl restart nginx`.
    Good: `nginx-operator`, which may do that and little else; `--need COMMAND` picks it.
    """
    if view.narrower:
        best = view.narrower[0]
        yield _finding(
            view, "FLOW-OVERASK", Severity.MEDIUM,
            f"{best} covers {view.ask.need!r} and gives less",
            f"opskit access request {best}",
            path=(view.ask.beneficiary, view.ask.role), meaning=(best,),
        )  # fmt: skip


@FLOW.rule("FLOW-SELF", Severity.CRITICAL)
def approves_oneself(view: FlowView) -> Iterator[AccessFinding]:
    """Somebody was made an approver of this request within the last day.

    Why: Whoever can edit the files can add a friend, or a second self, to the approvers. Who
    was not an approver a day ago does not count for a request yet; requester, beneficiary,
    their reports and who shares a key with them never do.

    Fix: somebody who was an approver before decides.

    Bad: mallory is put into the owners of `database-owner` at noon, and approves at one.
    Good: bob, an owner for months, approves.
    """
    for name in view.new_approvers:
        yield _finding(
            view, "FLOW-SELF", Severity.CRITICAL,
            f"{name} was made an approver less than a day ago and does not count yet",
            "somebody who was an approver before decides",
            path=(view.ask.beneficiary, name), meaning=(name,),
        )  # fmt: skip
