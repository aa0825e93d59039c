"""A run of many hosts and tasks is evaluated as it passes: what is as wanted is not kept."""

from __future__ import annotations

import tracemalloc

from opskit.core.hosts import Verdict
from tests.fleet.crowd import judged

HOSTS = 200


def peak(tasks: int) -> int:
    """Return the most memory in bytes that reading and judging a check takes."""
    tracemalloc.start()
    try:
        assert {one.verdict for one in judged(HOSTS, tasks)} == {Verdict.COMPLIANT}
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_ten_times_the_results_take_little_more_memory() -> None:
    few, many = 20, 200
    assert peak(many) - peak(few) < HOSTS * (many - few) * 60, "bytes of each further result"


def test_hosts_that_were_looked_at_alike_share_what_was_seen() -> None:
    hosts = judged(HOSTS, 3)
    assert len({id(one.observed) for one in hosts}) == 1
    assert {path for path, _ in hosts[0].observed} == {"site.yml"}
