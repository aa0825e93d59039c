"""What a message about alerts says. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from opskit.alerts.routing.groups import Notice, Occasion
from opskit.alerts.routing.verdicts import Alert, Silence
from opskit.core.clock import Instant, format_duration
from opskit.core.notice import Item, Link, Notice as Told, Status, Weight

_WEIGHTS: Final[Mapping[str, Weight]] = {
    "page": Weight.CRITICAL,
    "critical": Weight.CRITICAL,
    "error": Weight.ERROR,
    "warning": Weight.WARNING,
    "ticket": Weight.WARNING,
}
_HEAVIEST: Final = tuple(Weight)
_STATUSES: Final = {
    Occasion.REMINDER: Status.REMINDER,
    Occasion.REPEAT: Status.REMINDER,
    Occasion.DIGEST: Status.DIGEST,
}
# Labels that the title tells already.
_TITLED: Final = frozenset({"alertname"})
# Commands for so many alerts are shown; a group may hold thousands.
_COMMANDS: Final = 3


def severity_of(alerts: Sequence[Alert]) -> Weight:
    """Return how much the worst of some alerts matters."""
    weights = (_WEIGHTS.get(one.labels.get("severity", ""), Weight.INFO) for one in alerts)
    return min(weights, key=_HEAVIEST.index, default=Weight.INFO)


def worded(notice: Notice, now: Instant) -> Told:
    """Return a message as channels take it."""
    about = (*notice.firing, *notice.resolved)
    return Told(
        title=_title(notice),
        lines=tuple(_lines(notice, now)),
        commands=tuple(_commands(notice)),
        status=_status(notice),
        severity=severity_of(about),
        items=tuple(_item(one, now) for one in about),
        links=_links(about),
        group=str(notice.group) if notice.group is not None else notice.key,
        at=now,
    )


def acknowledged(alert: Alert, by: str, until: str, now: Instant) -> Told:
    """Return what is said when somebody takes an alert in hand."""
    return Told(
        title=f"{_named(alert)}: {by} has it in hand",
        lines=(f"Nothing more is said of it until {until}, unless it ends.",),
        status=Status.ACKNOWLEDGED,
        severity=severity_of((alert,)),
        items=(_item(alert, now),),
        at=now,
    )


def lapsing(silence: Silence, muted: Sequence[Alert], until: str, now: Instant) -> Told:
    """Return what is said before a silence ends that still keeps alerts from being told."""
    return Told(
        title=f"Silence {silence.id[:8]} of {silence.by} ends at {until}",
        lines=(
            f"It was made for: {silence.comment}",
            f"It still keeps {_counted(muted)} from being told; after its end they are told.",
        ),
        commands=(f"opskit alerts silence extend {silence.id[:8]} --for 2h",),
        status=Status.TOLD,
        severity=severity_of(muted),
        items=tuple(_item(one, now) for one in muted),
        at=now,
    )


def on_call(rota: str, before: str, until: str, firing: Sequence[Alert], now: Instant) -> Told:
    """Return what is said to whoever takes over a rota."""
    lines = [f"You are on call until {until}."]
    lines += [f"You take over from {before}."] if before else []
    lines.append(f"{_counted(firing)} firing now." if firing else "Nothing fires now.")
    return Told(
        title=f"You are on call: {rota}",
        lines=tuple(lines),
        commands=("opskit alerts list", "opskit alerts oncall"),
        items=tuple(_item(one, now) for one in firing),
        at=now,
    )


def _status(notice: Notice) -> Status:
    if not notice.firing and notice.occasion is not Occasion.DIGEST:
        return Status.RESOLVED
    return _STATUSES.get(notice.occasion, Status.FIRING)


def _title(notice: Notice) -> str:
    if notice.occasion is Occasion.DIGEST:
        waited = _counted((*notice.firing, *notice.resolved))
        return f"What waited: {waited}, {len(notice.firing)} of them firing"
    about = notice.firing or notice.resolved
    if len(about) == 1:
        return _named(about[0])
    names = sorted({one.labels.get("alertname", "") for one in about})
    common = "" if notice.group is None else _pairs(notice.group.labels)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{len(about)} alerts: {', '.join(names[:3])}{more}{f' ({common})' if common else ''}"


def _counted(alerts: Sequence[Alert]) -> str:
    return f"{len(alerts)} {'alert' if len(alerts) == 1 else 'alerts'}"


def _pairs(labels: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{name}={value}" for name, value in labels if name not in _TITLED)


def _named(alert: Alert) -> str:
    return alert.annotations.get("summary") or alert.labels.get("alertname", alert.fingerprint)


def _lines(notice: Notice, now: Instant) -> Sequence[str]:
    said = {
        Occasion.REPEAT: "It still fires, and nobody has it in hand.",
        Occasion.REMINDER: "Who had it in hand said until now: it still fires.",
        Occasion.ESCALATION: "Nobody has taken it in hand so far; you are next.",
    }.get(notice.occasion)
    lines = [] if said is None else [said]
    if len(notice.firing) == 1 and not notice.resolved:
        (alert,) = notice.firing
        lines += [text for text in (alert.annotations.get("description", ""),) if text]
        lines.append(f"It has fired for {format_duration(now - alert.starts_at)}.")
    if notice.firing and notice.resolved:
        lines.append(f"{len(notice.firing)} fire, {len(notice.resolved)} are over.")
    return lines


def _commands(notice: Notice) -> Sequence[str]:
    if notice.occasion is Occasion.DIGEST:
        return ["opskit alerts list"]
    names = [one.fingerprint for one in notice.firing[:_COMMANDS]]
    return [
        *(f"opskit alerts ack {name}" for name in names),
        *(f"opskit alerts explain {name}" for name in names[:1]),
    ]


def _item(alert: Alert, now: Instant) -> Item:
    state = "firing" if alert.fires(now) else "resolved"
    notes = [(name, text) for name, text in sorted(alert.annotations.items()) if text]
    return Item((("state", state), *sorted(alert.labels.items())), tuple(notes))


def _links(alerts: Sequence[Alert]) -> tuple[Link, ...]:
    urls = dict.fromkeys(one.annotations.get("runbook_url", "") for one in alerts)
    return tuple(Link("runbook", url) for url in urls if url)[:_COMMANDS]
