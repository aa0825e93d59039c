"""A check gathers the facts of a host once, an apply in each play."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing

from opskit.fleet.store import runs
from opskit.outside.ansible.transcript import replay
from tests.fleet.repository import Repository

HOSTS = "".join(
    f"{name} ansible_connection=local ansible_python_interpreter={sys.executable}\n"
    for name in ("web1", "web2")
)
TWO_PLAYS = """---
- hosts: web1
  gather_subset: [min]
  tasks:
    - name: The banner is shown
      ansible.builtin.copy:
        {dest: "{{ scratch }}/banner", content: "{{ ansible_facts.system }}\\n", mode: "0644"}
- hosts: all
  gather_subset: [min]
  tasks:
    - name: The second play has the facts of both
      ansible.builtin.assert: {that: ansible_facts.system == 'Linux'}
"""


def gathered(place: Repository) -> dict[str, dict[str, int]]:
    """Return for each run, told by its kind, how often each host's facts were gathered."""
    with closing(place.database()) as database, database.read() as connection:
        told = {
            f"{run.mode} {number}": replay(runs.records_of(connection, run.id) or b"")
            for number, run in enumerate(reversed(runs.newest_runs(connection, 9)))
        }
    return {
        name: Counter(one.host for one in run.results if one.task.action == "gather_facts")
        for name, run in told.items()
    }


def test_a_check_gathers_once_and_an_apply_in_each_play(lay_out: Callable[..., Repository]) -> None:
    place = lay_out(HOSTS, TWO_PLAYS)
    assert place.apply().verdicts == {"web1": "compliant", "web2": "compliant"}
    assert gathered(place) == {
        "check 0": {"web1": 1, "web2": 1},
        "apply 1": {"web1": 2},
        "check 2": {"web1": 1},
    }
