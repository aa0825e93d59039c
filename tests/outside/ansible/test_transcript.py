"""Reading what the callback wrote, and comparing it with what ansible-runner saw."""

from __future__ import annotations

import json
from typing import Any

import pytest

from opskit.core.transcript import Outcome, RunnerSummary, Transcript
from opskit.outside.ansible.transcript import record, replay

TASK: dict[str, Any] = {
    "uuid": "u1", "name": "Looks", "path": "/ops/site.yml:3", "action": "debug", "tags": ["a"],
    "handler": False, "run_once": False, "notify": [],
}  # fmt: skip
RESULT: dict[str, Any] = {
    "k": "result", "host": "web1", "uuid": "u1", "outcome": "ok", "took": 5, "reason": "",
    "diff": [], "delegated": "", "hidden": False,
}  # fmt: skip


def transcript(
    *records: dict[str, Any], counts: dict[str, dict[str, int]] | None = None
) -> Transcript:
    lines = [json.dumps(record) for record in records]
    return record(lines, RunnerSummary(counts=counts or {}))


def ran(*results: dict[str, Any], counts: dict[str, dict[str, int]] | None = None) -> Transcript:
    play = {"k": "play", "name": "p", "hosts": ["web1"], "tasks": [TASK]}
    return transcript(play, {"k": "task", **TASK}, *results, counts=counts)


def test_a_line_that_was_cut_off_is_left_out() -> None:
    lines = [json.dumps({"k": "task", **TASK}), json.dumps(RESULT), json.dumps(RESULT)[:40]]
    found = record(lines, RunnerSummary())
    assert len(list(found.results)) == 1
    assert found.stats is None


def test_lines_of_a_kind_that_is_not_known_are_passed_over() -> None:
    assert list(transcript({"k": "of another version"}, {}).results) == []


def test_a_result_whose_task_was_lost_is_left_out() -> None:
    assert list(transcript(RESULT).results) == []


def test_the_name_that_was_planned_stays_when_a_later_batch_fills_it_in() -> None:
    first = {"k": "play", "name": "p", "hosts": ["a", "b"], "tasks": [{**TASK, "name": "{{ x }}"}]}
    second = {"k": "play", "name": "p", "hosts": ["a", "b"], "tasks": [{**TASK, "name": "filled"}]}
    plays = transcript(first, second).plays
    assert {task.name for play in plays for task in play.tasks} == {"{{ x }}"}


def test_hosts_are_those_expected_and_those_a_play_began_with() -> None:
    expected = {"k": "expected", "hosts": ["web2", "web1"]}
    play = {"k": "play", "name": "p", "hosts": ["web1", "late"], "tasks": []}
    assert transcript(expected, play).hosts == ("web2", "web1", "late")


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
def test_the_truths_agree_on(outcome: Outcome, word: str) -> None:
    result = {**RESULT, "outcome": str(outcome)}
    assert not ran(result, counts={"web1": {word: 1}}).disagreement
    assert ran(result, counts={"web1": {word: 2}}).disagreement


def test_items_of_a_loop_are_not_counted_twice() -> None:
    item = {**RESULT, "item": "a"}
    assert not ran(item, item, RESULT, counts={"web1": {"ok": 1}}).disagreement


@pytest.mark.parametrize("counts", [{}, {"web1": {"ok": 1}, "web2": {"ok": 1}}])
def test_a_host_that_only_one_of_them_saw_is_named(counts: dict[str, dict[str, int]]) -> None:
    missing = "web2" if counts else "web1"
    assert ran(RESULT, counts=counts).disagreement.startswith(f"{missing}: ")


def test_a_recorded_run_can_be_replayed() -> None:
    play = {"k": "play", "name": "p", "hosts": ["web1"], "tasks": [TASK]}
    lines = [json.dumps(each) for each in (play, {"k": "task", **TASK}, RESULT)]
    runner = RunnerSummary("canceled", 254, {"web1": {"ok": 1}}, "the end\u2028")
    recorded = record(lines, runner, interrupted=True)
    assert recorded.interrupted
    assert recorded.runner == runner
    assert replay(recorded.records) == recorded


def test_a_task_that_gave_no_result_is_in_flight() -> None:
    start = {"k": "start", "host": "web1", "uuid": "u1"}
    assert [(host, task.uuid) for host, task in ran(start).in_flight] == [("web1", "u1")]
    assert not ran(start, RESULT).in_flight
    assert ran(start, {**RESULT, "item": "one of several"}).in_flight
