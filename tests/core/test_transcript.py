"""A transcript: who was played, and where the two truths of a run differ."""

from __future__ import annotations

import pytest

from opskit.core.clock import Duration
from opskit.core.transcript import (
    Outcome,
    Play,
    RunnerSummary,
    Task,
    TaskResult,
    Transcript,
)

TASK = Task("u1", "Banner", "site.yml:3", "copy", (), False, False, ())


def result(host: str, outcome: Outcome, *, is_item: bool = False) -> TaskResult:
    return TaskResult(host, TASK, outcome, "", "", (), "", False, Duration(1), is_item)


def transcript(*results: TaskResult, **counts: dict[str, int]) -> Transcript:
    return Transcript((), results, {}, RunnerSummary("successful", 0, counts))


def test_hosts_come_once_in_the_order_of_the_plays() -> None:
    plays = (Play(("web2", "web1"), (TASK,)), Play(("db1", "web1"), (TASK,)))
    assert Transcript(plays, (), {}, RunnerSummary()).hosts == ("web2", "web1", "db1")


def test_hosts_that_no_play_reached_are_not_forgotten() -> None:
    play = Play(("web1",), (TASK,))
    seen = Transcript((play,), (), None, RunnerSummary(), expected=("db1", "web1"))
    assert seen.hosts == ("db1", "web1")


def test_a_task_is_known_again_although_ansible_numbers_it_anew() -> None:
    again = Task("u2", "Banner", "site.yml:3", "copy", (), False, False, ())
    assert again != TASK
    assert again.key == TASK.key


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (Outcome.OK, "ok"),
        (Outcome.CHANGED, "ok"),
        (Outcome.FAILED, "failed"),
        (Outcome.IGNORED, "failed"),
        (Outcome.UNREACHABLE, "unreachable"),
        (Outcome.SKIPPED, "skipped"),
        (Outcome.UNSUPPORTED, "skipped"),
    ],
)
def test_the_truths_agree_on_each_outcome(outcome: Outcome, word: str) -> None:
    assert not transcript(result("web1", outcome), web1={word: 1}).disagreement


def test_items_of_a_loop_are_not_counted_as_tasks() -> None:
    seen = transcript(
        result("web1", Outcome.CHANGED, is_item=True),
        result("web1", Outcome.CHANGED),
        web1={"ok": 1},
    )
    assert not seen.disagreement


@pytest.mark.parametrize(
    "seen",
    [
        transcript(result("web1", Outcome.OK), web1={"ok": 2}),
        transcript(result("web1", Outcome.OK), web1={"failed": 1}),
        transcript(result("web1", Outcome.OK)),
        transcript(web1={"ok": 1}),
    ],
)
def test_a_result_that_only_one_of_them_saw_is_named_with_its_host(seen: Transcript) -> None:
    assert seen.disagreement.startswith("web1: ")
