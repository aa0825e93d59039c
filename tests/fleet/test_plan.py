"""A plan: sealed, opened, found stale, watched while it is applied, and cut into batches."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from opskit.core.clock import Instant
from opskit.core.errors import ConfigError, Refused
from opskit.core.hosts import Verdict
from opskit.core.transcript import Mode, Outcome
from opskit.fleet.model import HostResult, Provenance, Run, RunState
from opskit.fleet.plan import (
    Expected,
    Plan,
    Watch,
    batches,
    opened,
    outdated,
    plan_of,
    sealed,
    stale,
)
from opskit.fleet.rules import evaluate
from tests.fleet.stories import CHANGED, FAILED, OK, A, B, Told
from tests.fleet.transcripts import transcript

KEY, ROOT = b"k" * 32, Path("/ops")
MADE_OF = Provenance("site.yml", "c0ffee", "i1", "", (), "1", "2", "s1", "k1")
TEXT = st.text(max_size=12)
EXPECTED = st.builds(Expected, *[TEXT] * 12)
PLANS = st.builds(
    Plan,
    TEXT,
    st.integers(0, 2**60).map(Instant),
    TEXT,
    st.builds(
        Provenance, TEXT, TEXT, TEXT, TEXT, st.lists(TEXT, max_size=2).map(tuple), *[TEXT] * 4
    ),
    st.lists(EXPECTED, max_size=3).map(tuple),
    st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple),
)


def run_of(told: Told, states: dict[str, str] | None = None) -> Run:
    hosts = evaluate(transcript(told, states=states), Mode.CHECK, ROOT)
    now = Instant(7)
    return Run("check-1", "check", RunState.FINISHED, "person:a", now, now, MADE_OF, hosts)


@given(PLANS)
def test_what_is_sealed_is_opened_as_it_was(plan: Plan) -> None:
    assert opened(json.loads(json.dumps(sealed(plan, KEY))), KEY) == plan


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every single value in a document."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [place for key, inner in items for place in places(inner, (*at, key))]
    return [at]


@given(PLANS, st.data())
def test_no_value_of_a_plan_can_be_changed_unnoticed(plan: Plan, data: st.DataObject) -> None:
    document = json.loads(json.dumps(sealed(plan, KEY)))
    *way, last = data.draw(st.sampled_from(places(document)))
    holder = document
    for key in way:
        holder = holder[key]
    was = holder[last]
    holder[last] = data.draw((TEXT if isinstance(was, str) else st.integers()).filter(was.__ne__))
    with pytest.raises(Refused, match="changed since it was made"):
        opened(document, KEY)


@pytest.mark.parametrize(
    "mutate",
    [
        lambda document: document.pop("seal"),
        lambda document: document.update(more=1),
        lambda document: document["expected"].clear(),
        lambda document: document["expected"].append(document["expected"][0]),
        lambda document: document.update(seal=None),
    ],
    ids=["unsealed", "more", "fewer", "twice", "null"],
)
def test_no_part_of_a_plan_can_be_added_or_taken_away(mutate: Callable[[Any], object]) -> None:
    document = sealed(plan_of(run_of({"web1": {A: CHANGED}})), KEY)
    mutate(document)
    with pytest.raises(Refused):
        opened(document, KEY)


def test_a_plan_opens_only_where_it_was_made() -> None:
    with pytest.raises(Refused, match="made elsewhere"):
        opened(sealed(plan_of(run_of({"web1": {A: CHANGED}})), KEY), b"x" * 32)


def test_a_plan_holds_what_would_change_and_what_could_not_be_looked_at() -> None:
    told = {"web2": {A: CHANGED, B: OK}, "web1": {A: CHANGED, B: Outcome.UNSUPPORTED}}
    plan = plan_of(run_of(told))
    assert (plan.id, plan.hosts) == ("plan-1", ("web2", "web1"))
    assert plan.blind == (("/ops/site.yml".removeprefix("/ops/"), "B"),)
    assert [one.key for one in plan.of(["web1"]).values()] == [("web1", "site.yml", "A", "")]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({}, ""),
        ({"standard_hash": "s2"}, "the standard changed"),
        ({"standard": "other.yml"}, "the standard changed"),
        ({"inventory_hash": "i2"}, "the inventory changed"),
        ({"config_hash": "k2"}, "settings, variables or Ansible's version changed"),
        ({"standard_hash": "s2", "inventory_hash": "i2"}, "the standard and the inventory changed"),
        ({"policy_commit": "d00d", "limit": "web", "tags": ("t",), "opskit_version": "3"}, ""),
    ],
)
def test_what_a_plan_depends_on_is_named_when_it_moved(changed: Any, named: str) -> None:
    told = outdated(plan_of(run_of({"web1": {A: CHANGED}})), replace(MADE_OF, **changed))
    assert told.startswith(named)
    assert bool(told) is bool(named)


@pytest.mark.parametrize(
    ("seen", "states", "lines"),
    [
        ({"web1": {A: CHANGED, B: OK}}, {}, ()),
        ({"web1": {A: CHANGED, B: CHANGED}}, {}, ("web1: B: not in the plan",)),
        ({"web1": {A: OK, B: OK}}, {}, ("web1: A: gone already",)),
        ({"web1": {A: FAILED}}, {}, ()),
        ({"web1": {A: Outcome.SKIPPED, B: OK}}, {}, ()),
        ({}, {}, ()),
        (
            {"web1": {A: CHANGED, B: OK}},
            {"web1": "odd"},
            ("web1: A: another state than in the plan",),
        ),
        (
            {"web1": {A: OK, B: CHANGED}},
            {},
            ("web1: A: gone already", "web1: B: not in the plan"),
        ),
        ({"web1": {A: CHANGED, B: OK}, "web9": {A: CHANGED}}, {}, ()),
    ],
    ids=["as-planned", "new", "gone", "failed", "skipped", "away", "other", "both", "not-ours"],
)
def test_a_plan_is_stale_where_a_host_moved_on(
    seen: Told, states: dict[str, str], lines: tuple[str, ...]
) -> None:
    plan = plan_of(run_of({"web1": {A: CHANGED, B: OK}, "web2": {A: CHANGED}}))
    assert stale(plan, run_of(seen, states), ["web1"]) == lines


def see(watch: Watch, **result: Any) -> list[str]:
    """Return the surprises once a result came."""
    watch.see({"k": "result", "host": "web1", "uuid": "u", "outcome": "changed", **result})
    return watch.surprises


def watch_of(
    expected: dict[tuple[str, str], str],
    *,
    blind: bool = False,
    **task: Any,
) -> Watch:
    """Return a watch that expects for (host, item) an after-state, and knows one task."""
    wanted = {
        (host, "site.yml", "A", item): (state,) if state else ()
        for (host, item), state in (expected or {}).items()
    }
    watch = Watch(wanted, frozenset({("site.yml", "A")} if blind else ()), "/ops")
    known = {"name": "A", "path": "/ops/site.yml:3", "handler": False, "action": "copy"}
    watch.see({"k": "task", "uuid": "u", **known, **task})
    return watch


def diff(*after: str) -> list[dict[str, str]]:
    return [{"before_hash": "old", "after_hash": one} for one in after]


PLANNED = {("web1", ""): "new"}


@pytest.mark.parametrize(
    ("expected", "result", "said"),
    [
        (PLANNED, {"diff": diff("new")}, ""),
        (PLANNED, {"diff": diff("other", "new")}, ""),
        (PLANNED, {"diff": diff("other")}, "web1: A: changed to another state than planned"),
        (PLANNED, {}, "web1: A: changed to another state than planned"),
        ({("web1", ""): ""}, {"diff": diff("whatever")}, ""),
        ({}, {"diff": diff("new")}, "web1: A: changed, and was not in the plan"),
        (PLANNED, {"host": "web2"}, "web2: A: changed, and was not in the plan"),
        (PLANNED, {"outcome": "ok"}, ""),
        (PLANNED, {"outcome": "failed"}, ""),
        (PLANNED, {"uuid": "of a task nobody heard of"}, ""),
        ({("web1", "x"): "new"}, {"item": "x", "diff": diff("new")}, ""),
        (PLANNED, {"item": "y"}, "web1: A (y): changed, and was not in the plan"),
    ],
)
def test_a_change_that_was_not_foretold_is_a_surprise(
    expected: dict[tuple[str, str], str], result: Any, said: str
) -> None:
    assert see(watch_of(expected), **result) == ([said] if said else [])


@pytest.mark.parametrize(
    "task", [{"handler": True}, {"action": "ansible.builtin.add_host"}, {"action": "group_by"}]
)
def test_handlers_and_what_stays_in_memory_are_no_surprise(task: Any) -> None:
    assert see(watch_of({}, **task)) == []


def test_a_task_the_check_was_blind_for_may_change() -> None:
    assert see(watch_of({}, blind=True)) == []


def test_the_sum_of_a_loop_is_not_one_more_change() -> None:
    watch = watch_of({("web1", "x"): "new"})
    assert see(watch, item="x", diff=diff("new")) == []
    assert see(watch) == []
    assert see(watch, host="web2") == ["web2: A: changed, and was not in the plan"]


SIZES = st.one_of(st.integers(1, 40), st.integers(1, 100).map(lambda share: f"{share}%"))


@given(st.integers(0, 60), st.lists(SIZES, min_size=1, max_size=4))
def test_batches_hold_every_host_once_in_order_and_as_many_as_asked(
    count: int, sizes: list[int | str]
) -> None:
    hosts = [f"web{number}" for number in range(count)]
    made = batches(hosts, ", ".join(map(str, sizes)))
    assert [host for group in made for host in group] == hosts
    wanted = [
        size if isinstance(size, int) else -(-count * int(size[:-1]) // 100) for size in sizes
    ]
    wanted += [wanted[-1]] * len(made)
    assert all(len(group) == size for group, size in zip(made[:-1], wanted, strict=False))
    assert all(0 < len(group) <= size for group, size in zip(made, wanted, strict=False))


def test_later_batches_are_as_large_as_the_last_that_was_named() -> None:
    sizes = [len(group) for group in batches("abcdefgh", "1,3")]
    assert sizes == [1, 3, 3, 1]
    assert all(a <= b for a, b in pairwise(sizes[:-1]))


@pytest.mark.parametrize(
    "steps", ["", "0", "0%", "-1", "1,,2", "1.5", "x", "10 %", "1000000", "\u0661"]
)
def test_what_is_no_list_of_batches_is_refused(steps: str) -> None:
    with pytest.raises(ConfigError, match="no list of batches"):
        batches(["web1"], steps)


def test_a_host_that_was_only_lost_is_no_part_of_a_plan() -> None:
    run = run_of({"web1": {A: Outcome.UNREACHABLE}, "web2": {A: CHANGED}})
    assert isinstance(run.hosts[0], HostResult)
    assert run.hosts[0].verdict is Verdict.UNREACHABLE
    assert plan_of(run).hosts == ("web2",)
