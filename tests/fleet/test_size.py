"""What a host says may be of any size: opskit and its disk stay small, and the verdict is true."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.fleet.disk import SMALL, on_disk
from tests.fleet.repository import LOCAL, Checked, Repository
from tests.rig.command import is_root
from tests.rig.plugin import require

HUGE = 100_000_000
FACT = 10_000_000
INVENTORY = "".join(f"{name} {LOCAL}\n" for name in ("talks", "fails", "knows"))
STANDARD = f"""---
- hosts: talks,fails
  gather_facts: false
  tasks:
    - {{name: Looks, ansible.builtin.debug: {{msg: looked}}}}
    - name: Says too much
      ansible.builtin.debug: {{msg: "{{{{ 'x' * {HUGE} }}}}"}}
      failed_when: inventory_hostname == 'fails'
- hosts: knows
  gather_facts: false
  tasks:
    - ansible.builtin.setup:
        {{fact_path: "{{{{ scratch }}}}", gather_subset: ["!all", local], filter: [ansible_local]}}
    - name: Uses what it knows
      ansible.builtin.copy:
        dest: "{{{{ scratch }}}}/length"
        content: "{{{{ ansible_facts.ansible_local.large.text | length }}}}"
        mode: "0600"
"""
# Opskit as installed, that says last how much memory it took itself, without what it started.
# Not what the kernel tells of resources used: that counts the process it was forked from as well.
MEASURED = """
import sys
from opskit.cli.main import run
code = run(sys.argv[1:])
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak) * 1024, file=sys.stderr)
sys.exit(code)
"""


@dataclass(frozen=True)
class Said:
    """What opskit said of hosts that say too much, and the most memory it took, in bytes."""

    checked: Checked
    peak: int


@pytest.fixture(scope="module")
def said(lay_out: Callable[..., Repository]) -> Said:
    require(None if is_root() else "a small disk needs root")
    place = lay_out(INVENTORY, STANDARD)
    place.write("scratch/large.fact", json.dumps({"text": "x" * FACT}))
    command = [sys.executable, "-c", MEASURED, "fleet", "check", "--json"]
    done = on_disk(place, SMALL.format("4m"), command)
    assert not place.processes()
    return Said(Checked.of(done), int(done.err.splitlines()[-1]))


def test_output_that_is_too_large_is_not_evaluated(said: Said) -> None:
    assert said.checked.code == 3
    assert said.checked.verdicts["talks"] == "not evaluated"
    assert said.checked.not_evaluated("talks") == [("Says too much", "output too large")]
    assert not said.checked.data["problem"], "both truths came to their end on a disk of 4 MB"


def test_a_failure_that_is_told_at_length_is_a_failure(said: Said) -> None:
    assert said.checked.verdicts["fails"] == "failed"
    assert said.checked.host("fails")["reason"].startswith("Says too much: ")


def test_a_large_fact_is_no_obstacle(said: Said) -> None:
    assert said.checked.verdicts["knows"] == "drifted"
    (drift,) = said.checked.host("knows")["drift"]
    assert drift["after"] == str(FACT)


def test_opskit_stays_small(said: Said) -> None:
    assert said.peak < 2 * HUGE
