"""Groups of alerts: when each is told, to whom, and what they were told before. Pure.

Source of the times: Alertmanager documentation, "Configuration": `group_wait` from the first alert
of a group to its first message, `group_interval` between looks at it afterwards,
`repeat_interval` until the same is said again. A message is said when there is news: an alert
nobody was told of, one that is over, or the same for too long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from opskit.alerts.routing.tree import Route
from opskit.alerts.routing.verdicts import Alert, Verdict
from opskit.core.clock import Duration, Instant

Destinations = frozenset[str]
Recipients = Callable[[str], Destinations]


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What tells a group apart: its node in the tree, and the labels its alerts share."""

    route: str
    labels: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """Return it for people and for keys of messages."""
        return f"{self.route}:{{{', '.join(f'{name}={value!r}' for name, value in self.labels)}}}"


@dataclass(frozen=True, slots=True)
class Told:
    """Who was told that an alert fires, and when last; `episode` is when that firing began."""

    episode: Instant
    to: Destinations


@dataclass(frozen=True, slots=True)
class Group:
    """What is known of a group between two looks.

    `look_at` is when it is looked at next. `number` counts its messages: with the key, and with
    when the group began, it names each for ever. `open_since` is when somebody was first told of
    what nobody has in hand yet; `steps` are the steps of its escalation since.
    """

    key: GroupKey
    begun_at: Instant
    look_at: Instant
    number: int = 0
    told: Mapping[str, Told] = field(default_factory=dict)
    told_at: Instant | None = None
    open_since: Instant | None = None
    steps: int = 0

    def named(self, number: int) -> str:
        """Return the key of one of its messages."""
        return f"{self.key}@{self.begun_at}#{number}"


class Occasion(StrEnum):
    """Why a message is sent."""

    NEWS = "news"
    REPEAT = "repeat"
    ESCALATION = "escalation"
    REMINDER = "reminder"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Notice:
    """A message owed: to whom, of what. `key` is the same however often it is decided."""

    key: str
    group: GroupKey | None
    occasion: Occasion
    to: Destinations
    firing: tuple[Alert, ...]
    resolved: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """Who is told when nobody has a group in hand after so long."""

    after: Duration
    receiver: str


@dataclass(frozen=True, slots=True)
class Look:
    """What a group is looked at with: its alerts, each with its verdict, and who is told.

    `forgotten` are alerts whose acknowledgement has run out since they were last told of.
    """

    now: Instant
    route: Route
    alerts: Sequence[tuple[Alert, Verdict]]
    recipients: Recipients
    silent_end: bool = False
    steps: Sequence[Step] = ()
    forgotten: frozenset[str] = frozenset()

    @property
    def firing(self) -> tuple[Alert, ...]:
        """Return the alerts that fire and are told of at once."""
        return tuple(one for one, why in self.alerts if why.told and one.fires(self.now))

    def over(self, group: Group) -> tuple[Alert, ...]:
        """Return what is over of all that somebody was told of, muted or not."""
        return tuple(
            one
            for one, _ in self.alerts
            if one.fingerprint in group.told and not one.fires(self.now)
        )


def looked_at(group: Group, look: Look) -> tuple[Group, tuple[Notice, ...]]:
    """Return a group after a look at it, and the messages that are owed for it."""
    group = _by_now(group, look)
    if look.now < group.look_at:
        return _escalated(group, look)
    group = replace(group, look_at=Instant(look.now + look.route.group_interval))
    occasion = _occasion(group, look)
    if occasion is None:
        return _escalated(group, look)
    told, notices = _said(group, look, occasion, look.recipients(look.route.receiver))
    return _escalated(told, look, notices)


def _by_now(group: Group, look: Look) -> Group:
    """Return a group as it can be by now: after a clock was set back nothing waits for long."""
    latest = Instant(look.now + max(look.route.group_wait, look.route.group_interval))
    happened = max(group.told_at or look.now, group.open_since or look.now)
    if group.look_at <= latest and happened <= look.now:
        return group
    return replace(
        group,
        look_at=min(group.look_at, latest),
        told_at=None if group.told_at is None else min(group.told_at, look.now),
        open_since=None if group.open_since is None else min(group.open_since, look.now),
    )


def _occasion(group: Group, look: Look) -> Occasion | None:
    firing = look.firing
    if any(_is_news(one, group) for one in firing) or look.over(group):
        return Occasion.NEWS
    if any(one.fingerprint in look.forgotten for one in firing):
        return Occasion.REMINDER
    repeat_at = (group.told_at or look.now) + look.route.repeat_interval
    return Occasion.REPEAT if firing and look.now >= repeat_at else None


def _is_news(alert: Alert, group: Group) -> bool:
    """Return whether nobody knows of this firing; one that ended and began again is another."""
    told = group.told.get(alert.fingerprint)
    return told is None or not told.to or told.episode != alert.starts_at


def _said(
    group: Group, look: Look, occasion: Occasion, to: Destinations
) -> tuple[Group, tuple[Notice, ...]]:
    """Return what is said: all that fires to `to`, ends to whoever knew of the beginning."""
    firing, over = look.firing, look.over(group)
    contents = [
        (names, firing if about_firing else (), () if look.silent_end else ends)
        for names, about_firing, ends in _audiences(group, over, to if firing else frozenset())
    ]
    notices = tuple(
        Notice(group.named(number), group.key, occasion, names, begun, ended)
        for number, (names, begun, ended) in enumerate(
            (one for one in contents if one[1] or one[2]), start=group.number + 1
        )
    )
    told = {key: value for key, value in group.told.items() if key not in _names(over)}
    told |= {one.fingerprint: _with(told.get(one.fingerprint), one, to) for one in firing}
    after = replace(
        group,
        number=group.number + len(notices),
        told=told,
        told_at=look.now if firing else group.told_at,
        open_since=_opened(group, look, occasion),
        steps=0 if occasion is Occasion.REMINDER else group.steps,
    )
    return after, notices


def _audiences(
    group: Group, over: tuple[Alert, ...], to: Destinations
) -> Iterator[tuple[Destinations, bool, tuple[Alert, ...]]]:
    """Yield who hears the same: whether of what fires, and of which ends."""
    heard: dict[tuple[bool, frozenset[str]], set[str]] = {}
    knew = {name for one in over for name in group.told[one.fingerprint].to}
    for name in sorted(to | knew):
        ends = frozenset(one.fingerprint for one in over if name in group.told[one.fingerprint].to)
        heard.setdefault((name in to, ends), set()).add(name)
    for (about_firing, ends), names in heard.items():
        told_of = tuple(one for one in over if one.fingerprint in ends)
        yield frozenset(names), about_firing, told_of


def _with(before: Told | None, alert: Alert, to: Destinations) -> Told:
    # Whoever knew of a firing before, and was not told of its end, is told when this one ends.
    known = frozenset() if before is None else before.to
    return Told(alert.starts_at, known | to)


def _opened(group: Group, look: Look, occasion: Occasion) -> Instant | None:
    if not look.firing:
        return None
    if group.open_since is None or occasion is Occasion.REMINDER:
        return look.now
    return group.open_since


def _escalated(
    group: Group, look: Look, notices: tuple[Notice, ...] = ()
) -> tuple[Group, tuple[Notice, ...]]:
    """Return the group with the steps of its escalation that are due by now taken."""
    open_ones = tuple(one for one in look.firing if one.fingerprint in group.told)
    if not open_ones or group.open_since is None:
        return replace(group, open_since=None, steps=0), notices
    due = [one for one in look.steps if look.now >= group.open_since + one.after]
    for step in due[group.steps :]:
        to = look.recipients(step.receiver)
        notice = Notice(
            group.named(group.number + 1), group.key, Occasion.ESCALATION, to, open_ones, ()
        )
        notices = (*notices, notice) if to else notices
        told = {one.fingerprint: _with(group.told[one.fingerprint], one, to) for one in open_ones}
        group = replace(
            group,
            number=group.number + 1,
            steps=group.steps + 1,
            told={**group.told, **told},
        )
    return group, notices


def due_at(group: Group, steps: Sequence[Step]) -> Instant:
    """Return when a group has to be looked at next."""
    left = steps[group.steps :]
    if group.open_since is None or not left:
        return group.look_at
    return Instant(min(group.look_at, group.open_since + left[0].after))


def _names(alerts: Iterable[Alert]) -> frozenset[str]:
    return frozenset(one.fingerprint for one in alerts)


def is_over(group: Group, alerts: Iterable[Alert], now: Instant) -> bool:
    """Return whether nothing of a group fires and everybody who was told knows."""
    return not group.told and not any(one.fires(now) for one in alerts)
