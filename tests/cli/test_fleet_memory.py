"""What the fleet remembers, asked for on the command line."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from opskit.core.errors import ExitCode
from opskit.core.transcript import Outcome
from tests.cli.inside import Inside
from tests.cli.terminal import STYLE
from tests.conftest import Finished
from tests.fleet.stories import CHANGED, FAILED, OK, Script, Told
from tests.fleet.transcripts import transcript

NAME = "A task whose name is about as long as the name of a task gets before somebody shortens it"
HOST = "web-with-a-long-name-01.rack-17.data-center-2.example.com"
TASK, OTHER = (NAME, ""), ("Other", "")
DRIFT: Told = {HOST: {TASK: CHANGED, OTHER: OK}, "web2": {TASK: CHANGED, OTHER: OK}}
FINE: Told = {HOST: {TASK: OK, OTHER: OK}, "web2": {TASK: OK, OTHER: OK}}
TABLES = [
    ("fleet", "runs"),
    ("fleet", "history", HOST),
    ("fleet", "drift", "--last", "2h"),
    ("fleet", "fidelity"),
    ("fleet", "waivers"),
    ("fleet", "owed"),
]
GROUNDS = ("--reason", "the vendor wants it so", "--owner", "team:of-the-web", "--until", "30d")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Return what takes Ansible's place."""
    return Script(monkeypatch)


def deviation(inside: Inside, script: Script, told: Told = DRIFT) -> str:
    """Check, and return the id of what was found first."""
    script.tell(told)
    data = json.loads(inside("fleet", "check", "--json").out)
    return str(data["hosts"][0]["drift"][0]["id"])


@pytest.fixture
def lived(ops: Path, inside: Inside, script: Script) -> Path:
    """Return an ops repository whose fleet has drifted, was put right, lost a task, and waives."""
    script.tell(DRIFT, transcript({HOST: {TASK: Outcome.UNREACHABLE}, "web2": {TASK: CHANGED}}))
    script.tell({HOST: {OTHER: OK}, "web2": {TASK: OK, OTHER: OK}})
    assert inside("fleet", "apply", "--yes").code == ExitCode.UNDETERMINED
    found = deviation(inside, script, {"web2": {TASK: CHANGED}})
    assert inside("fleet", "waive", found, *GROUNDS).code == ExitCode.OK
    return ops


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("runs",), "no run yet"),
        (("drift",), "no deviation was found"),
        (("fidelity",), "nothing to compare yet"),
        (("waivers",), "nothing is waived"),
        (("owed",), "nothing is owed"),
        (("prune", "--older-than", "1d"), "those of 0 runs"),
    ],
)
def test_where_nothing_is_known_the_answer_says_so(
    inside: Inside, arguments: Sequence[str], says: str
) -> None:
    done = inside("fleet", *arguments)
    assert done.code == ExitCode.OK
    assert says in done.err


D, USAGE, REFUSED = "D-0000000000", ExitCode.USAGE, ExitCode.REFUSED


@pytest.mark.parametrize(
    ("arguments", "code", "says", "next_"),
    [
        (("show", "check-19"), USAGE, "there is no run check-19", "opskit fleet runs"),
        (("history", "nobody"), USAGE, "no run ever spoke of nobody", "opskit fleet runs"),
        (("waive", D, *GROUNDS), USAGE, f"known to have {D}", "opskit fleet check"),
        (("waive", D), USAGE, "a waiver needs an end", "--until"),
        (("waive", D, "--until", "soon"), USAGE, "--until: ", "--until 30d"),
        (("waive", D, "--until", "2020-01-01"), USAGE, D, "opskit fleet check"),
        (("waive",), USAGE, "give one", "fleet waive --help"),
        (("waive", D, "--end", "W-1"), USAGE, "give one", "fleet waive --help"),
        (("waive", "--end", "W-9"), USAGE, "there is no waiver W-9", "opskit fleet waivers"),
        (("waive", "--end", "nine"), USAGE, "'nine' is no waiver", "opskit fleet waivers"),
        (("waive", "--renew", "9", *GROUNDS), USAGE, "no waiver W-9", "opskit fleet waivers"),
        (("adopt", D), USAGE, f"known to have {D}", "opskit fleet check"),
        (("settle", "web1", "--reason", "x"), USAGE, "nothing is owed", "opskit fleet owed"),
        (("settle", "web1", "--reason", " "), USAGE, "say how", "--reason"),
        (("prune", "--older-than", "old"), USAGE, "old", "24h"),
        (("drift", "--within", "soon"), USAGE, "soon", "24h"),
        (("apply", "no.plan"), USAGE, "cannot read no.plan", "fleet plan --out"),
        (("apply", "opskit.yaml"), USAGE, "is no plan", "fleet plan --out"),
        (("apply", "--resume"), USAGE, "--resume needs the plan", "PLAN --resume"),
        (("apply", "--retry-failed"), REFUSED, "no host failed last time", "fleet apply"),
    ],
)
def test_what_never_was_is_one_line_with_the_next_step(
    inside: Inside, arguments: Sequence[str], code: ExitCode, says: str, next_: str
) -> None:
    done = inside("fleet", *arguments)
    assert (done.code, done.out) == (code, "")
    error, hint = done.err.strip().splitlines()
    assert says in error
    assert next_ in hint


KEYS = {
    "runs": {"runs": {"run", "mode", "state", "actor", "started_at", "finished_at", "problem",
                      "counts", "provenance", "ledger"}},
    "drift": {"drift": {"host", "path", "task", "item", "control", "severity", "moved",
                        "last_good_at", "detected_at", "fixed_at", "ledger"}},
    "fidelity": {"tasks": {"task", "path", "hit", "false_alarm", "blind", "liar", "unsettled"}},
    "waivers": {"waivers": {"waiver", "hosts", "what", "deviation", "owner", "reason", "granted_by",
                            "granted_at", "expires_at", "renewals", "ledger"}},
    "owed": {"owed": {"host", "kind", "task", "handler", "run", "since"}},
}  # fmt: skip


@pytest.mark.parametrize("verb", KEYS)
def test_what_machines_read_is_stable(lived: Path, inside: Inside, verb: str) -> None:
    data = json.loads(inside("fleet", verb, "--json").out)
    assert data["format_version"] == 1
    for name, keys in KEYS[verb].items():
        assert data[name]
        assert all(set(row) == keys for row in data[name])


def widest(text: str) -> int:
    return max(len(STYLE.sub("", line)) for line in text.splitlines())


def said(inside: Inside, arguments: Sequence[str]) -> Iterator[str]:
    """Yield each text that a command gives to machines and owes to people."""
    data = json.loads(inside(*arguments, "--json").out)
    for row in data.get("runs", ()):
        yield from (row["run"], row.get("state", ""), row.get("verdict", ""))
    for name in ("drift", "tasks", "waivers", "owed"):
        for row in data.get(name, ()):
            yield from (row.get("what", ""), row.get("task", ""))
            yield "" if "history" in arguments else row.get("host", "")
            yield from (row.get("moved", ""), row.get("owner", ""), row.get("reason", ""))


@pytest.mark.parametrize("arguments", TABLES, ids=" ".join)
def test_tables_fit_the_terminal_and_say_everything(
    lived: Path, inside: Inside, monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str]
) -> None:
    for width in (80, 140):
        monkeypatch.setenv("COLUMNS", str(width))
        out = inside(*arguments).out
        assert widest(out.partition("\n\n")[0]) <= width
        wanted = Counter("".join("".join(said(inside, arguments)).split()))
        assert wanted
        # Letter by letter, since a cell may be folded and stand beside others.
        assert wanted - Counter("".join(out.split())) == Counter()


def test_what_is_owed_or_over_is_told_by_the_exit_code(lived: Path, inside: Inside) -> None:
    assert inside("fleet", "owed").code == ExitCode.UNDETERMINED
    done = inside("fleet", "settle", HOST, "--reason", "seen to by hand")
    assert (done.code, "signed off" in done.err) == (ExitCode.OK, True)
    assert inside("fleet", "owed").code == ExitCode.OK


def test_a_waiver_is_granted_renewed_and_ended(lived: Path, inside: Inside) -> None:
    renewed = inside("fleet", "waive", "--renew", "W-1", *GROUNDS)
    assert re.search(r"W-1: .* on \* is accepted until ", renewed.err)
    assert json.loads(inside("fleet", "waivers", "--json").out)["waivers"][0]["renewals"] == 1
    assert inside("fleet", "waive", "--end", "1", "--reason", "fixed").code == ExitCode.OK
    assert inside("fleet", "waive", "--end", "W-1").code == ExitCode.REFUSED


def test_an_apply_does_not_undo_what_is_waived_unasked(
    lived: Path, inside: Inside, script: Script
) -> None:
    told = {"web2": {TASK: CHANGED}}
    script.tell(told)
    done = inside("fleet", "apply", "--yes")
    assert done.code == ExitCode.REFUSED
    assert "W-1 accepts" in done.err
    script.tell(told, told, {"web2": {TASK: OK}})
    assert inside("fleet", "apply", "--yes", "--with-waived").code == ExitCode.OK


def test_a_past_run_is_shown_from_its_records_until_they_are_pruned(
    lived: Path, inside: Inside
) -> None:
    shown = inside("fleet", "show", "check", "--times")
    assert shown.code == ExitCode.FINDINGS  # what it found was waived only later
    assert "slowest tasks" in shown.out
    data = json.loads(inside("fleet", "show", "check", "--json").out)
    assert data["times"]["hosts"][0]["name"] == "web2"
    assert inside("fleet", "prune", "--older-than", "0s").code == ExitCode.OK
    gone = inside("fleet", "show", "check")
    assert (gone.code, "not kept any more" in gone.err) == (ExitCode.REFUSED, True)
    assert inside("fleet", "history", HOST).code == ExitCode.OK


def test_a_deviation_is_adopted_as_a_patch_that_applies(
    ops: Path, inside: Inside, script: Script
) -> None:
    found = deviation(inside, script)
    none = inside("fleet", "adopt", found)
    assert (none.code, none.out) == (ExitCode.UNDETERMINED, "")
    assert "as found" in none.err
    file = ops / "playbooks" / "motd.j2"
    file.write_text("first\n  wanted\nlast\n")
    made = inside("fleet", "adopt", found)
    assert made.code == ExitCode.OK
    subprocess.run(["git", "apply", "-"], cwd=ops, input=made.out, text=True, check=True)
    assert file.read_text() == "first\n  as found\nlast\n"
    data = json.loads(inside("fleet", "adopt", found, "-o", "json").out)
    assert (data["deviation"], data["patch"]) == (found, "")


def saved(inside: Inside, script: Script, told: Told = DRIFT) -> Finished:
    script.tell(told)
    return inside("fleet", "plan", "--out", "change.plan")


def test_a_plan_is_saved_for_its_maker_only_and_says_the_next_step(
    ops: Path, inside: Inside, script: Script
) -> None:
    done = saved(inside, script)
    assert done.code == ExitCode.FINDINGS
    assert "2 changes on 2 hosts" in done.err
    assert "next: opskit fleet apply change.plan" in done.err
    assert (ops / "change.plan").stat().st_mode & 0o777 == 0o600


def test_the_next_step_is_of_the_same_hosts_and_shows_no_value(
    inside: Inside, script: Script
) -> None:
    script.tell(DRIFT)
    done = inside("fleet", "check", "-l", "web*", "-t", "ssh", "--var", "token=s3cret")
    assert "next: opskit fleet apply -l 'web*' -t ssh --var token=... " in done.err
    assert "s3cret" not in done.err


def test_a_plan_that_cannot_be_written_is_one_line(inside: Inside, script: Script) -> None:
    done = inside("fleet", "plan", "--out", "nowhere/change.plan")
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert "there is no directory nowhere" in done.err.splitlines()[0]
    assert script.asked == []  # known before a host was asked


def halves(host: str, outcome: Outcome = CHANGED, after: Outcome = OK) -> tuple[Told, Told, Told]:
    """Return the look before, the change and the look after of a batch of one host."""
    first, then, last = ({host: {TASK: one, OTHER: OK}} for one in (CHANGED, outcome, after))
    return first, then, last


def test_a_plan_is_applied_stopped_and_resumed(inside: Inside, script: Script) -> None:
    saved(inside, script)
    apply = ("fleet", "apply", "change.plan", "--yes", "--batch", "1")
    script.tell(*halves(HOST))
    shut = inside(*apply, "--gate", "false", "--json")
    assert shut.code == ExitCode.FAILED
    told = json.loads(shut.out)["apply"]
    assert ("the gate is shut" in told["stopped"], told["not_started"]) == (True, ["web2"])
    script.tell(*halves("web2", FAILED, CHANGED))
    assert inside(*apply, "--resume").code == ExitCode.FAILED
    script.tell(*halves("web2"))
    assert inside(*apply, "--retry-failed").code == ExitCode.OK
    done = inside(*apply, "--resume")
    assert (done.code, "is left to do" in done.err) == (ExitCode.REFUSED, True)
    assert script.told == []


def test_a_plan_that_was_touched_is_refused(ops: Path, inside: Inside, script: Script) -> None:
    saved(inside, script)
    file = ops / "change.plan"
    file.write_text(file.read_text().replace("web2", "web3"))
    done = inside("fleet", "apply", "change.plan", "--yes")
    assert (done.code, "was changed since it was made" in done.err) == (ExitCode.REFUSED, True)
    assert script.asked == [("check", ())]


@pytest.mark.parametrize("part", ["playbooks/standard.yml", "inventory/hosts.ini", "ansible.cfg"])
def test_a_plan_whose_ground_moved_is_refused(
    ops: Path, inside: Inside, script: Script, part: str
) -> None:
    saved(inside, script)
    with (ops / part).open("a") as file:
        file.write("\n# later\n")
    done = inside("fleet", "apply", "change.plan", "--yes")
    assert (done.code, "the plan is stale" in done.err) == (ExitCode.REFUSED, True)


def test_a_plan_of_nothing_is_refused_before_anybody_is_asked(
    inside: Inside, script: Script
) -> None:
    assert saved(inside, script, FINE).code == ExitCode.OK
    done = inside("fleet", "apply", "change.plan")
    assert (done.code, "changes no host" in done.err) == (ExitCode.REFUSED, True)


def test_nothing_is_changed_without_a_yes(inside: Inside, script: Script) -> None:
    saved(inside, script)
    done = inside("fleet", "apply", "change.plan")
    assert (done.code, "give --yes" in done.err) == (ExitCode.REFUSED, True)
    assert script.asked == [("check", ())]


def test_what_made_a_check_fail_may_be_chosen(inside: Inside, script: Script) -> None:
    for fail_on, code in (("drift", ExitCode.FINDINGS), ("score<40", ExitCode.OK)):
        script.tell(DRIFT)
        assert inside("fleet", "check", "--fail-on", fail_on).code == code
    assert inside("fleet", "check", "--fail-on", "drfit").code == ExitCode.USAGE
