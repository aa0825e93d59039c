"""Why an alert did or did not reach anybody, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from opskit.alerts.circumstances import Around, situation
from opskit.alerts.firing import Firing, State
from opskit.alerts.routing.groups import Group, GroupKey
from opskit.alerts.routing.plan import Plan
from opskit.alerts.routing.router import Memory, Situation
from opskit.alerts.routing.tree import Route
from opskit.alerts.routing.verdicts import Alert, Verdict
from opskit.alerts.store import firings, notices, remembered
from opskit.alerts.store.notices import Owed
from opskit.core.clock import Instant, format_duration


class Kind(StrEnum):
    """What a step is about."""

    RULE = "rule"
    STATE = "state"
    ROUTE = "route"
    HELD = "held"
    WAITS = "waits"
    TOLD = "told"
    PEOPLE = "people"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was so; `at` is when, None where it holds now."""

    kind: Kind
    says: str
    at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """An alert, and what led to its being told or not, oldest first."""

    alert: Firing
    steps: tuple[Step, ...]


def explained(
    connection: sa.Connection, alert: Firing, plan: Plan | None, around: Around, now: Instant
) -> Explained:
    """Return why somebody was told of an alert, or why nobody was."""
    steps = [*_rule(alert, now)]
    if plan is None:
        steps.append(Step(Kind.NOBODY, "there is no alerts/routes.yaml: nobody is told of alerts"))
    elif alert.starts_at is not None:
        opened = firings.opened(connection)
        here = situation(connection, opened, around, now)
        memory = remembered.read(connection).memory
        own = notices.about(connection, alert.fingerprint, alert.starts_at)
        steps += [*_routes(alert, plan, memory, here), *_told(own, alert), *_people(alert, here)]
    return Explained(alert, tuple(steps))


def _rule(alert: Firing, now: Instant) -> Iterator[Step]:
    by = f"rule {alert.rule}" if not alert.source else f"{alert.source} told of {alert.rule}"
    value = "" if alert.value is None else f"; its value was {alert.value:g} when last looked at"
    yield Step(Kind.RULE, f"{by}: the condition holds{value}", alert.since)
    match alert.state(now):
        case State.PENDING:
            lasted = format_duration(now - alert.since)
            yield Step(Kind.STATE, f"pending for {lasted}: it fires once it held for its `for`")
        case State.FIRING:
            yield Step(Kind.STATE, "it began to fire", alert.starts_at)
            if alert.missing_at is not None:
                says = "the condition holds no more; the rule keeps it firing for a while"
                yield Step(Kind.STATE, says, alert.missing_at)
        case State.RESOLVED:
            yield Step(Kind.STATE, "it began to fire", alert.starts_at)
            yield Step(Kind.STATE, "it is over", alert.ends_at)


def _routes(alert: Firing, plan: Plan, memory: Memory, here: Situation) -> Iterator[Step]:
    shown = next((one for one in here.alerts if one.fingerprint == alert.fingerprint), None)
    if shown is None:
        return
    for route, verdict in plan.router.judged(shown, memory, here):
        yield from _route(shown, route, verdict, plan, here)
        group = memory.groups.get(GroupKey(route.name, route.grouped(shown.labels)))
        if shown.fires(here.now) and verdict.told and group is not None:
            yield from _waits(group, shown, here)


def _route(
    alert: Alert, route: Route, verdict: Verdict, plan: Plan, here: Situation
) -> Iterator[Step]:
    to = ", ".join(sorted(plan.recipients(route.receiver, here.now))) or "nobody"
    matched = ", ".join(str(one) for one in route.matchers) or "everything"
    says = f"route {route.path} takes it ({matched}): receiver {route.receiver}, now {to}"
    yield Step(Kind.ROUTE, says)
    if not alert.fires(here.now):
        return
    for reason, what in verdict.reasons:
        yield Step(Kind.HELD, f"{'held' if verdict.held else 'not told'}: {reason}, {what}")


def _waits(group: Group, alert: Alert, here: Situation) -> Iterator[Step]:
    told = group.told.get(alert.fingerprint)
    left = max(0, group.look_at - here.now)
    if told is None or told.episode != alert.starts_at:
        yield Step(Kind.WAITS, f"its group is told in {format_duration(left)} ({group.key})")


def _told(owed: Sequence[Owed], alert: Firing) -> Iterator[Step]:
    for one in owed:
        what = "it fires" if alert.fingerprint in one.firing else "it is over"
        yield Step(Kind.TOLD, f"{one.occasion}: {', '.join(one.told)} told that {what}", one.at)


def _people(alert: Firing, here: Situation) -> Iterator[Step]:
    one = here.acknowledged.get(alert.fingerprint)
    if one is None or alert.starts_at is None or one.at < alert.starts_at:
        return
    if here.now < one.until:
        left = format_duration(one.until - here.now)
        yield Step(Kind.PEOPLE, f"{one.by} has it in hand, for {left} more", one.at)
    else:
        yield Step(Kind.PEOPLE, f"{one.by} had it in hand until then", one.until)
