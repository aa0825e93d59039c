"""What a rule would have said of a time that is over, and whether it would have been right. Pure.

Times are milliseconds since 1970. The rule is evaluated as it would have been live, over history
that is read piece by piece; where there is none it says nothing, and that time does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Final, Protocol

from opskit.alerts.evaluating import Alerting, Recording, Running
from opskit.alerts.promql.evaluation import Settings
from opskit.alerts.promql.nodes import QueryError
from opskit.alerts.promql.series import Labels, Memory
from opskit.alerts.reach import Reach, looks, reach_through

Rules = tuple[Alerting | Recording, ...]
# So much history is in memory beside what the rule looks back at.
_PIECE: Final = 2 * 3_600_000
_STATES: Final = frozenset({"ALERTS", "ALERTS_FOR_STATE"})
_SERVICE: Final = "service"
# With less history than this share of the period, what it says of the period is not known.
ENOUGH: Final = 0.5


class Stretch(Protocol):
    """A time of which there is history, each STEP ms."""

    @property
    def start(self) -> int: ...  # noqa: D102
    @property
    def end(self) -> int: ...  # noqa: D102
    @property
    def step(self) -> int: ...  # noqa: D102


class History(Protocol):
    """What the metrics page showed."""

    def stretches(self, start: int, end: int) -> Sequence[Stretch]:
        """Return when it was looked at between two instants, oldest first."""
        ...

    def read(self, names: frozenset[str] | None, start: int, end: int) -> Memory:
        """Return what it showed of metrics (None: all) from START to END."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """A time from START to END, a rule that is evaluated each STEP, and how far outages may follow.

    An alert is true if an outage begins at most HORIZON after it began, or while it fires.
    """

    start: int
    end: int
    step: int
    horizon: int = 3_600_000


@dataclass(frozen=True, slots=True)
class Span:
    """A time of a service: of an outage, or in which outages would have been seen."""

    service: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Outages:
    """The confirmed outages of a time, and when which service was watched for them."""

    watched: tuple[Span, ...] = ()
    found: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Fired:
    """One time that an alert would have fired; END is None where it still does."""

    labels: Labels
    start: int
    value: float
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a rule would have said.

    `looked` and `asked` count the instants at which there was history, and all there are; `held`
    those at which the rule had no answer, `fault` why; `unseen` are metrics without any history.
    """

    fired: tuple[Fired, ...]
    looked: int
    asked: int
    held: int = 0
    fault: str = ""
    unseen: tuple[str, ...] = ()

    @property
    def coverage(self) -> float:
        """Return the share of the time of which it says anything."""
        return (self.looked - self.held) / self.asked if self.asked else 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of each time that it fired: `missed` are outages it did not fire for.

    `unjudged` began when nobody watched their service; `leads` are how long before its outage (ms)
    each true alert began, negative after it.
    """

    true: tuple[Fired, ...] = ()
    false: tuple[Fired, ...] = ()
    unjudged: tuple[Fired, ...] = ()
    missed: tuple[Span, ...] = ()
    leads: tuple[int, ...] = ()

    @property
    def lead(self) -> float | None:
        """Return the median of how long before an outage it began, in ms."""
        return median(self.leads) if self.leads else None


def chosen(rules: Iterable[Alerting | Recording], name: str, pending: int | None) -> Rules:
    """Return the alerts of a name and the rules that they look at, in their order.

    PENDING (ms) is put in the place of their own `for`. Empty where there is no such alert.
    """
    every = [_with(one, pending) if _is(one, name) else one for one in rules]
    kept = [_is(one, name) for one in every]
    if not any(kept):
        return ()
    while True:
        seen = {
            look.name
            for one, use in zip(every, kept, strict=True)
            if use
            for look in looks(one.expression, Settings())
        }
        more = [use or _tells(one, seen) for one, use in zip(every, kept, strict=True)]
        if more == kept:
            return tuple(one for one, use in zip(every, kept, strict=True) if use)
        kept = more


def _is(rule: Alerting | Recording, name: str) -> bool:
    return isinstance(rule, Alerting) and rule.name == name


def _with(rule: Alerting | Recording, pending: int | None) -> Alerting | Recording:
    if isinstance(rule, Recording) or pending is None:
        return rule
    return replace(rule, pending=pending)


def _tells(rule: Alerting | Recording, seen: set[str]) -> bool:
    """Return whether a rule makes one of these metrics; an empty name may be any."""
    if isinstance(rule, Recording):
        return rule.name in seen or "" in seen
    return bool(_STATES & seen)


def replay(
    rules: Rules,
    name: str,
    history: History,
    question: Question,
    told: Callable[[int, int], None] = lambda _done, _all: None,
) -> Replayed:
    """Return when alerts of a name would have fired; TOLD hears how far it is, of how much."""
    replaying = _Replaying(rules, name, history, question)
    pieces = range(replaying.begin, question.end + 1, _PIECE)
    for number, start in enumerate(pieces):
        told(number, len(pieces))
        replaying.piece(start, min(start + _PIECE - 1, question.end))
    told(len(pieces), len(pieces))
    return replaying.replayed()


@dataclass
class _Replaying:
    """A replay under way."""

    rules: Rules
    name: str
    history: History
    question: Question
    settings: Settings = field(default_factory=Settings)
    storage: Memory = field(default_factory=Memory)
    begin: int = 0
    _open: dict[tuple[int, Labels], Fired] = field(default_factory=dict)
    _fired: list[Fired] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _looked: int = 0
    _held: int = 0
    _fault: str = ""

    def __post_init__(self) -> None:
        """Begin so far before the question that what a rule waits for and looks at is there."""
        self.reach: Reach = reach_through(self.rules, self.settings)
        waits = [one.pending + one.keeps for one in self.rules if isinstance(one, Alerting)]
        back = self.question.start - self.reach.longest - max(waits, default=0)
        known = self.history.stretches(max(back, 0), self.question.end)
        earliest = min((one.start for one in known), default=self.question.start)
        first = min(max(back, earliest), self.question.start)
        self.begin = -(-first // self.question.step) * self.question.step
        self.running = Running(self.rules, self.storage, self.settings)

    def piece(self, start: int, end: int) -> None:
        """Go on over a piece of history."""
        for series in self.history.read(self.reach.names, start, end).select((), start, end):
            self.storage.extend(series)
            self._seen.add(series.labels.get("__name__"))
        for at in instants(self.history.stretches(start, end), start, end, self.question.step):
            self._turn(at)
        self.storage.forget(self.reach, end)

    def _turn(self, at: int) -> None:
        asked = at >= self.question.start
        self._looked += asked
        held = False
        for index in range(len(self.rules)):
            try:
                self.running.attempt(index, at)
            except QueryError as error:
                held, self._fault = True, error.message
        self._held += held and asked
        self._follow(at)

    def _follow(self, at: int) -> None:
        """Note what began to fire and what is over."""
        fires = {
            (index, one.labels): one.value
            for index, rule in enumerate(self.rules)
            if _is(rule, self.name)
            for one in self.running.of(index)
            if one.fires
        }
        for key in self._open.keys() - fires.keys():
            self._fired.append(replace(self._open.pop(key), end=at))
        for key in fires.keys() - self._open.keys():
            self._open[key] = Fired(key[1], at, fires[key])

    def replayed(self) -> Replayed:
        """Return what came of it."""
        start, end, step = self.question.start, self.question.end, self.question.step
        every = (*self._fired, *self._open.values())
        within = (one for one in every if one.end is None or one.end > start)
        own = {one.name for one in self.rules if isinstance(one, Recording)} | _STATES
        unseen = () if self.reach.names is None else self.reach.names - self._seen - own
        return Replayed(
            tuple(sorted(within, key=lambda one: (one.start, one.labels.pairs))),
            self._looked,
            len(range(-(-start // step) * step, end + 1, step)),
            self._held,
            self._fault,
            tuple(sorted(unseen)),
        )


def instants(stretches: Iterable[Stretch], start: int, end: int, step: int) -> Iterator[int]:
    """Yield whole STEPs from START to END at which there was history, up to a look afterwards."""
    last = start - 1
    for one in stretches:
        first = max(one.start, last + 1, start)
        for at in range(-(-first // step) * step, min(one.end + one.step - 1, end) + 1, step):
            last = at
            yield at


def judged(
    replayed: Replayed, outages: Outages, question: Question, stretches: Iterable[Stretch]
) -> Judged:
    """Compare what a rule would have said with the outages there were.

    An alert without a service may be of any. Outages of a time without history are not missed.
    """
    seen = tuple(stretches)
    true: list[Fired] = []
    false: list[Fired] = []
    unjudged: list[Fired] = []
    leads: dict[Span, int] = {}
    for one in replayed.fired:
        followed = [outage for outage in outages.found if _follows(outage, one, question)]
        if followed:
            true.append(one)
        elif any(
            _concerns(span, one) and span.start <= one.start < span.end for span in outages.watched
        ):
            false.append(one)
        else:
            unjudged.append(one)
        for outage in followed:
            leads[outage] = max(outage.start - one.start, leads.get(outage, -question.end))
    missed = (
        one
        for one in outages.found
        if one not in leads and any(x.start < one.end and x.end > one.start for x in seen)
    )
    return Judged(tuple(true), tuple(false), tuple(unjudged), tuple(missed), tuple(leads.values()))


def _follows(outage: Span, one: Fired, question: Question) -> bool:
    end = question.end if one.end is None else one.end
    soon = outage.start < max(end, one.start + question.horizon)
    return soon and outage.end > one.start and _concerns(outage, one)


def _is_watched(span: Span, one: Fired) -> bool:
    return _concerns(span, one) and span.start <= one.start < span.end


def _concerns(span: Span, one: Fired) -> bool:
    """Return whether it is of the service of an alert; of one without any it always is."""
    return one.labels.get(_SERVICE) in {"", span.service}


def weekly(count: int, replayed: Replayed, question: Question) -> float | None:
    """Return how often a week it is, over the time of which there is history."""
    length = (replayed.looked - replayed.held) * question.step
    return count * 7 * 86_400_000 / length if length else None


def shown(labels: Labels) -> Mapping[str, str]:
    """Return labels without the alert's own name."""
    return {name: value for name, value in labels.pairs if name != "alertname"}
