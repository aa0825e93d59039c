"""Rules that are evaluated again and again over what the metrics page shows. Pure.

What cannot be looked at changes nothing: a rule that has no answer, or whose metrics come from a
part of the page that could not be read, keeps its alerts as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass, field

from opskit.alerts.evaluating import Active, Alerting, Running
from opskit.alerts.firing import OWN, Firing
from opskit.alerts.following import Found
from opskit.alerts.promql.evaluation import Settings
from opskit.alerts.promql.nodes import QueryError
from opskit.alerts.promql.series import NAME, STALE, Labels, Memory, is_stale
from opskit.alerts.reach import Reach, reach_through
from opskit.alerts.rulebook import Ruled
from opskit.core.clock import Instant
from opskit.core.metrics import Family, Labels as Pairs

_MS = 1_000
_FORGET_EVERY = 60_000


@dataclass(frozen=True, slots=True)
class Page:
    """What can be measured now; `hides` tells of a metric whether its part could not be read.

    `unseen` are metrics that do not show all there is, since looking has only begun: what they
    show may alert, what they do not show is no end.
    """

    families: Sequence[Family]
    hides: Callable[[str], bool] = lambda _name: False
    unseen: AbstractSet[str] = frozenset()


@dataclass
class Engine:
    """Evaluates groups of rules; times in ms. `failures` counts rules that had no answer.

    `interval` is that of groups that name none; `samples` are those of the last page that rules
    look at; `faults` say why rules had no answer last.
    """

    groups: Sequence[Ruled]
    interval: int = 30_000
    memory: Memory = field(default_factory=Memory)
    settings: Settings = field(default_factory=Settings)
    reach: Reach = field(default_factory=Reach)
    failures: int = 0
    faults: Mapping[str, str] = field(default_factory=dict)
    _running: list[Running] = field(default_factory=list)
    _due: dict[int, int] = field(default_factory=dict)
    samples: Mapping[Labels, float] = field(default_factory=dict)
    _at: int = 0
    _forget_at: int = 0
    _shown: frozenset[Labels] = frozenset()
    _labels: dict[tuple[str, Pairs], Labels] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make each group ready."""
        every = [rule for group in self.groups for rule in group.rules]
        self.reach = reach_through(every, self.settings)
        self._running = [Running(one.rules, self.memory, self.settings) for one in self.groups]

    @property
    def rules(self) -> int:
        """Return how many rules there are."""
        return sum(len(one.rules) for one in self.groups)

    def is_due(self, now: Instant) -> bool:
        """Return whether a group is to be evaluated, or the clock was set back."""
        at = now // _MS
        due = (self._due.get(number, at) for number in range(len(self.groups)))
        return at >= min(due, default=at + 1) or at < self._at

    def restore(self, opened: Iterable[Firing], seen: Iterable[Memory]) -> None:
        """Go on with opskit's own alerts, and with what was seen, as they were when it ended."""
        for series in (one for each in seen for one in each.select((), 0, 0)):
            self.memory.add(series)
            if series.times:
                self._at = max(self._at, series.times[-1])
                self._shown |= set() if is_stale(series.values[-1]) else {series.labels}
        known: dict[str, list[Active]] = {}
        for one in opened:
            if one.source == OWN and one.ends_at is None:
                known.setdefault(one.rule, []).append(_active(one))
        for group, running in zip(self.groups, self._running, strict=True):
            for index, name in enumerate(group.names):
                running.restore(index, known.get(name, ()))

    def turn(self, page: Page, at: int) -> Found:
        """Look at a page: evaluate the groups that are due, and return all alerts there are."""
        if at <= self._at:
            self._set_back(at)
        self._at = at
        self._show(page, at)
        self._forget(at)
        held: dict[str, str] = {}
        for number, (group, running) in enumerate(zip(self.groups, self._running, strict=True)):
            if at < self._due.get(number, at):
                continue
            interval = group.interval or self.interval
            self._due[number] = at - at % interval + interval
            held.update(self._evaluated(group, running, page, at))
        self.failures += len(held)
        self.faults = held
        return Found(dict(self._active()), held.keys() | self._looking_at(page.unseen))

    def _evaluated(
        self, group: Ruled, running: Running, page: Page, at: int
    ) -> Iterator[tuple[str, str]]:
        """Evaluate a group; yield the rules that had no answer, and why."""
        for index, name in enumerate(group.names):
            hidden = sorted(one for one in group.metrics[index] if page.hides(one))
            if hidden:
                yield name, f"{hidden[0]} could not be read"
                continue
            try:
                running.attempt(index, at)
            except QueryError as error:
                yield name, error.message

    def _looking_at(self, metrics: AbstractSet[str]) -> AbstractSet[str]:
        """Return the rules that look at any of these metrics."""
        rules = (
            (name, own)
            for group in self.groups
            for name, own in zip(group.names, group.metrics, strict=True)
        )
        return {name for name, own in rules if own & metrics} if metrics else frozenset()

    def _set_back(self, at: int) -> None:
        """Go on with what was seen, an interval ago by the clock as it is now.

        Forgotten, it would end what rules see by looking back, and nothing of that has ended.
        """
        self.memory.move(at - self.interval - self._at)
        self._due.clear()

    def _active(self) -> Iterator[tuple[str, Sequence[Active]]]:
        for group, running in zip(self.groups, self._running, strict=True):
            for index, (name, rule) in enumerate(zip(group.names, group.rules, strict=True)):
                if isinstance(rule, Alerting):
                    yield name, running.of(index)

    def _show(self, page: Page, at: int) -> None:
        """Keep what a page shows; what it shows no more has ended, unless it could not be read."""
        samples = dict(self._samples(page.families))
        for labels, value in samples.items():
            self.memory.append(labels, at, value)
        gone = {one for one in self._shown - samples.keys() if not page.hides(one.get(NAME))}
        for labels in gone:
            self.memory.append(labels, at, STALE)
        self._shown = frozenset(self._shown - gone | samples.keys())
        self.samples = samples

    def _forget(self, at: int) -> None:
        """Drop what no rule looks back at any more, now and then."""
        if at >= self._forget_at:
            self._forget_at = at + _FORGET_EVERY
            self.memory.forget(self.reach, at)

    def _samples(self, families: Iterable[Family]) -> Iterator[tuple[Labels, float]]:
        known, self._labels = self._labels, {}
        for family in families:
            if not self.reach(family.name):
                continue
            for value, pairs in family.samples:
                place = (family.name, pairs)
                labels = known.get(place) or Labels(((NAME, family.name), *pairs))
                self._labels[place] = labels
                yield labels, value


def _active(one: Firing) -> Active:
    missing = None if one.missing_at is None else one.missing_at // _MS
    value = float("nan") if one.value is None else one.value
    return Active(
        Labels.of(one.labels), one.annotations, value, one.since // _MS,
        one.starts_at is not None, missing,
    )  # fmt: skip
