"""A run lives in a private directory of its own, sees little of its caller, and leaves nothing."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from opskit.core.errors import ConfigError
from opskit.core.transcript import Mode, Outcome, Transcript
from opskit.outside.ansible import door
from tests.fleet.repository import LOCAL, Repository, until

# What Ansible sees of the world, as the diff of a file that is not there yet.
SEES = """---
- hosts: web1
  gather_facts: false
  tasks:
    - name: Says what it sees
      ansible.builtin.copy:
        dest: "{{ scratch }}/seen"
        content: |
          env={{ lookup('env', 'AWS_SECRET_ACCESS_KEY') }};
          home={{ lookup('env', 'HOME') }};
          keys={{ lookup('config', 'HOST_KEY_CHECKING') }};
          forks={{ lookup('config', 'DEFAULT_FORKS') }};
          plugins={{ lookup('config', 'DEFAULT_MODULE_PATH') | join(',') }};
          given={{ given | default('nothing') }};
          old={{ old | default('nothing') }};
        mode: "0600"
"""
TRAP = "[defaults]\nhost_key_checking = False\nforks = 3\nlibrary = /tmp/hostile\n"
CANARY = "raise SystemExit('a file of the project was imported')\n"


@dataclass
class Watched:
    """What a run left in the world while it was under way."""

    directory: Path
    modes: dict[str, int] = field(default_factory=dict)
    environments: list[dict[str, str]] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)

    def listen(self, record: Mapping[str, Any]) -> None:
        """Look around once Ansible is at work."""
        if record["k"] != "task":
            return
        for path in (self.directory, *self.directory.iterdir()):
            name = "" if path == self.directory else path.name
            self.modes[name] = stat.S_IMODE(path.stat().st_mode)
        for process in psutil.process_iter():
            try:
                own = process.environ()
            except (psutil.Error, OSError):
                continue
            if own.get("OPSKIT_RUN_DIRECTORY") == str(self.directory):
                self.environments.append(own)
                self.arguments += process.cmdline()


@pytest.fixture(scope="module")
def place(lay_out: Callable[..., Repository]) -> Repository:
    here = lay_out(f"web1 {LOCAL}\n", SEES)
    here.write("ansible.cfg", "[defaults]\nhost_key_checking = False\n")
    for module in ("ansible_runner", "psutil", "json"):
        here.write(f"{module}.py", CANARY)
    return here


def job(here: Repository, **variables: object) -> door.Job:
    return door.Job(
        playbook=here.root / "playbooks" / "standard.yml",
        inventory=(here.root / "inventory" / "hosts.ini",),
        project=here.root,
        mode=Mode.CHECK,
        hash_key=b"key",
        variables=variables,
    )


def seen(transcript: Transcript) -> dict[str, str]:
    (result,) = transcript.results
    lines = result.diffs[0].after.splitlines()
    return dict(line.rstrip(";").split("=", 1) for line in lines)


@pytest.fixture(scope="module")
def watched(
    place: Repository, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Watched, Transcript]:
    hostile = tmp_path_factory.mktemp("hostile")
    (hostile / "ansible.cfg").write_text(TRAP)
    look = Watched(place.root / "watched")
    caller = {
        **place.environment,
        "AWS_SECRET_ACCESS_KEY": "canary-of-the-environment",
        "ANSIBLE_CONFIG": str(hostile / "ansible.cfg"),
        "PYTHONPATH": str(hostile),
    }
    before = Path.cwd()
    os.chdir(hostile)
    try:
        variables = {"given": "canary-of-a-variable", "old": "first"}
        return look, door.run(job(place, **variables), look.directory, caller, look.listen)
    finally:
        os.chdir(before)


def test_the_run_got_to_its_end(watched: tuple[Watched, Transcript]) -> None:
    _, transcript = watched
    assert transcript.stats is not None
    assert not transcript.disagreement
    assert not transcript.runner.output, "the callback and the settings give no warning"
    assert [result.outcome for result in transcript.results] == [Outcome.CHANGED]


def test_the_directory_is_private_while_the_run_lasts(watched: tuple[Watched, Transcript]) -> None:
    look, _ = watched
    private = {"": 0o700, "job.json": 0o600, "variables.json": 0o600, "events.jsonl": 0o600}
    assert private.items() <= look.modes.items()
    assert look.modes["runner"] == look.modes["tmp"] == 0o700


def test_only_the_redacted_lines_are_left_until_they_are_written_down(
    watched: tuple[Watched, Transcript],
) -> None:
    look, _ = watched
    assert [path.name for path in look.directory.iterdir()] == ["events.jsonl"]
    door.forget(look.directory)
    assert not look.directory.exists()


def test_no_process_of_the_run_holds_the_callers_secrets(
    watched: tuple[Watched, Transcript],
) -> None:
    look, _ = watched
    assert look.environments
    assert not any("AWS_SECRET_ACCESS_KEY" in own for own in look.environments)
    assert not any("PYTHONPATH" in own for own in look.environments)


def test_no_argument_of_a_process_holds_a_variable(watched: tuple[Watched, Transcript]) -> None:
    look, _ = watched
    assert any("ansible-playbook" in word for word in look.arguments)
    assert not any("canary" in word for word in look.arguments)


def test_a_playbook_sees_nothing_of_the_callers_environment(
    watched: tuple[Watched, Transcript], place: Repository
) -> None:
    found = seen(watched[1])
    assert not found["env"]
    assert found["home"] == place.environment["HOME"]


def test_host_keys_are_checked_whatever_the_settings_say(
    watched: tuple[Watched, Transcript],
) -> None:
    assert seen(watched[1])["keys"] == "True"


def test_settings_of_the_working_directory_and_of_the_caller_are_not_used(
    watched: tuple[Watched, Transcript],
) -> None:
    found = seen(watched[1])
    assert found["forks"] != "3"
    assert "hostile" not in found["plugins"]


def test_a_run_knows_nothing_of_the_one_before(
    watched: tuple[Watched, Transcript], place: Repository
) -> None:
    assert seen(watched[1])["old"] == "first"
    again = door.run(job(place), place.root / "again", place.environment, lambda _: None)
    assert seen(again)["old"] == seen(again)["given"] == "nothing"


def test_a_directory_that_is_there_already_is_not_used(place: Repository) -> None:
    there = place.root / "there"
    there.mkdir()
    (there / "mine").touch()
    with pytest.raises(ConfigError, match="there"):
        door.run(job(place), there, place.environment, lambda _: None)
    assert (there / "mine").exists()


def test_a_listener_that_fails_ends_the_run(place: Repository) -> None:
    class Broken(Exception):
        pass

    def listen(record: Mapping[str, Any]) -> None:
        if record["k"] == "task":
            raise Broken

    with pytest.raises(Broken):
        door.run(job(place), place.root / "broken", place.environment, listen)
    assert not place.processes()
    assert [path.name for path in (place.root / "broken").iterdir()] == ["events.jsonl"]


@pytest.mark.parametrize("meanwhile", ["shlex.join", "subprocess.Popen"])
def test_ctrl_c_before_anything_started_is_an_interrupted_run(
    place: Repository, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"opskit.outside.ansible.door.{meanwhile}", stop)
    directory = place.root / meanwhile
    transcript = door.run(job(place), directory, place.environment, lambda _: None)
    assert transcript.interrupted
    assert not list(directory.iterdir())


TASKS = 40
LONG = "A task of which much is written down" * 50
TALKS = "- hosts: web1\n  gather_facts: false\n  tasks:\n" + "".join(
    f"    - {{name: {LONG} {number}, ansible.builtin.debug: {{msg: x}}}}\n"
    for number in range(TASKS)
)


@pytest.mark.parametrize(("mode", "stops"), [(Mode.APPLY, True), (Mode.CHECK, False)])
def test_an_apply_stops_where_its_lines_cannot_be_written(
    place: Repository, mode: Mode, stops: bool
) -> None:
    directory = place.root / f"unwritten-{mode}"
    ansible: list[psutil.Process] = []

    def listen(record: Mapping[str, Any]) -> None:
        if record["k"] == "begin":
            ansible.append(psutil.Process(record["pid"]))
        elif record["k"] == "play":
            most = (directory / "events.jsonl").stat().st_size + len(LONG)
            ansible[0].rlimit(psutil.RLIMIT_FSIZE, (most, most))

    standard = place.write("playbooks/talks.yml", TALKS)
    talks = door.Job(standard, job(place).inventory, place.root, mode, b"key")
    transcript = door.run(talks, directory, place.environment, listen)
    assert transcript.stats is None
    done = transcript.runner.counts.get("web1", {}).get("ok", 0)
    assert (done < TASKS) == stops
    assert not place.processes()


@pytest.mark.parametrize("victim", ["opskit.outside.ansible.child", "ansible-playbook"])
def test_a_process_of_the_run_that_is_killed_takes_the_rest_with_it(
    place: Repository, victim: str
) -> None:
    standard = place.write(
        "playbooks/long.yml",
        "- hosts: web1\n  gather_facts: false\n  tasks:\n"
        "    - {name: Sleeps, ansible.builtin.command: sleep 300, check_mode: false}\n",
    )

    def listen(record: Mapping[str, Any]) -> None:
        if record["k"] == "start":
            until(place.sleeping, "the task is at work")
            place.oldest(victim).kill()

    long = door.Job(standard, job(place).inventory, place.root, Mode.CHECK, b"key")
    transcript = door.run(long, place.root / victim, place.environment, listen)
    assert transcript.stats is None
    assert not transcript.interrupted
    assert not place.processes()


def test_a_directory_others_can_write_to_is_no_ops_repository(repository: Repository) -> None:
    repository.root.chmod(0o777)
    done = repository.opskit("fleet", "check")
    assert done.code == 2
    assert "others can write" in done.err
