"""What alerting shows: what fires, whom it told, and when telling was last proven to work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from opskit.alerts.firing import State
from opskit.alerts.routing.groups import Occasion
from opskit.alerts.store import counts, drills as store, firings, passes, said
from opskit.core.clock import SECOND, Instant
from opskit.core.metrics import Family, counter, gauge, one
from opskit.outside.database import Database

# Shown as 0 where none is there, so that a rule can tell "none" from "nobody looked".
_SEVERITIES: Final = frozenset({"critical", "warning"})
_SHOWN: Final = (State.PENDING, State.FIRING)


def standing(database: Database, now: Instant) -> Iterator[Family]:
    """Yield what is pending or fires, and how much of it is quiet or in hand.

    No number where rules were never evaluated: nobody knows.
    """
    with database.read() as connection:
        if passes.last(connection) is None:
            return
        opened = [one for one in firings.opened(connection) if one.state(now) is not State.RESOLVED]
        silences = [noted.silence for noted in said.silences(connection, now)]
        words = said.acknowledgements(connection, now)
        told = counts.occasions(connection)
    count = Counter((one.state(now), one.severity) for one in opened)
    severities = sorted({one.severity for one in opened} | _SEVERITIES)
    samples = (
        (float(count[state, severity]), (("state", state.value), ("severity", severity)))
        for state in _SHOWN
        for severity in severities
    )
    yield gauge("opskit_alerts", "Alerts that are pending or fire.", samples)
    firing = [one for one in opened if one.starts_at is not None]
    held = sum(any(each.holds(one.labels, now) for each in silences) for one in firing)
    yield gauge("opskit_alerts_silenced", "Firing alerts that a silence holds.", one(float(held)))
    taken = {word.fingerprint: word.at for word in words}
    in_hand = sum(taken.get(one.fingerprint, -1) >= (one.starts_at or now) for one in firing)
    says = "Firing alerts that somebody has in hand."
    yield gauge("opskit_alerts_acknowledged", says, one(float(in_hand)))
    says = "Messages about alerts that were owed, by occasion."
    owed = ((float(told.get(one, 0)), (("occasion", one.value),)) for one in Occasion)
    yield counter("opskit_alerts_notifications_total", says, owed)


def drills(database: Database, now: Instant) -> Iterator[Family]:
    """Yield how old the last proof is, and how the last drill stands."""
    with database.read() as connection:
        every = store.every(connection)
    proven = [drill for drill in every if drill.state(now) == "confirmed"]
    age = (now - proven[-1].begun_at) / SECOND if proven else None
    says = "Since the last drill that went from the fault to a human's confirmation."
    yield gauge("opskit_alerts_drill_proven_age_seconds", says, one(age))
    last = every[-1].state(now) if every else None
    says = "Whether the last drill failed or was confirmed by nobody in time."
    broken = None if last is None else float(last in {"failed", "missed"})
    yield gauge("opskit_alerts_drill_broken", says, one(broken))
