"""A state directory that is full or cannot be written: one line, and no host was touched."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable

import pytest

from tests.conftest import Finished
from tests.fleet.disk import SMALL, on_disk
from tests.fleet.repository import LOCAL, Repository
from tests.rig.command import is_root
from tests.rig.plugin import require

FILLS = """---
- hosts: web1
  gather_facts: false
  tasks:
    - name: Fills the disk that the run is written to
      ansible.builtin.shell: cat /dev/zero >"{{ state }}/filler" 2>/dev/null || true
      check_mode: false
      changed_when: false
    - {name: Looks, ansible.builtin.debug: {msg: looked}, loop: "{{ range(40) | list }}"}
"""


@pytest.fixture(autouse=True)
def _root() -> None:
    require(None if is_root() else "a small disk needs root")


def on_small_disk(place: Repository, mount: str, *arguments: str) -> Finished:
    """Run opskit with `.opskit` mounted by the shell command MOUNT."""
    return on_disk(place, mount, place.command(*arguments))


def said_once(done: Finished) -> str:
    """Return the one line that was said of what went wrong."""
    assert "Traceback" not in done.err
    (line,) = [line for line in done.err.splitlines() if line.startswith("opskit: ")]
    return line


@pytest.mark.parametrize("size", ["16k", "128k", "200k", "260k"])
def test_a_full_disk_stops_an_apply_before_a_host_is_touched(
    repository: Repository, size: str
) -> None:
    done = on_small_disk(repository, SMALL.format(size), "fleet", "apply", "--yes")
    assert done.code in {2, 3}
    assert "Traceback" not in done.err
    assert "compliant" not in done.out
    assert re.search("no space left|disk|not evaluated", done.err + done.out)
    assert not list(repository.scratch.iterdir())
    assert not repository.processes()


def test_a_disk_that_fills_up_during_a_run_gives_no_result(
    lay_out: Callable[..., Repository],
) -> None:
    place = lay_out(f'web1 {LOCAL} state="{{{{ playbook_dir }}}}/../.opskit"\n', FILLS)
    done = on_small_disk(place, SMALL.format("4m"), "fleet", "check", "--json")
    assert done.code == 3
    assert "Traceback" not in done.err
    said = json.loads(done.out)
    assert said["problem"]
    assert [host["verdict"] for host in said["hosts"]] == ["not evaluated"]
    assert not place.processes()


def test_state_that_cannot_be_written_is_one_line(repository: Repository) -> None:
    assert repository.check().code == 1
    read_only = "mount --bind .opskit .opskit; mount -o remount,bind,ro .opskit"
    done = on_small_disk(repository, read_only, "fleet", "apply", "--yes")
    assert done.code == 2
    assert "cannot be" in said_once(done)
    assert not list(repository.scratch.iterdir())


# Only an apply fills the disk: a check does not run the shell.
HALF_DONE = """---
- hosts: web1
  gather_facts: false
  tasks:
    - name: Comes before
      ansible.builtin.copy: {dest: "{{ scratch }}/before", content: x, mode: "0600"}
      notify: Restart
    - name: Fills the disk
      ansible.builtin.shell: cat /dev/zero >"{{ small }}/filler" 2>/dev/null || true
    - name: Comes after
      ansible.builtin.copy: {dest: "{{ scratch }}/after", content: x, mode: "0600"}
    - {name: Fails, ansible.builtin.fail: {msg: no luck}, when: not ansible_check_mode}
  handlers:
    - {name: Restart, ansible.builtin.debug: {msg: x}}
"""


def then(place: Repository, mount: str, *commands: str) -> Finished:
    """Run shell COMMANDS one after the other on the same disk; `opskit` is the one installed."""
    script = f'opskit() {{ {shlex.join(place.command())} "$@"; }}; {"; ".join(commands)}'
    return on_disk(place, mount, ["sh", "-c", script])


def test_an_apply_that_cannot_be_written_down_any_more_is_stopped(
    lay_out: Callable[..., Repository],
) -> None:
    place = lay_out(f'web1 {LOCAL} small="{{{{ playbook_dir }}}}/../.opskit"\n', HALF_DONE)
    done = then(
        place, SMALL.format("4m"), "opskit fleet apply --yes", "echo ended: $?", "opskit fleet owed"
    )
    assert "ended: 3" in done.out
    assert "web1: Ansible ended without its statistics: No space left on device" in done.err
    assert [path.name for path in place.scratch.iterdir()] == ["before"]
    assert "'Restart' never ran after 'Comes before'" in done.out
    assert "'Fills the disk' was cut off" in done.out
    assert "Traceback" not in done.out + done.err
    assert not place.processes()


def test_what_a_full_disk_kept_from_the_ledger_is_in_it_once_there_is_room(
    lay_out: Callable[..., Repository],
) -> None:
    place = lay_out(f'web1 {LOCAL} small="{{{{ playbook_dir }}}}/../small"\n', HALF_DONE)
    (place.root / "small").mkdir()
    with (place.root / "opskit.yaml").open("a") as settings:
        settings.write(f"database: sqlite:///{place.root}/small/opskit.db\n")
    done = then(
        place,
        "mount -t tmpfs -o size=2m,mode=700 small small",
        "opskit fleet apply --yes",
        "echo ended: $?",
        "rm small/filler",
        "opskit fleet check >/dev/null",
        "opskit ledger export",
        "opskit fleet owed",
    )
    assert "ended: 3" in done.out, done.err
    assert "no space left for the database" in said_once(done)
    assert '"run.lost"' in done.out
    assert "'Restart' never ran after 'Comes before'" in done.out
    assert not place.runs
    assert not place.processes()
