"""Which alerts were worth it: each firing joined to what followed it, counted by rule. Pure.

A firing counts as acted on where something was done that could end what it tells of, to the thing
that it tells of, while it fired or shortly after: a run that changed the host, a renewal, access
that was granted to the host, announced maintenance of the service. An acknowledgement alone is no
action: it says that somebody read it, and a rule that is read and closed each night is the one
to be found. A silence is none either: it says that it was not wanted. An outage says that the
warning was right, whoever acted. What follows need not be what helped; but what a timetable
started is no answer to it, and is not counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median_low
from typing import Final

from opskit.alerts.firing import Firing
from opskit.core.clock import HOUR, Duration, Instant

# What is done so long after a firing ended still counts as done because of it.
AFTER: Final = Duration(4 * HOUR)
# What tells things apart, the most telling first: the first that both have decides.
_TELLING: Final = ("fingerprint", "target", "host", "service")


class Kind(StrEnum):
    """What may follow an alert."""

    CHANGE = "change"
    RENEWAL = "renewal"
    GRANT = "grant"
    MAINTENANCE = "maintenance"
    OUTAGE = "outage"
    SILENCE = "silence"
    ACKNOWLEDGEMENT = "acknowledgement"


ACTIONS: Final = frozenset({Kind.CHANGE, Kind.RENEWAL, Kind.GRANT, Kind.MAINTENANCE})
# The strongest first.
_ORDER: Final = tuple(Kind)


class Outcome(StrEnum):
    """What became of a firing: the strongest of what followed it."""

    ACTED = "acted on"
    RIGHT = "came true"
    SILENCED = "silenced"
    SEEN = "acknowledged"
    NOTHING = "nothing followed"
    OPEN = "too early to say"


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that happened: `labels` say to what (host, target, service, fingerprint).

    `until` is when it was over, of what lasts: an outage that was there before the alert fired
    follows it, too. `ref` is the ledger entry that says so; 0 where there is none.
    """

    kind: Kind
    at: Instant
    labels: Mapping[str, str]
    ref: int = 0
    until: Instant | None = None

    @property
    def last(self) -> Instant:
        """Return when it was over; of what lasts no time, when it happened."""
        return self.at if self.until is None else self.until

    def concerns(self, labels: Mapping[str, str]) -> bool:
        """Return whether it was done to what these labels tell of."""
        for name in _TELLING:
            if name in self.labels and name in labels:
                return self.labels[name] == labels[name]
        return False


@dataclass(frozen=True, slots=True)
class Judged:
    """A firing and what followed it, in the order of time; `now` is when it was looked at."""

    firing: Firing
    begun: Instant
    deeds: tuple[Deed, ...]
    now: Instant

    def first(self, *kinds: Kind) -> Instant | None:
        """Return when something of these kinds followed first."""
        return next((one.at for one in self.deeds if one.kind in kinds), None)

    @property
    def acted_at(self) -> Instant | None:
        """Return when something was done about it first."""
        return self.first(*ACTIONS)

    @property
    def lasted(self) -> Duration | None:
        """Return for how long its condition held from when it fired; None while it fires.

        Time for which it was only kept firing is not counted.
        """
        ended = self.firing.ends_at
        if ended is None or ended > self.now:
            return None
        return Duration(max(0, (self.firing.missing_at or ended) - self.begun))

    @property
    def outcome(self) -> Outcome:
        """Return what became of it."""
        kinds = {one.kind for one in self.deeds}
        if kinds & ACTIONS:
            return Outcome.ACTED
        if Kind.OUTAGE in kinds:
            return Outcome.RIGHT
        until = _until(self.firing)
        if until is None or self.now < until:
            return Outcome.OPEN
        if Kind.SILENCE in kinds:
            return Outcome.SILENCED
        return Outcome.SEEN if Kind.ACKNOWLEDGEMENT in kinds else Outcome.NOTHING

    @property
    def was_worth_it(self) -> bool:
        """Return whether somebody acted, or it came true."""
        return self.outcome in (Outcome.ACTED, Outcome.RIGHT)


def subjects(labels: Mapping[str, str], fingerprint: str) -> Mapping[str, str]:
    """Return what an alert tells of, by the labels that opskit's page and exporters use.

    An `instance` is a host with the port of its exporter; a target is SERVICE/NAME.
    """
    told = {name: labels[name] for name in ("target", "host", "service") if labels.get(name)}
    instance = labels.get("instance", "")
    if instance and "host" not in told:
        host, colon, port = instance.rpartition(":")
        # An IPv6 address without brackets has no port.
        has_port = colon and port.isdigit() and (":" not in host or host.endswith("]"))
        told["host"] = host.strip("[]") if has_port else instance
    if "target" in told and "/" in told["target"]:
        told.setdefault("service", told["target"].partition("/")[0])
    return {**told, "fingerprint": fingerprint}


def judged(firings: Iterable[Firing], deeds: Iterable[Deed], now: Instant) -> tuple[Judged, ...]:
    """Return each firing with what followed it, oldest first; the order given does not matter.

    What happened while several firings of a rule were open belongs to each of them; what happened
    when none was belongs to the one that began last. So no deed counts for two firings of a rule
    unless both were open.
    """
    fired = sorted(
        ((one, one.starts_at) for one in _once(firings) if one.starts_at is not None),
        key=lambda pair: (pair[1], pair[0].id),
    )
    index = _Index(fired)
    found: defaultdict[int, list[Deed]] = defaultdict(list)
    for deed in deeds:
        if deed.at <= now:
            for one in index.followed_by(deed):
                found[one.id].append(deed)
    return tuple(
        Judged(one, begun, tuple(sorted(found[one.id], key=_place)), now) for one, begun in fired
    )


def _once(firings: Iterable[Firing]) -> Iterator[Firing]:
    yield from {one.id: one for one in firings}.values()


def _place(deed: Deed) -> tuple[int, int, int, list[tuple[str, str]]]:
    return (deed.at, _ORDER.index(deed.kind), deed.ref, sorted(deed.labels.items()))


class _Index:
    """Firings by what they tell of: a deed looks only at those that it may concern."""

    def __init__(self, fired: Sequence[tuple[Firing, Instant]]) -> None:
        self._by: defaultdict[tuple[str, str], list[tuple[Firing, Instant]]] = defaultdict(list)
        self._told = {one.id: subjects(one.labels, one.fingerprint) for one, _ in fired}
        for pair in fired:
            for item in self._told[pair[0].id].items():
                self._by[item].append(pair)

    def followed_by(self, deed: Deed) -> Iterator[Firing]:
        """Yield the firings that a deed followed, by the rule of `judged`."""
        near = {
            one.id: (one, begun) for item in deed.labels.items() for one, begun in self._by[item]
        }
        rules: defaultdict[str, list[tuple[Firing, Instant]]] = defaultdict(list)
        for one, begun in near.values():
            until = _until(one)
            in_time = begun <= deed.last and (until is None or deed.at < until)
            if in_time and deed.concerns(self._told[one.id]):
                rules[one.rule].append((one, begun))
        for some in rules.values():
            still = [one for one, _ in some if one.ends_at is None or deed.at < one.ends_at]
            yield from still or [max(some, key=lambda pair: (pair[1], pair[0].id))[0]]


def _until(one: Firing) -> Instant | None:
    """Return when nothing that happens belongs to a firing any more; None while it fires."""
    return None if one.ends_at is None else Instant(one.ends_at + AFTER)


@dataclass(frozen=True, slots=True)
class RuleWorth:
    """What a rule was worth: counts of its firings, and the middle of its times.

    `decided` are those of which can be said whether they were worth it; `repeats` those of an alert
    that had fired before. `lead` is from firing to outage where the outage came later, `answered`
    from firing to acknowledgement; None where there was none.
    """

    rule: str
    severity: str
    judged: tuple[Judged, ...]
    after_hours: int

    def count(self, *outcomes: Outcome) -> int:
        """Return how many firings had one of these outcomes."""
        return sum(one.outcome in outcomes for one in self.judged)

    @property
    def firings(self) -> int:
        """Return how often it fired."""
        return len(self.judged)

    @property
    def decided(self) -> int:
        """Return of how many firings can be said what became of them."""
        return self.firings - self.count(Outcome.OPEN)

    @property
    def acted(self) -> int:
        """Return how many firings were acted on."""
        return self.count(Outcome.ACTED)

    @property
    def worth_it(self) -> int:
        """Return how many firings were acted on, or came true."""
        return sum(one.was_worth_it for one in self.judged)

    @property
    def repeats(self) -> int:
        """Return how many firings were of an alert that had fired before."""
        return self.firings - len({one.firing.fingerprint for one in self.judged})

    @property
    def lead(self) -> Duration | None:
        """Return the middle time from firing to outage, of those where the outage came later."""
        pairs = ((one.begun, one.first(Kind.OUTAGE)) for one in self.judged)
        return _middle((begun, at) for begun, at in pairs if at is not None and at > begun)

    @property
    def answered(self) -> Duration | None:
        """Return the middle time from firing to acknowledgement."""
        return _middle((one.begun, one.first(Kind.ACKNOWLEDGEMENT)) for one in self.judged)


def _middle(pairs: Iterable[tuple[Instant, Instant | None]]) -> Duration | None:
    found = [at - begun for begun, at in pairs if at is not None]
    return Duration(median_low(found)) if found else None


def by_rule(
    some: Iterable[Judged], is_after_hours: Callable[[Instant], bool]
) -> tuple[RuleWorth, ...]:
    """Return what each rule was worth, by its name."""
    rules: defaultdict[str, list[Judged]] = defaultdict(list)
    for one in some:
        rules[one.firing.rule or one.firing.name].append(one)
    return tuple(
        RuleWorth(
            rule,
            own[-1].firing.severity,
            tuple(own),
            sum(is_after_hours(one.begun) for one in own),
        )
        for rule, own in sorted(rules.items())
    )
