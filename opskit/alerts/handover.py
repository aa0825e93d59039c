"""Hand-over of a rota: who takes over hears of it, with what fires and nobody has in hand. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from opskit.alerts.routing.groups import Destinations
from opskit.alerts.routing.plan import Plan
from opskit.alerts.routing.verdicts import Alert
from opskit.alerts.wording import on_call
from opskit.core.clock import Instant, iso
from opskit.core.notice import Notice

NOBODY = ""
Owed = tuple[str, Notice, Destinations]


def handed_over(
    plan: Plan, before: Mapping[str, str], alerts: Sequence[Alert], now: Instant
) -> tuple[Mapping[str, str], tuple[Owed, ...]]:
    """Return who is on call by rota, and a message for each who was not when last looked.

    Of a rota that was never looked at nobody took over.
    """
    after = {name: _person(plan, name, now) for name in plan.duties}
    return after, tuple(_told(plan, before, after, alerts, now))


def _person(plan: Plan, rota: str, now: Instant) -> str:
    shift = plan.duties[rota].on_call(now)
    return NOBODY if shift is None else shift.person


def _told(
    plan: Plan,
    before: Mapping[str, str],
    after: Mapping[str, str],
    alerts: Sequence[Alert],
    now: Instant,
) -> Iterator[Owed]:
    firing = tuple(one for one in alerts if one.fires(now))
    for rota, person in after.items():
        to = frozenset(plan.routes.contacts.get(person, ()))
        if rota not in before or before[rota] == person or not to:
            continue
        shift = plan.duties[rota].on_call(now)
        until = "" if shift is None else iso(shift.interval.end, plan.duties[rota].rota.zone)
        message = on_call(rota, before[rota], until, firing, now)
        yield f"on-call-{rota}-{now}", message, to
