"""Which incidents alerts make: what is new, what belongs together, what is over. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from opskit.core.clock import Duration, Instant
from opskit.desk.incidents.model import BY, Event, Incident, Kind, Opening, Severity, Status, Warned


@dataclass(frozen=True, slots=True)
class Policy:
    """Which alerts open incidents and which belong together, as `desk.yaml` has it."""

    opens: frozenset[str]
    critical: frozenset[str]
    together: tuple[str, ...]
    comes_back: Duration
    settles: Duration

    def group(self, alert: Warned) -> str:
        """Return what alerts of one incident have in common.

        One that has none of the labels stands alone.
        """
        found = [f"{name}={alert.labels[name]}" for name in self.together if alert.labels.get(name)]
        return ",".join(found) or f"alert={alert.look}"

    def severity(self, alert: Warned) -> Severity:
        """Return how bad an incident is that an alert opens."""
        return Severity.CRITICAL if alert.severity in self.critical else Severity.MAJOR


def opening(alert: Warned, policy: Policy) -> Opening:
    """Return what is known of an incident that an alert opens."""
    return Opening(
        title=alert.title,
        severity=policy.severity(alert),
        started_at=alert.begun,
        detected_at=alert.begun,
        source="alert",
        service=alert.service,
        team=alert.team,
        visible=alert.visible,
        group=policy.group(alert),
        fingerprint=look_of(alert.service, alert.labels.get("alertname", alert.title)),
    )


def look_of(service: str, title: str) -> str:
    """Return what incidents that look alike have in common: their service, and what was told.

    Numbers in a title make no difference.
    """
    words = "".join("0" if char.isdigit() else char for char in title.casefold()).split()
    return hashlib.sha256(f"{service}\0{' '.join(words)}".encode()).hexdigest()[:16]


def fired_key(alert: Warned) -> str:
    """Return the key of the event that an alert began to fire."""
    return f"{alert.name}-fired"


def fired(incident: Incident, alert: Warned) -> Event:
    """Return the event that an alert began to fire."""
    told = {"alarm": alert.name, "text": alert.title}
    return _event(fired_key(alert), incident, alert.begun, Kind.FIRED, told)


def ended(incident: Incident, alert: Warned, at: Instant) -> Event:
    """Return the event that an alert is over."""
    told = {"alarm": alert.name, "text": alert.title}
    return _event(f"{alert.name}-ended", incident, at, Kind.ENDED, told)


def returned(incident: Incident, alert: Warned) -> Event:
    """Return the event that an incident is back, because an alert of it fires again."""
    key = f"{incident.number}-{alert.name}-reopened"
    at = Instant(max(alert.begun, incident.resolved_at or alert.begun))
    return _event(key, incident, at, Kind.REOPENED, {"text": alert.title})


def following(
    incident: Incident, alerts: Iterable[Warned], policy: Policy, now: Instant
) -> Sequence[Event]:
    """Return what follows from how the alerts of an open incident stand now."""
    known = {one.name: one for one in alerts}
    events: list[Event] = []
    for alarm in incident.alarms:
        alert = known.get(alarm.name)
        if alert is None:
            continue
        if alarm.ended is None and alert.ended is not None:
            events.append(ended(incident, alert, alert.ended))
        if alert.taken_at is not None and incident.acknowledged_at is None:
            events.append(_taken(incident, alert, alert.taken_at))
    just = {one.data["alarm"]: one.at for one in events if one.kind is Kind.ENDED}
    return (*events, *_over(incident, just, policy, now))


def _taken(incident: Incident, alert: Warned, at: Instant) -> Event:
    when = Instant(max(at, incident.opening.started_at))
    key = f"{incident.number}-{alert.name}-taken-{at}"
    return Event(key, incident.number, when, Kind.ACKNOWLEDGED, alert.taken_by)


def _over(
    incident: Incident, just: dict[str, Instant], policy: Policy, now: Instant
) -> Sequence[Event]:
    """Return that nobody is hit any more, and that what nobody took is resolved."""
    ends = [one.ended or just.get(one.name) for one in incident.alarms]
    if not ends or None in ends or not incident.is_open:
        return ()
    last = Instant(max(one for one in ends if one is not None))
    if any(one.kind is Kind.REOPENED and one.at > last for one in incident.events):
        # Somebody says that it is back: its alerts had nothing to tell of that.
        return ()
    if incident.mitigated_at is None:
        key = f"{incident.number}-mitigated-{last}"
        return (_event(key, incident, last, Kind.MITIGATED, {"text": "its alerts are over"}),)
    untouched = incident.acknowledged_at is None and not incident.owner
    if not untouched or incident.status is not Status.MITIGATED or now < last + policy.settles:
        return ()
    told = {"text": "it ended by itself; nobody had it in hand"}
    return (_event(f"{incident.number}-settled-{last}", incident, last, Kind.RESOLVED, told),)


def _event(key: str, incident: Incident, at: Instant, kind: Kind, data: dict[str, str]) -> Event:
    return Event(key, incident.number, at, kind, BY, data)
