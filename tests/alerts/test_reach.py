"""How far back rules look, and that what nobody looks at is forgotten."""

from __future__ import annotations

import pytest

from opskit.alerts.evaluating import Alerting, Recording, rules_of
from opskit.alerts.model import Group, milliseconds
from opskit.alerts.promql.evaluation import Settings, instant
from opskit.alerts.promql.parsing import parsed
from opskit.alerts.promql.series import NAME, STALE, Labels, Memory, Sample
from opskit.alerts.reach import FOREVER, Reach, reach_through

MINUTE = 60_000


def ruled(*rules: dict[str, str]) -> tuple[Alerting | Recording, ...]:
    return rules_of(Group.model_validate({"name": "g", "rules": rules}))


def reach(*expressions: str) -> Reach:
    rules = [{"alert": f"Rule{index}", "expr": one} for index, one in enumerate(expressions)]
    return reach_through(ruled(*rules), Settings())


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("a > 1", {"a": "5m"}),
        ("a offset 1h > b", {"a": "65m", "b": "5m"}),
        ("a offset -1h", {"a": "0"}),
        ("rate(a[2h] offset 30m)", {"a": "150m"}),
        ("max_over_time(rate(a[10m])[2h:5m] offset 1h)", {"a": "190m"}),
        ("sum by (job) (a{x='1'}) / on() group_left() topk(scalar(b), -c)",
         {"a": "5m", "b": "5m", "c": "5m"}),
        ("quantile_over_time(scalar(q), a[1h])", {"q": "5m", "a": "1h"}),
        ("absent(a) or absent_over_time(a[3h])", {"a": "3h"}),
        ("max_over_time((a @ end())[1h:])", {"a": "65m"}),
        ("vector(1)", {}),
    ],
)  # fmt: skip
def test_each_metric_is_looked_at_as_far_back_as_its_selectors_say(
    expression: str, names: dict[str, str]
) -> None:
    found = reach(expression)

    assert found.of_name == {name: milliseconds(length) for name, length in names.items()}
    assert found.names == frozenset(names)


def test_the_longest_look_of_all_rules_holds() -> None:
    found = reach("a", "rate(a[1h])", "rate(a[30m])", "b")

    assert found.of_name == {"a": 60 * MINUTE, "b": 5 * MINUTE}


@pytest.mark.parametrize("selector", ['{job="x"}', '{__name__=~"a|b"}', '{__name__!="a", j="x"}'])
def test_a_selector_without_a_name_may_meet_any_metric(selector: str) -> None:
    found = reach(f"rate({selector}[1h])", "a offset 2h")

    assert found.names is None
    assert (found("a"), found("other"), found.longest) == (
        125 * MINUTE,
        60 * MINUTE,
        125 * MINUTE,
    )


def test_a_fixed_instant_is_looked_at_for_ever() -> None:
    assert reach("a - a @ 1700000000").of_name == {"a": FOREVER}


def test_what_recording_rules_look_at_reaches_back_through_them() -> None:
    rules = ruled(
        {"record": "r", "expr": "rate(a[10m])"},
        {"record": "ring", "expr": "ring offset 1m + b"},
        {"alert": "Late", "expr": "max_over_time(r[1h]) > 1"},
    )
    through = reach_through(rules, Settings())

    assert through("a") == 70 * MINUTE
    assert through("b") >= 5 * MINUTE


def stored(name: str, *values: float, host: str = "x") -> tuple[Labels, list[float]]:
    return Labels.of({NAME: name, "host": host}), list(values)


def memory(*series: tuple[Labels, list[float]]) -> Memory:
    storage = Memory()
    for labels, values in series:
        for index, value in enumerate(values):
            storage.append(labels, index * MINUTE, value)
    return storage


def asked(storage: Memory, text: str, at: int) -> dict[Labels, float]:
    found = instant(parsed(text), storage, at)
    assert isinstance(found, list)
    return {one.labels: one.value for one in found if isinstance(one, Sample)}


def test_what_nobody_looks_at_is_forgotten_and_all_else_answers_as_before() -> None:
    ended = stored("a", 1.0, 2.0, STALE, host="gone")
    storage = memory(stored("a", *map(float, range(31))), ended, stored("b", *[1.0] * 31))
    texts = ("rate(a[10m])", "count_over_time(a[10m])", "a", "count(a)")
    before = [asked(storage, text, 30 * MINUTE) for text in texts]

    storage.forget(Reach({"a": 10 * MINUTE}), 30 * MINUTE)

    assert [asked(storage, text, 30 * MINUTE) for text in texts] == before
    assert asked(storage, "count_over_time(a[1h])", 30 * MINUTE) == {Labels.of({"host": "x"}): 11.0}
    assert asked(storage, "count_over_time(b[1h])", 30 * MINUTE) == {Labels.of({"host": "x"}): 1.0}


def test_a_series_that_ended_leaves_nothing_and_may_come_back() -> None:
    storage = memory(stored("a", 1.0, STALE, host="gone"), stored("a", 1.0, 1.0))
    assert asked(storage, 'count_over_time(a{host="gone"}[1h])', MINUTE)

    storage.forget(Reach({"a": 0}), MINUTE)

    assert not asked(storage, 'count_over_time(a{host="gone"}[1h])', MINUTE)
    assert [one.labels for one in storage.select((), 0, 0)] == [stored("a")[0]]
    storage.append(stored("a", host="gone")[0], 2 * MINUTE, 7.0)
    assert set(asked(storage, "a", 2 * MINUTE).values()) == {1.0, 7.0}
