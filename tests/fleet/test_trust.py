"""How far a check can be trusted, where its time went, and what makes it fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from opskit.core.clock import Duration, Instant
from opskit.core.errors import ConfigError, ExitCode
from opskit.core.findings import Finding, Severity
from opskit.core.hosts import Verdict
from opskit.core.transcript import Mode, Outcome
from opskit.fleet.fidelity import blind_tasks, cheapest_fix, compare
from opskit.fleet.history import task_fidelity
from opskit.fleet.model import Fidelity, Provenance, Run, RunState, Standing
from opskit.fleet.rules import evaluate
from opskit.fleet.thresholds import DEFAULT, Thresholds
from opskit.fleet.timing import slowest_hosts, slowest_tasks
from tests.fleet.stories import CHANGED, FAILED, OK, A, B, Fleet, Told, batch, every
from tests.fleet.transcripts import transcript

ROOT, NOW = Path("/ops"), Instant(0)
SKIPPED, UNSUPPORTED, LOST = Outcome.SKIPPED, Outcome.UNSUPPORTED, Outcome.UNREACHABLE
X, Y = ("Loop", "x"), ("Loop", "y")


def run_of(told: Told, mode: Mode = Mode.CHECK) -> Run:
    hosts = evaluate(transcript(told), mode, ROOT)
    made_of = Provenance("site.yml", "", "", "", (), "", "")
    return Run("r-1", mode, RunState.FINISHED, "person:a", NOW, NOW, made_of, hosts)


@pytest.mark.parametrize(
    ("before", "change", "after", "counted"),
    [
        (CHANGED, CHANGED, OK, {"hit": 1}),
        (CHANGED, OK, OK, {"false_alarm": 1}),
        (UNSUPPORTED, CHANGED, OK, {"blind": 1}),
        (SKIPPED, CHANGED, UNSUPPORTED, {"blind": 1}),
        (FAILED, CHANGED, OK, {"blind": 1}),
        (OK, CHANGED, OK, {"liar": 1}),
        (CHANGED, CHANGED, CHANGED, {"hit": 1, "unsettled": 1}),
        (OK, CHANGED, CHANGED, {"liar": 1, "unsettled": 1}),
        (UNSUPPORTED, CHANGED, CHANGED, {"blind": 1, "unsettled": 1}),
        (OK, OK, OK, {}),
        (OK, OK, CHANGED, {}),
        (CHANGED, FAILED, CHANGED, {}),
        (CHANGED, SKIPPED, CHANGED, {}),
        (CHANGED, LOST, LOST, {}),
    ],
)
def test_what_was_foretold_meets_what_came(
    before: Outcome, change: Outcome, after: Outcome, counted: dict[str, int]
) -> None:
    runs = [{"web1": {A: one}} for one in (before, change, after)]
    told = compare(run_of(runs[0]), run_of(runs[1], Mode.APPLY), run_of(runs[2]))
    assert told == ((Fidelity("site.yml", "A", **counted),) if counted else ())


def test_fidelity_counts_hosts_and_items() -> None:
    before = {"web1": {X: CHANGED, Y: OK}, "web2": {X: CHANGED, Y: CHANGED}}
    change = {"web1": {X: CHANGED, Y: CHANGED}, "web2": {X: CHANGED, Y: OK}, "web3": {X: CHANGED}}
    after = {host: {X: OK, Y: OK} for host in ("web1", "web2")}
    assert compare(run_of(before), run_of(change, Mode.APPLY), run_of(after)) == (
        Fidelity("site.yml", "Loop", hit=2, false_alarm=1, liar=1),
    )


def test_fidelity_adds_up_over_applies(fleet: Fleet) -> None:
    for after in (OK, CHANGED):
        plan = fleet.plan(every(["web1"], CHANGED))
        before, change, _ = batch("web1")
        fleet.apply(plan, before, change, every(["web1"], after))
    assert task_fidelity(fleet.place) == (Fidelity("/ops/site.yml", "A", hit=2, unsettled=1),)


@pytest.mark.parametrize(
    ("action", "word"),
    [
        ("command", "creates:"),
        ("ansible.builtin.shell", "changed_when"),
        ("get_url", "checksum:"),
        ("raw", "check mode"),
        ("copy", ""),
    ],
)
def test_the_cheapest_fix_of_a_blind_task(action: str, word: str) -> None:
    assert word in cheapest_fix(action)
    assert bool(cheapest_fix(action)) is bool(word)


def test_blind_tasks_are_named_once_with_their_hosts() -> None:
    run = run_of({"web1": {A: UNSUPPORTED, B: UNSUPPORTED}, "web2": {A: UNSUPPORTED}})
    hosts = tuple(
        replace(
            host,
            not_evaluated=tuple(
                replace(one, action="shell" if one.task == "A" else "debug")
                for one in host.not_evaluated
            ),
        )
        for host in run.hosts
    )
    found = blind_tasks(replace(run, hosts=hosts))
    assert [(one.task, count) for one, count in found] == [("A", 2)]


def test_the_slowest_come_first_and_items_are_not_counted_twice() -> None:
    told = transcript({"web1": {A: OK, B: OK, X: OK}, "web2": {A: OK}, "web3": {A: OK}})
    took = {("web1", "A"): 9, ("web2", "A"): 1, ("web3", "A"): 2, ("web1", "B"): 12}
    told = replace(
        told,
        results=tuple(
            replace(one, took=Duration(took.get((one.host, one.task.name), 99)))
            for one in told.results
        ),
    )
    tasks = slowest_tasks(told, 9)
    assert [(one.name, one.times, one.middle, one.longest, one.total) for one in tasks] == [
        ("A", 3, 2, 9, 12),
        ("B", 1, 12, 12, 12),
    ]
    assert [one.name for one in slowest_hosts(told, 2)] == ["web1", "web3"]
    assert slowest_tasks(transcript({}), 3) == ()


OVER = Finding("waiver-expired", Severity.MEDIUM, "W-1", "ended")
NOTHING, FOUND, LACKING = ExitCode.OK, ExitCode.FINDINGS, ExitCode.UNDETERMINED
FINE, DRIFT = {"web1": {A: OK, B: OK}}, {"web1": {A: CHANGED, B: OK}}
BLIND = {"web1": {A: OK}, "web2": {A: LOST}}
BOTH = {"web1": {A: CHANGED}, "web2": {A: LOST}}
FAILED_LATER = {"web1": {A: CHANGED, B: FAILED}}


@pytest.mark.parametrize(
    ("fail_on", "told", "code"),
    [
        (DEFAULT, FINE, NOTHING),
        (DEFAULT, DRIFT, FOUND),
        (DEFAULT, BLIND, LACKING),
        (DEFAULT, BOTH, LACKING),
        ("drift", BOTH, FOUND),
        ("drift", BLIND, NOTHING),
        ("drift", FAILED_LATER, FOUND),
        ("incomplete", DRIFT, NOTHING),
        ("incomplete", FAILED_LATER, LACKING),
        ("expired-waiver", DRIFT, NOTHING),
        ("score<50", DRIFT, NOTHING),
        ("score<50.001", DRIFT, FOUND),
        ("score<100", FINE, NOTHING),
        (" drift , score<10 ", DRIFT, FOUND),
        ("", DRIFT, NOTHING),
        ("", BLIND, NOTHING),
        *((words, {"web1": {A: LOST}}, LACKING) for words in ("", "drift", "score<1", DEFAULT)),
        *((words, {}, LACKING) for words in ("", "drift", "score<1", DEFAULT)),
        *((words, {"web1": {A: SKIPPED}}, LACKING) for words in ("", "drift", "score<1")),
    ],
)
def test_a_check_fails_on_what_was_named_and_never_passes_unseen(
    fail_on: str, told: Told, code: ExitCode
) -> None:
    assert Thresholds.parse(fail_on).exit_code(run_of(told)) is code


@pytest.mark.parametrize(("fail_on", "code"), [("expired-waiver", FOUND), ("drift", NOTHING)])
def test_a_waiver_that_is_over_fails_where_it_is_named(fail_on: str, code: ExitCode) -> None:
    run = replace(run_of(FINE), findings=(OVER,))
    assert Thresholds.parse(fail_on).exit_code(run) is code


@pytest.mark.parametrize("fail_on", ["drift", "score<100"])
def test_what_is_waived_fails_nothing(fail_on: str) -> None:
    run = run_of(DRIFT)
    standing = {drift.key: Standing(None, NOW, waiver="W-1") for drift in run.drift}
    assert Thresholds.parse(fail_on).exit_code(replace(run, standing=standing)) is NOTHING


@pytest.mark.parametrize(("fail_on", "code"), [("incomplete", LACKING), ("drift", NOTHING)])
@pytest.mark.parametrize("verdict", [Verdict.OWED, Verdict.NOT_EVALUATED, Verdict.UNREACHABLE])
def test_what_is_owed_or_unseen_is_incomplete(
    verdict: Verdict, fail_on: str, code: ExitCode
) -> None:
    run = run_of(FINE)
    run = replace(run, hosts=(replace(run.hosts[0], verdict=verdict),))
    assert Thresholds.parse(fail_on).exit_code(run) is code


@pytest.mark.parametrize(
    "fail_on", ["drfit", "score", "score<", "score<-1", "score<1e3", "score>5", "drift;incomplete"]
)
def test_an_unknown_word_is_refused(fail_on: str) -> None:
    with pytest.raises(ConfigError, match="does not know"):
        Thresholds.parse(fail_on)
