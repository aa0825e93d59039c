"""From what happened to what it means: verdicts, exit codes, controls, clusters."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import pytest

from opskit.core.clock import Instant
from opskit.core.errors import ExitCode
from opskit.core.findings import Severity
from opskit.core.hosts import Verdict
from opskit.core.transcript import Mode, Outcome, Play, RunnerSummary, Transcript
from opskit.fleet.apply import Applied, Batch
from opskit.fleet.model import HostResult, Provenance, Run, RunState
from opskit.fleet.plan import plan_of
from opskit.fleet.rules import broken, clusters, evaluate
from opskit.fleet.tally import control_of
from tests.fleet.transcripts import Results, result, task, transcript

ROOT = Path("/ops")
A, B = ("A", ""), ("B", "")
# What each mix of verdicts ends with: failing to look comes before having found something.
UNDETERMINED = set(Verdict) - {Verdict.DRIFTED, Verdict.COMPLIANT}
MIXES = [set(mix) for size in range(1, 6) for mix in combinations(Verdict, size)]


def run_of(*verdicts: Verdict, problem: str = "", state: RunState = RunState.FINISHED) -> Run:
    hosts = [
        HostResult(f"web{index}", verdict, "", (), (), frozenset())
        for index, verdict in enumerate(verdicts)
    ]
    made_of = Provenance("site.yml", "", "", "", (), "", "")
    now = Instant(0)
    return Run("r", "check", state, "person:a", now, now, made_of, tuple(hosts), problem)


@pytest.mark.parametrize("mix", MIXES, ids=lambda mix: "+".join(sorted(mix)))
def test_a_mix_of_verdicts_ends_with_the_worst(mix: set[Verdict]) -> None:
    expected = ExitCode.OK
    if Verdict.DRIFTED in mix:
        expected = ExitCode.FINDINGS
    if mix & UNDETERMINED:
        expected = ExitCode.UNDETERMINED
    assert run_of(*mix).exit_code is expected
    assert run_of(*mix, *mix).counts[next(iter(mix))] == 2


@pytest.mark.parametrize(
    "run",
    [
        run_of(Verdict.COMPLIANT, problem="the two truths differ"),
        run_of(Verdict.COMPLIANT, state=RunState.BROKEN),
        run_of(Verdict.DRIFTED, state=RunState.INTERRUPTED),
    ],
)
def test_a_run_that_cannot_be_trusted_is_never_green(run: Run) -> None:
    assert run.exit_code is ExitCode.UNDETERMINED


@pytest.mark.parametrize(("changed", "seen"), list(product(Verdict, Verdict)))
def test_an_apply_ends_with_the_worse_of_change_and_second_look(
    changed: Verdict, seen: Verdict
) -> None:
    expected = seen.exit_code
    if changed is Verdict.UNREACHABLE:
        expected = ExitCode.UNDETERMINED
    if changed is Verdict.FAILED:
        expected = ExitCode.FAILED
    before, change, observed = run_of(Verdict.DRIFTED), run_of(changed), run_of(seen)
    batch = Batch(("web0",), before, change, observed, (), ())
    applied = Applied(plan_of(before), (batch,), observed, "", ())
    assert applied.exit_code is expected
    assert replace(applied, stopped="a surprise").exit_code is ExitCode.FAILED


def verdict(
    results: Results, mode: Mode = Mode.CHECK, *, interrupted: bool = False
) -> tuple[Verdict, str]:
    told = transcript({"web1": results}, interrupted=interrupted)
    (host,) = evaluate(told, mode, ROOT)
    return host.verdict, host.reason


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ({A: Outcome.OK}, Verdict.COMPLIANT),
        ({A: Outcome.CHANGED}, Verdict.DRIFTED),
        ({A: Outcome.FAILED}, Verdict.FAILED),
        ({A: Outcome.UNREACHABLE}, Verdict.UNREACHABLE),
        ({A: Outcome.SKIPPED}, Verdict.NOT_EVALUATED),
        ({A: Outcome.UNSUPPORTED}, Verdict.NOT_EVALUATED),
        ({A: Outcome.IGNORED}, Verdict.NOT_EVALUATED),
        ({A: Outcome.SKIPPED, B: Outcome.OK}, Verdict.COMPLIANT),
        ({A: Outcome.CHANGED, B: Outcome.FAILED}, Verdict.FAILED),
        ({A: Outcome.CHANGED, B: Outcome.UNREACHABLE}, Verdict.UNREACHABLE),
        ({A: Outcome.FAILED, B: Outcome.UNREACHABLE}, Verdict.FAILED),
    ],
    ids=str,
)
def test_what_a_host_did_gives_its_verdict(results: Results, expected: Verdict) -> None:
    assert verdict(results)[0] is expected


def test_a_change_is_believed_only_after_a_second_look() -> None:
    assert verdict({A: Outcome.CHANGED}, Mode.APPLY) == (
        Verdict.NOT_EVALUATED,
        "changed, and not observed again yet",
    )
    assert verdict({A: Outcome.OK}, Mode.APPLY)[0] is Verdict.COMPLIANT


def test_nothing_is_claimed_of_a_host_when_the_run_was_stopped() -> None:
    assert verdict({A: Outcome.OK}, interrupted=True) == (
        Verdict.NOT_EVALUATED,
        "the run was stopped before its end",
    )


def test_an_unreachable_host_has_the_last_tasks_not_evaluated() -> None:
    told = transcript({"web1": {A: Outcome.UNREACHABLE}, "web2": {A: Outcome.OK, B: Outcome.OK}})
    lost, fine = evaluate(told, Mode.CHECK, ROOT)
    assert [(one.task, one.reason) for one in lost.not_evaluated] == [("B", "the host was lost")]
    assert fine.verdict is Verdict.COMPLIANT


def test_a_host_without_any_sign_is_not_evaluated() -> None:
    told = transcript({"web1": {A: Outcome.OK}, "silent": {}})
    silent = evaluate(told, Mode.CHECK, ROOT)[1]
    assert silent.verdict is Verdict.NOT_EVALUATED
    assert [one.task for one in silent.not_evaluated] == ["A"]


def test_paths_are_shown_relative_to_the_repository() -> None:
    (host,) = evaluate(transcript({"web1": {A: Outcome.CHANGED}}), Mode.CHECK, ROOT)
    assert host.drift[0].path == "site.yml:65"
    assert host.drift[0].key == ("web1", "site.yml", "A", "")


@pytest.mark.parametrize(
    ("tags", "control", "severity"),
    [
        (("control:OPS-SSH-01", "severity:high"), "OPS-SSH-01", Severity.HIGH),
        (("severity:no-such", "control:A:B"), "A:B", Severity.MEDIUM),
        (("plain",), "", Severity.MEDIUM),
        ((), "", Severity.MEDIUM),
    ],
)
def test_a_control_is_in_the_tags(tags: tuple[str, ...], control: str, severity: Severity) -> None:
    named = control_of(tags)
    assert (named.id, named.severity) == (control, severity)


def test_equal_changes_on_several_hosts_are_one_cluster_and_the_worst_come_first() -> None:
    told = transcript(
        {name: {A: Outcome.CHANGED, B: Outcome.CHANGED} for name in ("web1", "web2", "web3")},
        tags={"A": ("severity:low",), "B": ("severity:high",)},
        states={"web3": "odd"},
    )
    drift = [one for host in evaluate(told, Mode.CHECK, ROOT) for one in host.drift]
    assert [(cluster.drift.task, cluster.hosts) for cluster in clusters(drift)] == [
        ("B", ("web1", "web2")),
        ("B", ("web3",)),
        ("A", ("web1", "web2")),
        ("A", ("web3",)),
    ]


def test_a_handler_is_a_consequence_and_no_deviation() -> None:
    reload = replace(task("Reload"), handler=True)
    told = transcript({"web1": {A: Outcome.OK}})
    told = replace(told, results=(*told.results, result("web1", reload, Outcome.CHANGED)))
    (host,) = evaluate(told, Mode.CHECK, ROOT)
    assert host.verdict is Verdict.COMPLIANT
    assert not host.drift


@pytest.mark.parametrize("action", ["gather_facts", "ansible.builtin.validate_argument_spec"])
def test_what_stays_in_memory_is_no_look_at_the_standard(action: str) -> None:
    setup = replace(task("Gathering Facts"), action=action)
    told = Transcript(
        plays=(Play(("web1",), ()),),
        results=(result("web1", setup, Outcome.OK),),
        stats={"web1": {"ok": 1}},
        runner=RunnerSummary(counts={"web1": {"ok": 1}}),
    )
    (host,) = evaluate(told, Mode.CHECK, ROOT)
    assert host.verdict is Verdict.NOT_EVALUATED


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (
            "[WARNING]: x\n[ERROR]: it broke\nOrigin: /ops/site.yml:3:4\n",
            "it broke Origin: /ops/site.yml:3:4",
        ),
        ("ERROR! the old way", "the old way"),
        ("just a line\nthe last line", "the last line"),
        ("", "Ansible did not start"),
    ],
)
def test_why_a_run_never_started_is_one_line(output: str, message: str) -> None:
    told = Transcript((), (), None, RunnerSummary(output=output))
    assert broken(told)[0] == message
    assert broken(told)[1]
