"""A look through mitogen is believed only where a plain one says the very same."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from opskit.core.errors import ConfigError
from opskit.core.hosts import Verdict
from opskit.core.transcript import Outcome, Strategy, Transcript
from opskit.fleet.agreement import difference, said, sample
from opskit.fleet.execute import Interrupted
from opskit.fleet.history import show
from opskit.fleet.model import HostResult, Run
from opskit.fleet.plan import plan_of
from opskit.fleet.present import as_json, provenance_line, summary_lines
from opskit.outside.ansible import door
from tests.fleet.stories import CHANGED, OK, A, Answer, B, Fleet, Told, batch, every
from tests.fleet.transcripts import result, task, transcript

PLAIN, MITOGEN = Strategy.PLAIN, Strategy.MITOGEN
HOSTS = ("db1", "web1", "web2")
GOOD = every(HOSTS, OK)


def alike(outcome: Outcome) -> Answer:
    """Answer for the hosts that are asked for."""
    return lambda job: transcript(every(job.hosts, outcome))


def check(fleet: Fleet, *told: Told | Transcript | Answer, **request: object) -> Run:
    return fleet.check(*told, strategy=MITOGEN, **request)


def test_what_agrees_is_believed_and_says_where_it_was_verified(fleet: Fleet) -> None:
    run = check(fleet, every(HOSTS, CHANGED), alike(CHANGED))
    assert fleet.script.ways == [MITOGEN, PLAIN]
    assert fleet.script.settings[1] == {"ANSIBLE_STRATEGY": "linear"}, "whatever settings say"
    ((_, asked),) = fleet.script.asked[1:]
    assert len(asked) == 1
    assert set(asked) < set(HOSTS)
    made = run.provenance
    assert (made.strategy, made.verified_on, made.doubt) == ("mitogen", asked, "")
    assert provenance_line(run).endswith(f"; mitogen, verified on {asked[0]}")
    assert as_json(run)["provenance"]["verified_on"] == [*asked]
    assert run.counts[Verdict.DRIFTED] == 3
    (told,) = fleet.said("run.finished")
    assert (told["strategy"], told["verified_on"]) == ("mitogen", [*asked])
    assert show(fleet.place, run.id)[0].provenance == made, "it is kept"


ANSWERS: dict[str, Answer] = {
    "an outcome": alike(CHANGED),
    "a task more": lambda job: transcript({host: {A: OK, B: OK} for host in job.hosts}),
    "an item": lambda job: transcript({host: {("A", "one"): OK} for host in job.hosts}),
    "not looked at": alike(Outcome.UNSUPPORTED),
    "no host": lambda _: transcript({"another": {A: OK}}),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_any_difference_makes_the_whole_run_plain(fleet: Fleet, name: str) -> None:
    run = check(fleet, GOOD, ANSWERS[name], every(HOSTS, CHANGED))
    assert fleet.script.ways == [MITOGEN, PLAIN, PLAIN]
    assert fleet.script.asked[2] == ("check", ())
    assert run.provenance.strategy == "plain"
    assert run.provenance.verified_on == ()
    assert any(name in run.provenance.doubt for name in HOSTS)
    assert any(run.provenance.doubt in line for line in summary_lines(run))
    assert "verified" not in provenance_line(run)
    assert run.counts[Verdict.DRIFTED] == 3, "what was seen plainly counts"


def test_the_same_task_changed_from_another_state_is_a_difference(fleet: Fleet) -> None:
    def moved(job: door.Job) -> Transcript:
        return transcript(every(job.hosts, CHANGED), states=dict.fromkeys(job.hosts, "elsewhere"))

    run = check(fleet, every(HOSTS, CHANGED), moved, GOOD)
    assert " and changed plainly, D-" in run.provenance.doubt
    assert run.counts[Verdict.COMPLIANT] == 3


@pytest.mark.parametrize(
    ("failing", "ways"),
    [
        ([transcript(GOOD, complete=False)], [MITOGEN, PLAIN]),
        ([transcript(GOOD, agree=False)], [MITOGEN, PLAIN]),
        ([transcript({})], [MITOGEN, PLAIN]),
        ([every(HOSTS, Outcome.UNSUPPORTED)], [MITOGEN, PLAIN]),
        ([GOOD, transcript(GOOD, complete=False)], [MITOGEN, PLAIN, PLAIN]),
        ([replace(transcript(GOOD, interrupted=True), prompt="word")], [MITOGEN, PLAIN]),
    ],
)
def test_a_look_that_fails_in_any_way_is_made_plainly(
    fleet: Fleet, failing: list[Told | Transcript], ways: list[Strategy]
) -> None:
    run = check(fleet, *failing, GOOD)
    assert fleet.script.ways == ways
    assert (run.provenance.strategy, run.problem) == ("plain", "")
    assert run.provenance.doubt
    assert run.counts[Verdict.COMPLIANT] == 3


@pytest.mark.parametrize("before", [[], [every(HOSTS, CHANGED)]])
def test_what_was_stopped_before_it_was_verified_says_nothing(
    fleet: Fleet, before: list[Told]
) -> None:
    stopped = transcript(every(HOSTS, CHANGED), interrupted=True)
    with pytest.raises(Interrupted):
        check(fleet, *before, stopped)
    assert not fleet.said("drift.found")
    (end,) = fleet.said("run.interrupted")
    assert end["hosts"] == {}


def test_few_hosts_are_looked_at_plainly_at_once(fleet: Fleet) -> None:
    run = check(fleet, every(HOSTS[:2], OK), hosts=HOSTS[:2])
    assert fleet.script.ways == [PLAIN]
    assert (run.provenance.strategy, run.provenance.doubt) == ("plain", "")


def test_a_rollout_is_plain_in_all_its_looks(fleet: Fleet) -> None:
    fleet.request = replace(fleet.request, strategy=MITOGEN)
    plan = plan_of(fleet.check(every(HOSTS, CHANGED), alike(CHANGED)))
    fleet.script.ways.clear()
    assert fleet.apply(plan, *batch(*HOSTS)).exit_code == 0
    assert fleet.script.ways == [PLAIN] * 3


def test_without_mitogen_nothing_is_begun(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ansible_mitogen", None)
    with pytest.raises(ConfigError) as raised:
        check(fleet, GOOD)
    assert raised.value.hint == "pip install 'opskit[mitogen]'"
    assert not fleet.said("run.started")


# Which hosts are looked at in both ways


def host(name: str, *tasks: str, verdict: Verdict = Verdict.COMPLIANT) -> HostResult:
    return HostResult(name, verdict, "", (), (), frozenset(("site.yml:1", one) for one in tasks))


def test_the_sample_sees_every_task_and_every_kind_of_loss() -> None:
    alike_ = [host(f"web{number}", "A") for number in range(50)]
    lost = [host(f"gone{number}", verdict=Verdict.UNREACHABLE) for number in range(5)]
    one = host("db1", "A", "only there")
    assert len(sample("run", alike_)) == 1
    assert "db1" in sample("run", [*alike_, one])
    assert len(sample("run", [*alike_, *lost])) == 2
    assert sample("run", []) == ()


def test_the_sample_is_of_the_run() -> None:
    hosts = [host(f"web{number}", "A") for number in range(50)]
    assert sample("run", hosts) == sample("run", hosts[::-1])
    assert len({sample(f"run {number}", hosts) for number in range(20)}) > 10


def test_a_task_that_runs_once_for_all_may_be_told_of_another_host() -> None:
    once = replace(task("Once"), run_once=True)
    told = [result("web1", once, OK), result("web2", task("A"), OK)]
    hosts = frozenset({"web2"})
    whole = said(hosts, [], told, Path("/ops"))
    part = said(hosts, [], [*told, result("web2", once, OK)], Path("/ops"))
    assert difference(part, whole) == ""
    moved = said(hosts, [], [*told, result("web2", once, CHANGED)], Path("/ops"))
    assert difference(part, moved).startswith("web2: Once at site.yml:")
