"""What no check can foretell is not forgotten by an apply: it says so, and runs it if told to."""

from __future__ import annotations

from collections.abc import Callable

from opskit.core.hosts import Verdict
from opskit.core.transcript import Outcome
from opskit.fleet.plan import opened, plan_of, sealed
from tests.fleet.repository import LOCAL, Repository
from tests.fleet.stories import CHANGED, OK, A, B, Fleet

KEY = b"k" * 32
STANDARD = """---
- hosts: all
  gather_facts: false
  tasks:
    - name: The place is there
      ansible.builtin.file: {path: "{{ scratch }}", state: directory}
    - name: The index is built
      ansible.builtin.command: {argv: [touch, "{{ scratch }}/index"]}
"""


def test_an_apply_runs_what_no_check_foretells_only_if_told_to(
    lay_out: Callable[..., Repository],
) -> None:
    place = lay_out(f"web1 {LOCAL}\n", STANDARD)
    first = place.opskit("fleet", "apply", "--yes")
    assert first.code == 0
    assert "no check can foretell 1 task on 1 host; --with-blind runs them" in first.err
    assert not (place.scratch / "index").exists()
    second = place.apply("--with-blind")
    assert (second.code, second.verdicts) == (0, {"web1": "compliant"})
    assert (place.scratch / "index").exists()


def test_a_plan_keeps_the_hosts_on_which_something_is_blind(fleet: Fleet) -> None:
    run = fleet.check(
        {"web1": {A: OK, B: Outcome.UNSUPPORTED}, "web2": {A: CHANGED, B: OK}, "web3": {A: OK}}
    )
    assert run.counts[Verdict.DRIFTED] == 1
    plan = opened(sealed(plan_of(run), KEY), KEY)
    assert plan.hosts == ("web2",)
    assert plan.hosts_with_blind == ("web2", "web1")
