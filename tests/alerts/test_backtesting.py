"""A backtest says what the rule would have said live, and judges it by the outages there were."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from opskit.alerts.backtesting import (
    Fired,
    Outages,
    Question,
    Replayed,
    Span,
    chosen,
    judged,
    replay,
)
from opskit.alerts.evaluating import Alerting, Recording, Running, rules_of
from opskit.alerts.model import Group
from opskit.alerts.promql.series import NAME, STALE, Labels, Memory, Series
from opskit.alerts.store.samples import Stretch

MINUTE = 60_000
HOUR = 60 * MINUTE
Page = dict[Labels, float]


def ruled(*rules: dict[str, object]) -> tuple[Alerting | Recording, ...]:
    return rules_of(Group.model_validate({"name": "g", "rules": rules}))


@dataclass
class Pages:
    """History in memory: what was shown at whole minutes."""

    shown: dict[int, Page]

    def stretches(self, start: int, end: int) -> Sequence[Stretch]:
        """Return runs of minutes."""
        found: list[Stretch] = []
        for at in sorted(self.shown):
            if found and at - found[-1].end == MINUTE:
                found[-1] = found[-1]._replace(end=at)
            else:
                found.append(Stretch(at, at, MINUTE))
        return [one for one in found if one.end >= start and one.start <= end]

    def read(self, names: frozenset[str] | None, start: int, end: int) -> Memory:
        """Return the samples, and the marks of what ended."""
        storage, before = Memory(), Page()
        for at in sorted(self.shown):
            page = self.shown[at]
            for labels in [*page, *(one for one in before if one not in page)]:
                named = names is None or labels.get(NAME) in names
                if named and start <= at <= end:
                    storage.extend(Series.made(labels, [(at, page.get(labels, STALE))]))
            before = page
        return storage


def walked(rng: random.Random) -> Pages:
    """Return nine hours of counters and gauges that come, go, begin anew; and a stop of opskit."""
    names = [Labels.of({NAME: name, "service": s}) for name in "ab" for s in ("web", "shop")]
    values, pages = dict.fromkeys(names, 0.0), {}
    for minute in range(9 * 60):
        for labels in names:
            grown = values[labels] + rng.choice((0, 0, 1, 5))
            values[labels] = 0.0 if rng.random() < 0.02 else grown
        if not 200 < minute < 240:
            pages[minute * MINUTE] = {
                labels: value for labels, value in values.items() if rng.random() < 0.97
            }
    return Pages(pages)


RULES = ruled(
    {"record": "a:rate", "expr": "rate(a[10m])"},
    {"record": "unrelated", "expr": "count(b)"},
    {"alert": "Fast", "expr": "max_over_time(a:rate[20m:5m]) > 0.03", "for": "5m",
     "keep_firing_for": "4m", "labels": {"severity": "page"}},
    {"alert": "Gone", "expr": "absent(b{service='web'}) or b offset 30m > 40", "for": "1m"},
    {"alert": "Both", "expr": "count(ALERTS{alertstate='firing'}) > 1"},
)  # fmt: skip


def live(pages: Pages, name: str) -> Iterator[tuple[int, frozenset[Labels]]]:
    """Yield what fires at each minute when rules are stepped over what is shown just then."""
    storage = Memory()
    running = Running(RULES, storage)
    before = Page()
    for at in sorted(pages.shown):
        page = pages.shown[at]
        for labels in {**before, **page}:
            storage.append(labels, at, page.get(labels, STALE))
        running.turn(at)
        before = page
        yield at, frozenset(one.labels for one in running.alerts(name) if one.fires)


def spans(steps: Iterator[tuple[int, frozenset[Labels]]]) -> set[tuple[Labels, int, int | None]]:
    begun: dict[Labels, int] = {}
    found: set[tuple[Labels, int, int | None]] = set()
    for at, fires in steps:
        found |= {(one, begun.pop(one), at) for one in begun.keys() - fires}
        begun.update(dict.fromkeys(fires - begun.keys(), at))
    return found | {(one, at, None) for one, at in begun.items()}


@pytest.mark.parametrize("name", ["Fast", "Gone", "Both"])
@pytest.mark.parametrize("seed", [1, 2])
def test_it_says_what_the_rules_say_that_run_live(name: str, seed: int) -> None:
    pages = walked(random.Random(seed))
    question = Question(0, 9 * HOUR - 1, MINUTE)

    found = replay(chosen(RULES, name, None), name, pages, question)

    expected = spans(live(pages, name))
    assert expected
    assert {(one.labels, one.start, one.end) for one in found.fired} == expected
    assert found.coverage == pytest.approx(1 - 39 / 540)


def test_a_period_within_history_says_what_the_whole_says_of_it() -> None:
    pages = walked(random.Random(3))
    whole = replay(RULES, "Fast", pages, Question(0, 9 * HOUR - 1, MINUTE))
    part = replay(RULES, "Fast", pages, Question(6 * HOUR, 9 * HOUR - 1, MINUTE))

    def within(found: Replayed) -> set[tuple[Labels, int, int | None]]:
        late = (one for one in found.fired if one.end is None or one.end > 6 * HOUR)
        return {(one.labels, max(one.start, 6 * HOUR), one.end) for one in late}

    assert within(part) == within(whole)
    assert len(within(part)) > 1
    assert part.coverage == 1.0


def test_only_what_a_rule_needs_is_evaluated_and_another_for_may_be_tried() -> None:
    fast = chosen(RULES, "Fast", 2 * HOUR)

    assert [one.name for one in fast] == ["a:rate", "Fast"]
    assert [one.pending for one in fast if isinstance(one, Alerting)] == [2 * HOUR]
    assert len(chosen(RULES, "Both", None)) == 4
    assert chosen(RULES, "a:rate", None) == ()


def test_without_history_it_says_nothing_and_an_unseen_metric_is_named() -> None:
    rules = ruled({"alert": "A", "expr": "absent(c) and on() vector(1)"})
    empty = replay(rules, "A", Pages({}), Question(HOUR, 2 * HOUR, MINUTE))
    assert (empty.fired, empty.coverage, empty.unseen) == ((), 0.0, ("c",))

    pages = Pages({at * MINUTE: {Labels.of({NAME: "a"}): 1.0} for at in range(121)})
    assert replay(rules, "A", pages, Question(HOUR, 2 * HOUR, MINUTE)).unseen == ("c",)


def test_instants_at_which_a_rule_has_no_answer_do_not_count() -> None:
    rules = ruled({"alert": "A", "expr": "a * on() b"})
    twice = {Labels.of({NAME: "a"}): 1.0, Labels.of({NAME: "b", "x": "1"}): 1.0}
    pages = {
        at * MINUTE: twice | ({Labels.of({NAME: "b", "x": "2"}): 1.0} if at >= 30 else {})
        for at in range(60)
    }
    found = replay(rules, "A", Pages(pages), Question(0, HOUR - 1, MINUTE))

    assert (found.held, found.coverage) == (30, 0.5)
    assert "many-to-many" in found.fault or "multiple matches" in found.fault


def fired(start: int, end: int | None, service: str = "web") -> Fired:
    return Fired(Labels.of({"alertname": "A", "service": service}), start, 1.0, end)


@pytest.mark.parametrize(
    ("alert", "verdict", "lead"),
    [
        (fired(90 * MINUTE, 100 * MINUTE), "true", 30 * MINUTE),
        (fired(30 * MINUTE, 40 * MINUTE), "false", None),
        (fired(30 * MINUTE, 121 * MINUTE), "true", 90 * MINUTE),
        (fired(125 * MINUTE, None), "true", -5 * MINUTE),
        (fired(130 * MINUTE, None), "false", None),
        (fired(119 * MINUTE, None, "shop"), "false", None),
        (fired(119 * MINUTE, None, ""), "true", MINUTE),
        (fired(121 * MINUTE, None, "shop"), "unjudged", None),
        (fired(119 * MINUTE, None, "other"), "unjudged", None),
    ],
)
def test_an_alert_is_true_if_an_outage_of_its_service_follows(
    alert: Fired, verdict: str, lead: int | None
) -> None:
    outage = Span("web", 120 * MINUTE, 130 * MINUTE)
    outages = Outages((Span("web", 0, 3 * HOUR), Span("shop", 0, 2 * HOUR)), (outage,))
    question = Question(0, 3 * HOUR, MINUTE)
    seen = [Stretch(0, 3 * HOUR, MINUTE)]

    found = judged(Replayed((alert,), 180, 180), outages, question, seen)

    assert getattr(found, verdict) == (alert,)
    assert found.lead == lead
    assert found.missed == (() if verdict == "true" else (outage,))


def test_an_outage_of_a_time_without_history_is_not_missed() -> None:
    outages = Outages((Span("web", 0, HOUR),), (Span("web", 2 * HOUR, 3 * HOUR),))
    seen = [Stretch(0, HOUR, MINUTE)]

    found = judged(Replayed((), 60, 240), outages, Question(0, 4 * HOUR, MINUTE), seen)

    assert (found.missed, found.lead) == ((), None)
    assert math.isclose(Replayed((), 60, 240).coverage, 0.25)
