"""A plan applied: batch by batch, held, watched, stopped, resumed, and believed on a look only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opskit.core.clock import DAY, Instant
from opskit.core.errors import ConfigError, Conflict, ExitCode, OpskitError, Refused
from opskit.core.hosts import Verdict
from opskit.core.transcript import Outcome
from opskit.core.waivers import Grounds
from opskit.fleet.apply import Options
from opskit.fleet.execute import Interrupted
from opskit.fleet.history import last_rollout, task_fidelity
from opskit.fleet.model import Fidelity
from opskit.fleet.waive import waive
from tests.fleet.stories import CHANGED, FAILED, OK, A, B, Fleet, batch, every
from tests.fleet.transcripts import transcript

THREE = ("web1", "web2", "web3")
ONE_BY_ONE = Options(batch="1")
LOST = Outcome.UNREACHABLE


class Gate:
    """A gate that answers as told, and remembers what was known when it was asked."""

    def __init__(self, fleet: Fleet, *answers: str) -> None:
        self.fleet = fleet
        self.answers = [*answers]
        self.done: list[frozenset[str]] = []

    def closed(self) -> str:
        """Return the next answer."""
        rollout = last_rollout(self.fleet.place)
        assert rollout is not None
        self.done.append(rollout.done)
        return self.answers.pop(0)


def test_batches_come_in_order_and_each_is_looked_at_changed_and_looked_at(fleet: Fleet) -> None:
    plan = fleet.plan(every(THREE, CHANGED))
    applied = fleet.apply(
        plan, *batch("web1"), *batch("web2", "web3"), options=Options(batch="1,100%")
    )
    first, rest = ("web1",), ("web2", "web3")
    looks = [(mode, hosts) for hosts in (first, rest) for mode in ("check", "apply", "check")]
    assert fleet.script.asked == looks
    assert [one.hosts for one in applied.batches] == [first, rest]
    assert (applied.changed, applied.failed, applied.left) == (3, (), ())
    assert (applied.exit_code, fleet.held()) == (ExitCode.OK, [])


def test_a_check_made_just_now_is_not_made_twice(fleet: Fleet) -> None:
    before = fleet.check({**every(THREE, CHANGED), "db1": {A: OK}})
    plan = fleet.plan(every(THREE, CHANGED))
    told = (every(["web1"], CHANGED), every(["web1"], OK), *batch("web2"), *batch("web3"))
    applied = fleet.apply(plan, *told, options=ONE_BY_ONE, before=before)
    assert [mode for mode, _ in fleet.script.asked[:4]] == ["apply", "check", "check", "apply"]
    assert [one.host for one in applied.observed.hosts] == [*THREE, "db1"]
    assert {one.verdict for one in applied.observed.hosts} == {Verdict.COMPLIANT}
    assert (applied.observed.drift, dict(applied.observed.standing)) == ((), {})
    assert sorted(key[0] for key in applied.observed.gone) == [*THREE]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (transcript({"web1": {A: CHANGED, B: CHANGED}}), "B: changed, and was not in the plan"),
        (transcript({"web1": {A: CHANGED}, "web9": {A: CHANGED}}), "web9: A: changed, and was"),
    ],
    ids=["another-task", "another-host"],
)
def test_a_surprise_stops_what_comes_next(fleet: Fleet, change: object, said: str) -> None:
    plan = fleet.plan(every(THREE, CHANGED))
    before, _, after = batch("web1")
    applied = fleet.apply(plan, before, change, after, options=ONE_BY_ONE)  # type: ignore[arg-type]
    assert said in applied.stopped
    assert (applied.left, applied.exit_code) == (("web2", "web3"), ExitCode.FAILED)
    assert came_to(fleet)[2] == "stopped"


def test_a_surprise_in_the_last_batch_is_told_and_stops_nothing(fleet: Fleet) -> None:
    plan = fleet.plan(every(["web1"], CHANGED))
    before, _, after = batch("web1")
    applied = fleet.apply(plan, before, {"web1": {A: CHANGED, B: CHANGED}}, after)
    assert applied.batches[0].surprises == ("web1: B: changed, and was not in the plan",)
    assert (applied.stopped, applied.exit_code) == ("", ExitCode.OK)


@pytest.mark.parametrize(
    ("change", "after"),
    [(FAILED, OK), (LOST, OK), (OK, CHANGED), (CHANGED, LOST), (OK, FAILED)],
    ids=["failed", "lost", "unchanged", "not-seen", "fails-again"],
)
@pytest.mark.parametrize("allowed", [0, 1])
def test_failures_over_the_limit_stop_the_rest(
    fleet: Fleet, change: Outcome, after: Outcome, allowed: int
) -> None:
    plan = fleet.plan(every(("web1", "web2"), CHANGED))
    bad = (every(["web1"], CHANGED), every(["web1"], change), every(["web1"], after))
    options = replace(ONE_BY_ONE, max_failed=allowed)
    applied = fleet.apply(plan, *bad, *batch("web2"), options=options)
    assert applied.failed == ("web1",)
    assert applied.left == (() if allowed else ("web2",))
    assert bool(applied.stopped) is not bool(allowed)
    assert applied.exit_code is not ExitCode.OK


def test_a_host_that_nobody_saw_again_has_failed(fleet: Fleet) -> None:
    plan = fleet.plan(every(("web1", "web2"), CHANGED))
    two = every(("web1", "web2"), CHANGED)
    applied = fleet.apply(plan, two, two, every(["web1"], OK))
    assert applied.failed == ("web2",)


def test_a_gate_is_asked_between_batches_and_knows_what_is_done(fleet: Fleet) -> None:
    plan = fleet.plan(every(THREE, CHANGED))
    gate = Gate(fleet, "", "the shop is down")
    options = replace(ONE_BY_ONE, gates=(gate,))
    applied = fleet.apply(plan, *batch("web1"), *batch("web2"), options=options)
    assert (applied.stopped, applied.left) == ("the shop is down", ("web3",))
    assert gate.done == [{"web1"}, {"web1", "web2"}]


class Broken(Gate):
    """A gate that cannot be asked."""

    def closed(self) -> str:
        """Fail."""
        raise ConfigError("no closing quotation")


def test_a_gate_that_cannot_be_asked_is_shut_and_what_was_done_is_told(fleet: Fleet) -> None:
    plan = fleet.plan(every(("web1", "web2"), CHANGED))
    options = replace(ONE_BY_ONE, gates=(Broken(fleet),))
    applied = fleet.apply(plan, *batch("web1"), options=options)
    assert applied.stopped == "a gate cannot be asked: no closing quotation"
    assert (applied.changed, applied.left) == (1, ("web2",))


def test_a_plan_that_is_stale_is_refused_before_anything_is_changed(fleet: Fleet) -> None:
    plan = fleet.plan(every(["web1"], CHANGED))
    with pytest.raises(Refused, match="web1: A: gone already"):
        fleet.apply(plan, every(["web1"], OK))
    assert [mode for mode, _ in fleet.script.asked] == ["check"]
    assert fleet.held() == []


def test_a_later_batch_that_is_stale_stops_and_what_was_done_is_told(fleet: Fleet) -> None:
    plan = fleet.plan(every(("web1", "web2"), CHANGED))
    applied = fleet.apply(plan, *batch("web1"), every(["web2"], OK), options=ONE_BY_ONE)
    assert "web2: A: gone already" in applied.stopped
    assert (applied.changed, applied.left) == (1, ("web2",))
    assert applied.exit_code is ExitCode.FAILED


def test_who_is_told_not_to_be_strict_goes_on_with_the_newer_look(fleet: Fleet) -> None:
    plan = fleet.plan(every(["web1"], CHANGED))
    told = {"web1": {A: OK, B: CHANGED}}
    applied = fleet.apply(plan, told, told, {"web1": {A: OK, B: OK}}, options=Options(strict=False))
    assert applied.batches[0].stale == ("web1: A: gone already", "web1: B: not in the plan")
    assert (applied.batches[0].surprises, applied.exit_code) == ((), ExitCode.OK)


def test_a_plan_without_a_change_is_refused(fleet: Fleet) -> None:
    with pytest.raises(Refused, match="changes no host"):
        fleet.apply(fleet.plan(every(["web1"], OK)))


class Looker(Gate):
    """A gate that notes which hosts are held."""

    def closed(self) -> str:
        """Stay open."""
        self.answers += self.fleet.held()
        return ""


def test_a_batch_gives_its_hosts_back_before_the_next_one(fleet: Fleet) -> None:
    plan = fleet.plan(every(("web1", "web2"), CHANGED))
    looker = Looker(fleet)
    options = replace(ONE_BY_ONE, gates=(looker,))
    fleet.apply(plan, *batch("web1"), *batch("web2"), options=options)
    assert looker.answers == []


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ((replace(transcript({}), no_hosts=True),), Refused),
        ((every(["web1"], OK),), Refused),
        (
            (every(["web1"], CHANGED), transcript(every(["web1"], OK), interrupted=True)),
            Interrupted,
        ),
        ((every(["web1"], CHANGED),), IndexError),
    ],
    ids=["no-host", "stale", "interrupted", "a-bug"],
)
def test_hosts_are_given_back_however_it_ends(
    fleet: Fleet, told: tuple[object, ...], error: type[BaseException]
) -> None:
    plan = fleet.plan(every(["web1"], CHANGED))
    with pytest.raises(error):
        fleet.apply(plan, *told)  # type: ignore[arg-type]
    assert fleet.held() == []
    assert came_to(fleet)[2] == "stopped"


@pytest.mark.parametrize("first", [True, False], ids=["at-once", "after-a-batch"])
def test_a_host_that_somebody_holds_is_not_touched(fleet: Fleet, first: bool) -> None:
    plan = fleet.plan(every(("web1", "web2"), CHANGED))
    held = "web1" if first else "web2"
    with fleet.place.database.write() as connection:
        fleet.place.leases.take(connection, f"host {held}", "person:other", DAY)
    if first:
        with pytest.raises(Conflict, match="person:other"):
            fleet.apply(plan, options=ONE_BY_ONE)
        assert fleet.script.asked == []
    else:
        applied = fleet.apply(plan, *batch("web1"), options=ONE_BY_ONE)
        assert "person:other" in applied.stopped
        assert applied.left == ("web2",)
    assert fleet.held() == [f"host {held}"]


def came_to(fleet: Fleet) -> tuple[list[str], list[str], str]:
    """Return what is done, what failed, and how the last rollout ended."""
    rollout = last_rollout(fleet.place)
    assert rollout is not None
    return sorted(rollout.done), sorted(rollout.failed), rollout.state


def test_what_is_done_stays_known_over_several_rollouts_of_a_plan(fleet: Fleet) -> None:
    plan = fleet.plan(every(THREE, CHANGED))
    shut = replace(ONE_BY_ONE, gates=(Gate(fleet, "shut"),))
    fleet.apply(plan, *batch("web1"), options=shut)
    bad = (every(["web2"], CHANGED), every(["web2"], FAILED), every(["web2"], CHANGED))
    fleet.apply(plan, *bad, options=ONE_BY_ONE, hosts=("web2", "web3"))
    assert came_to(fleet) == (["web1"], ["web2"], "stopped")
    fleet.apply(plan, *batch("web2"), *batch("web3"), options=ONE_BY_ONE, hosts=("web2", "web3"))
    assert came_to(fleet) == ([*THREE], [], "finished")


def test_a_rollout_is_in_the_ledger_from_its_start_to_its_end(fleet: Fleet) -> None:
    plan = fleet.plan(every(("web1", "web2"), CHANGED))
    shut = replace(ONE_BY_ONE, gates=(Gate(fleet, "shut"),))
    fleet.apply(plan, *batch("web1"), options=shut)
    started, stopped = fleet.said("rollout.started", "rollout.stopped")
    assert (started["done"], started["plan"]) == ([], plan.id)
    assert (stopped["done"], stopped["reason"]) == (["web1"], "shut")


def test_what_was_foretold_is_compared_with_what_came(fleet: Fleet) -> None:
    plan = fleet.plan(every(("web1", "web2"), CHANGED))
    two = every(("web1", "web2"), CHANGED)
    fleet.apply(plan, two, {"web1": {A: CHANGED}, "web2": {A: OK}}, every(("web1", "web2"), OK))
    assert task_fidelity(fleet.place) == (Fidelity("/ops/site.yml", "A", hit=1, false_alarm=1),)


def test_the_merged_look_keeps_what_earlier_looks_found(fleet: Fleet) -> None:
    run = fleet.check(every(["web1"], CHANGED))
    end = Instant(fleet.clock.now() + 1)
    waive(fleet.place, run.drift[0].id, "web1", Grounds("why", "team:web", end))
    before = fleet.check(every(("web1", "web2"), CHANGED))
    plan = fleet.plan(every(("web1", "web2"), CHANGED))
    told = (every(["web1"], CHANGED), every(["web1"], OK), *batch("web2"))
    applied = fleet.apply(plan, *told, options=ONE_BY_ONE, before=before)
    assert [one.rule for one in applied.observed.findings] == ["waiver-expired"]
    assert applied.exit_code is ExitCode.FINDINGS


def test_errors_are_such_that_a_person_can_act_on(fleet: Fleet) -> None:
    with pytest.raises(OpskitError) as told:
        fleet.apply(fleet.plan(every(["web1"], OK)))
    assert told.value.hint


def test_a_rollout_that_is_stopped_by_hand_says_how_far_it_came(fleet: Fleet) -> None:
    plan = fleet.plan(every(THREE, CHANGED))
    cut = transcript(every(["web2"], OK), interrupted=True)
    with pytest.raises(Interrupted) as stopped:
        fleet.apply(plan, *batch("web1"), every(["web2"], CHANGED), cut, options=ONE_BY_ONE)
    assert stopped.value.message.endswith("; 1 of 3 hosts done before")
    assert "--resume" in stopped.value.hint
