"""What an apply left undone: opened where it was lost, settled only by what can settle it."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import starmap
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from opskit.core.errors import ConfigError, ExitCode
from opskit.core.hosts import Verdict
from opskit.core.transcript import Mode, Outcome, Task, TaskResult, Transcript
from opskit.fleet.debts import Handlers, called
from opskit.fleet.journal import reap
from opskit.fleet.model import DebtKind, Provenance
from opskit.fleet.rules import evaluate
from opskit.fleet.store import runs
from opskit.fleet.waive import settle
from tests.fleet.stories import CHANGED, FAILED, OK, A, Fleet, batch, every, lines
from tests.fleet.transcripts import Results, result, task, transcript

LOST, SKIPPED = Outcome.UNREACHABLE, Outcome.SKIPPED


def notifier(*names: str, uuid: str = "") -> Task:
    return replace(task("Configure", uuid=uuid), notify=names)


def handler(name: str, *listen: str) -> Task:
    return replace(task(name), handler=True, listen=listen)


RESTART = handler("Restart sshd")
# Handlers, the names they answer to, and what a task may notify to reach them.
HANDLERS = {
    "web : Reload": (handler("web : Reload"), {"Reload"}),
    "Restart": (handler("Restart", "all of it"), {"Restart", "all of it"}),
    "Rebuild": (handler("Rebuild", "all of it"), {"Rebuild", "all of it"}),
}
NOTIFIED = ["Reload", "web : Reload", "Restart", "Rebuild", "all of it"]
TASKS = st.tuples(
    st.sampled_from([OK, CHANGED, FAILED, Outcome.TOO_LARGE]),
    st.lists(st.sampled_from(NOTIFIED), max_size=2),
)
HANDLED = st.tuples(st.sampled_from([OK, CHANGED, FAILED, LOST]), st.sampled_from([*HANDLERS]))
EVENTS = st.lists(st.one_of(TASKS, HANDLED), max_size=12)


def told(outcome: Outcome, what: list[str] | str) -> TaskResult:
    done = HANDLERS[what][0] if isinstance(what, str) else notifier(*what)
    return result("web1", done, outcome)


def owed_at_the_end(results: Iterable[TaskResult]) -> set[str]:
    handlers = Handlers()
    for one in results:
        handlers.see(one)
    return set(handlers.owed)


def owed_after(events: Sequence[tuple[Outcome, list[str] | str]]) -> set[str]:
    """Return what is owed, told for each name from all that concerns it: the rule otherwise."""
    owed = set()
    for name in {name.rpartition(" : ")[2] for name in NOTIFIED}:
        concerned = [
            (outcome, isinstance(what, str))
            for outcome, what in events
            if (isinstance(what, str) and name in HANDLERS[what][1])
            or (
                not isinstance(what, str)
                and outcome in {CHANGED, Outcome.TOO_LARGE}
                and name in {one.rpartition(" : ")[2] for one in what}
            )
        ]
        notified = any(not handles for _, handles in concerned)
        if not notified:
            continue
        first = next(at for at, (_, handles) in enumerate(concerned) if not handles)
        outcome, handles = concerned[first:][-1]
        if not handles or outcome in {FAILED, LOST}:
            owed.add(name)
    return owed


@given(EVENTS)
def test_a_handler_is_owed_from_its_notice_until_it_ran(
    events: list[tuple[Outcome, list[str] | str]],
) -> None:
    assert owed_at_the_end(starmap(told, events)) == owed_after(events)


@pytest.mark.parametrize(
    ("results", "owed"),
    [
        ([result("h", notifier("Restart sshd"), CHANGED)], {"Restart sshd"}),
        ([result("h", notifier("Restart sshd"), OK)], set()),
        ([result("h", notifier("Restart sshd"), CHANGED, "item")], set()),
        ([result("h", notifier("base : Restart sshd"), CHANGED)], {"Restart sshd"}),
        ([result("h", notifier("a", "b"), CHANGED), result("h", handler("a"), SKIPPED)], {"b"}),
        (
            [
                result("h", notifier("all"), CHANGED),
                result("h", handler("one", "all"), OK),
                result("h", handler("two", "all"), FAILED),
            ],
            {"all"},
        ),
        (
            [
                result("h", notifier("a"), CHANGED),
                result("h", replace(handler("a"), notify=("b",)), CHANGED),
            ],
            {"b"},
        ),
        ([result("h", handler("a"), FAILED)], set()),
    ],
    ids=["lost", "unchanged", "item", "role", "two", "listeners", "chain", "never-notified"],
)
def test_what_a_host_is_owed(results: list[TaskResult], owed: set[str]) -> None:
    assert owed_at_the_end(results) == owed


def test_a_handler_answers_to_its_name_and_to_what_it_listens_to() -> None:
    assert called(handler("base : Restart", "web", "ssh")) == {"Restart", "web", "ssh"}


def test_nobody_knows_how_far_a_task_came_that_was_cut_off() -> None:
    lost, started = task("Lost"), task("Started")
    told = change({("Lost", ""): LOST, ("Item", "x"): LOST, A: OK}, in_flight=[started, lost])
    (host,) = evaluate(told, Mode.APPLY, Path("/ops"))
    assert [one.task for one in host.owes] == ["Lost", "Started"]


def change(
    results: Results, *handled: tuple[Task, Outcome], in_flight: Sequence[Task] = ()
) -> Transcript:
    """Return an apply in which A notifies `Restart sshd`, and these handlers ran."""
    made = transcript({"web1": results})
    own = [
        replace(one, task=replace(one.task, notify=("Restart sshd",)))
        if one.task.name == "A"
        else one
        for one in made.results
    ]
    own += [result("web1", done, outcome) for done, outcome in handled]
    counts = dict(made.runner.counts["web1"])
    for _, outcome in handled:
        word = "ok" if outcome is CHANGED else str(outcome)
        counts[word] = counts.get(word, 0) + 1
    return replace(
        made,
        results=tuple(own),
        in_flight=tuple(("web1", one) for one in in_flight),
        runner=replace(made.runner, counts={"web1": counts}),
    )


BEFORE, _, AFTER = batch("web1")
LOST_ITS_HANDLER = change({A: CHANGED, ("B", ""): FAILED})


@pytest.fixture
def indebted(fleet: Fleet) -> Fleet:
    """Return a fleet whose web1 is owed a handler."""
    plan = fleet.plan(BEFORE)
    applied = fleet.apply(plan, BEFORE, LOST_ITS_HANDLER, AFTER)
    assert applied.exit_code is ExitCode.FAILED
    return fleet


def test_an_apply_that_failed_owes_the_handler_it_lost(indebted: Fleet) -> None:
    (one,) = indebted.owed()
    assert (one.debt.kind, one.debt.handler, one.debt.task) == (
        DebtKind.HANDLER,
        "Restart sshd",
        "A",
    )
    assert str(one.debt) == "'Restart sshd' never ran after 'A'"
    (opened,) = indebted.said("debt.opened")
    assert opened["run"] == one.run_id


def test_looking_settles_no_handler(indebted: Fleet) -> None:
    for _ in range(2):
        run = indebted.check(every(["web1"], OK))
        assert run.hosts[0].verdict is Verdict.OWED
        assert "Restart sshd" in run.hosts[0].reason
        assert run.exit_code is ExitCode.UNDETERMINED
    ran = transcript({"web1": {A: OK}})
    own = result("web1", RESTART, OK)
    counts = {"web1": {"ok": 2}}
    ran = replace(ran, results=(*ran.results, own), runner=replace(ran.runner, counts=counts))
    indebted.check(ran)  # in a check it only pretends to run
    assert len(indebted.owed()) == 1


def test_a_drifted_host_that_is_owed_something_is_drifted(indebted: Fleet) -> None:
    assert indebted.check(every(["web1"], CHANGED)).hosts[0].verdict is Verdict.DRIFTED


def test_the_same_debt_is_owed_once(indebted: Fleet) -> None:
    indebted.apply(indebted.plan(BEFORE), BEFORE, LOST_ITS_HANDLER, AFTER)
    assert len(indebted.owed()) == 1


@pytest.mark.parametrize(
    ("handled", "left"),
    [
        ((RESTART, CHANGED), 0),
        ((handler("base : Restart sshd"), OK), 0),
        ((handler("Whatever", "Restart sshd"), OK), 0),
        ((handler("Reload"), CHANGED), 1),
        ((RESTART, FAILED), 1),
    ],
    ids=["by-name", "in-a-role", "listens", "another", "failed"],
)
def test_a_handler_s_debt_is_paid_by_that_handler(
    indebted: Fleet, handled: tuple[Task, Outcome], left: int
) -> None:
    plan = indebted.plan(BEFORE)
    last = {"web1": {A: CHANGED}}
    ran = change(last["web1"], handled)
    if handled[0].name == "Reload":  # nobody notified the one that is owed
        ran = replace(
            ran, results=tuple(replace(o, task=replace(o.task, notify=())) for o in ran.results)
        )
    indebted.apply(plan, BEFORE, ran, AFTER)
    assert len(indebted.owed()) == left
    assert [one["how"] for one in indebted.said("debt.settled")] == ["the handler ran"] * (1 - left)
    verdict = Verdict.OWED if left else Verdict.COMPLIANT
    assert indebted.check(AFTER).hosts[0].verdict is verdict


def test_somebody_may_sign_a_debt_off(indebted: Fleet) -> None:
    with pytest.raises(ConfigError, match="say how"):
        settle(indebted.place, "web1", "  ")
    with pytest.raises(ConfigError, match="nothing is owed to web2"):
        settle(indebted.place, "web2", "by hand")
    assert len(settle(indebted.place, "web1", "restarted by hand")) == 1
    (how,) = [one["how"] for one in indebted.said("debt.settled")]
    assert how == "signed off: restarted by hand"
    assert indebted.check(AFTER).hosts[0].verdict is Verdict.COMPLIANT


@pytest.mark.parametrize(
    ("look", "left"),
    [
        ({"web1": {A: OK}}, 0),
        ({"web1": {A: CHANGED}}, 0),
        ({"web1": {A: SKIPPED, ("B", ""): OK}}, 1),
        ({"web1": {A: LOST}}, 1),
        ({"web2": {A: OK}}, 1),
    ],
    ids=["as-wanted", "drifted", "skipped", "lost-again", "another-host"],
)
def test_a_task_that_was_cut_off_is_settled_by_a_look_at_what_it_left(
    fleet: Fleet, look: dict[str, Results], left: int
) -> None:
    plan = fleet.plan(BEFORE)
    cut = transcript({"web1": {A: LOST}})
    fleet.apply(plan, BEFORE, cut, {"web1": {("B", ""): OK}})
    assert [one.debt.kind for one in fleet.owed()] == [DebtKind.IN_FLIGHT]
    fleet.check(look)
    assert len(fleet.owed()) == left


def test_a_task_that_never_answered_is_owed(fleet: Fleet) -> None:
    plan = fleet.plan(BEFORE)
    told_ = change({("B", ""): OK}, in_flight=[task("A")])
    fleet.apply(plan, BEFORE, told_, {"web1": {("B", ""): OK}})
    assert [str(one.debt) for one in fleet.owed()] == ["'A' was cut off"]


def test_a_run_whose_opskit_died_owes_what_it_left_and_nothing_twice(indebted: Fleet) -> None:
    place, name = indebted.place, "apply-lost"
    made_of = Provenance("site.yml", "", "", "", (), "", "")
    owner = runs.Owner(platform.node(), 2**30, 1.0)  # no process has such a number
    with place.database.write() as connection:
        entry = place.ledger.append(connection, "run.started", name, {})
        runs.insert_run(
            connection, run_id=name, mode="apply", provenance=made_of, entry=entry, owner=owner
        )
    directory = place.state_directory / "runs" / name
    directory.mkdir(parents=True)
    left = change({A: CHANGED}, in_flight=[task("C")])
    (directory / "events.jsonl").write_text("\n".join(lines(left)) + "\n")
    assert reap(place) == (name,)
    assert [str(one.debt) for one in indebted.owed()] == [
        "'Restart sshd' never ran after 'A'",
        "'C' was cut off",
    ]
