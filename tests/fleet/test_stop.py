"""However a run ends, nothing of it goes on behind, and the ledger says how it ended."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from opskit.core.clock import SECOND, SystemClock
from opskit.outside.ansible import door
from opskit.records.leases import Leases
from tests.fleet.repository import DEADLINE, LOCAL, Repository, interrupt, until

SLEEPS = """---
- hosts: all
  gather_facts: false
  tasks:
    - {name: Looks, ansible.builtin.debug: {msg: looked}, changed_when: true}
    - {name: Sleeps, ansible.builtin.command: sleep 300, check_mode: false, changed_when: false}
    - name: Comes after
      ansible.builtin.file: {path: "{{ scratch }}/after", state: touch, mode: "0600"}
      check_mode: false
"""
SHORT = SLEEPS[: SLEEPS.index("    - name: Comes after")].replace("sleep 300", "/bin/true")
# In an apply it goes on only when the test lets it; a check skips the wait.
GATED = """---
- hosts: all
  gather_facts: false
  tasks:
    - {name: Waits, ansible.builtin.wait_for: {path: "{{ scratch }}/gate", timeout: 120, sleep: 1}}
    - {name: Changes, ansible.builtin.copy: {dest: "{{ scratch }}/file", content: x, mode: "0600"}}
"""


@pytest.fixture
def place(lay_out: Callable[..., Repository]) -> Repository:
    return lay_out(f"web1 {LOCAL}\n", SLEEPS)


def changing(place: Repository, *, but: Sequence[Path] = ()) -> bool:
    """Tell whether an apply is past its first look; what is left of the runs BUT is none."""
    return any(run.name.startswith("apply") and run not in but for run in place.runs)


def ends_clean(place: Repository) -> None:
    assert not place.processes()
    assert not place.runs
    assert not (place.scratch / "after").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything(place: Repository, number: signal.Signals) -> None:
    with place.started("fleet", "check") as opskit:
        until(place.sleeping, "the task is at work")
        code, err = interrupt(opskit, number)
        assert code == 130
        assert "recorded as interrupted" in err
        assert "Traceback" not in err
        ends_clean(place)
    assert place.kinds() == ["run.started", "run.interrupted", "drift.found"]
    (end,) = place.entries("run.interrupted")
    assert json.loads(end.data)["hosts"] == {"web1": "drifted"}


def test_a_signal_before_ansible_began_stops_everything(place: Repository) -> None:
    with place.started("fleet", "check") as opskit:
        until(lambda: bool(place.runs), "the run has a directory")
        code, _ = interrupt(opskit, signal.SIGINT)
        assert code == 130
        ends_clean(place)
    assert place.kinds() == ["run.started", "run.interrupted"]


def test_a_killed_opskit_leaves_no_ansible_behind(place: Repository) -> None:
    """The child notices that it is alone, interrupts Ansible and clears up."""
    with place.started("fleet", "check") as opskit:
        until(place.sleeping, "the task is at work")
        opskit.kill()
        until(lambda: not place.processes(), "everything of the run ended")
        (left,) = place.runs
        until(lambda: [each.name for each in left.iterdir()] == ["events.jsonl"], "it is tidy")
    assert place.kinds() == ["run.started"]
    assert not (place.scratch / "after").exists()
    place.write("playbooks/standard.yml", SHORT)
    assert place.check().code == 1
    assert place.kinds()[:4] == ["run.started", "run.lost", "run.started", "run.finished"]


def test_a_killed_run_is_ended_and_written_down_by_the_next_command(place: Repository) -> None:
    with place.started("fleet", "check") as opskit:
        until(place.sleeping, "the task is at work")
        place.oldest("opskit.outside.ansible.child").send_signal(signal.SIGSTOP)
        opskit.kill()
        opskit.wait()
        (left,) = place.runs
        place.write("playbooks/standard.yml", SHORT)
        assert place.check().code == 1
        ends_clean(place)
    lost = next(entry for entry in place.entries() if entry.kind == "run.lost")
    assert lost.subject == left.name
    assert "Ansible still ran and was ended" in lost.data


def test_a_killed_ansible_gives_no_green_result(place: Repository) -> None:
    with place.started("fleet", "check", "--json") as opskit:
        until(place.sleeping, "the task is at work")
        place.oldest("ansible-playbook").kill()
        out, err = opskit.communicate(timeout=DEADLINE)
        ends_clean(place)
    assert opskit.returncode == 3, err
    said = json.loads(out)
    assert said["state"] == "broken"
    assert "without its statistics" in said["problem"]
    assert place.kinds() == ["run.started", "run.failed", "drift.found"]


def test_of_two_applies_that_start_together_one_works(
    lay_out: Callable[..., Repository],
) -> None:
    place = lay_out(f"web1 {LOCAL}\n", GATED)
    command = ("fleet", "apply", "--yes", "--json")
    with place.started(*command) as one, place.started(*command) as other:
        until(lambda: (one.poll(), other.poll()) != (None, None), "one is refused")
        loser, winner = (one, other) if one.poll() is not None else (other, one)
        _, err = loser.communicate(timeout=DEADLINE)
        assert loser.returncode == 5, err
        assert "host web1 is held by person:" in err
        assert f" (process {winner.pid}) until " in err
        assert "  next: " in err
        assert not (place.scratch / "file").exists()
        (place.scratch / "gate").touch()
        out, err = winner.communicate(timeout=DEADLINE)
        assert winner.returncode == 0, err
    assert json.loads(out)["counts"]["compliant"] == 1
    assert [entry.subject[:5] for entry in place.entries("run.finished")].count("apply") == 1


def test_a_stopped_apply_gives_its_lease_back(lay_out: Callable[..., Repository]) -> None:
    """Killed, it is the next apply that gives the lease back; interrupted, it does so itself."""
    place = lay_out(f"web1 {LOCAL}\n", GATED)
    with place.started("fleet", "apply", "--yes") as first:
        until(lambda: changing(place), "the first one changes things")
        first.kill()
    left = place.runs
    with place.started("fleet", "apply", "--yes") as second:
        until(lambda: changing(place, but=left), "the second one changes things")
        assert interrupt(second, signal.SIGINT)[0] == 130
        ends_clean(place)
    assert place.kinds().count("run.lost") == 1
    assert not (place.scratch / "file").exists()
    with closing(place.database()) as database, database.write() as connection:
        lease = Leases(SystemClock()).take(connection, "host web1", "person:next", SECOND)
    assert lease.holder == "person:next"


def test_reaping_spares_a_process_that_only_has_the_number(tmp_path: Path) -> None:
    directory = tmp_path / "run"
    directory.mkdir()
    with subprocess.Popen(["sleep", "300"]) as other:
        (directory / "events.jsonl").write_text(json.dumps({"k": "begin", "pid": other.pid}) + "\n")
        assert not door.reap(directory).alive
        assert other.poll() is None
        other.kill()
