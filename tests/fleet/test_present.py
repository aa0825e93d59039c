"""A run in words: the verdict with its denominator, equal things once, diffs that fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from opskit.core.clock import HOUR, Instant
from opskit.core.transcript import Mode, Outcome
from opskit.fleet.model import Drift, Provenance, Run, RunState, Standing
from opskit.fleet.present import as_json, diff_text, drift_blocks, host_rows, verdict_line
from opskit.fleet.rules import evaluate
from tests.fleet.transcripts import Results, transcript

A, B = ("A", ""), ("B", "")
NOON, LATER = Instant(1_790_000_000_000_000), Instant(1_790_000_000_000_000 + HOUR)


def run_of(**hosts: Results) -> Run:
    told = transcript(hosts, tags={"A": ("control:OPS-1", "severity:high")})
    return Run(
        id="check-1",
        mode="check",
        state=RunState.FINISHED,
        actor="person:a",
        started_at=NOON,
        finished_at=LATER,
        provenance=Provenance("site.yml", "", "", "", (), "", ""),
        hosts=evaluate(told, Mode.CHECK, Path("/ops")),
    )


def drift(before: str, after: str, note: str = "") -> Drift:
    (one,) = run_of(web1={A: Outcome.CHANGED}).drift
    return replace(one, before=before, after=after, note=note)


def test_the_verdict_has_its_denominator_and_leaves_nothing_out() -> None:
    run = run_of(
        web1={A: Outcome.CHANGED, B: Outcome.OK},
        web2={A: Outcome.OK, B: Outcome.UNSUPPORTED},
        web3={A: Outcome.UNREACHABLE},
    )
    assert verdict_line(run).startswith("3 hosts: 1 unreachable, 1 drifted, 1 compliant (")
    assert "3 task-checks made, 2 not possible" in verdict_line(run)


def test_hosts_are_listed_worst_first_and_equal_ones_in_one_row() -> None:
    fine, bad = {A: Outcome.OK}, {A: Outcome.CHANGED}
    rows = list(host_rows(run_of(web1=fine, web2=bad, web3=fine, db1={A: Outcome.FAILED})))
    assert [row[:3] for row in rows] == [
        ("db1", "failed", ""),
        ("web2", "drifted", "1"),
        ("web1, web3", "compliant", ""),
    ]


def test_a_heading_says_where_and_since_when() -> None:
    run = run_of(web1={A: Outcome.CHANGED}, web2={A: Outcome.CHANGED})
    one, two = (found.key for found in run.drift)
    never, bounded = Standing(None, LATER), Standing(NOON, LATER)

    def heading(standing: dict[tuple[str, str, str, str], Standing]) -> str:
        ((text, _),) = drift_blocks(replace(run, standing=standing))
        return text

    assert heading({}).splitlines() == ["OPS-1 [high] A", "  on web1, web2", "  site.yml:65"]
    assert "never seen compliant before" in heading({one: never, two: never})
    assert "since some time between" in heading({one: bounded, two: bounded})
    apart = heading({one: never, two: bounded})
    assert "first found 2026-" in apart
    assert "never" not in apart
    assert "between" not in apart


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("a\nb\nc\n", "a\nx\nc\n", ["   a", "  -b", "  +x", "   c"]),
        ("", "new\n", ["  +new"]),
        ("a", "a\n", ["  (the texts differ only in how their lines end)"]),
        ("[redacted]\n", "[redacted]\n", ["  (the texts differ only in what was redacted)"]),
    ],
)
def test_a_difference_is_shown_as_a_diff(before: str, after: str, shown: list[str]) -> None:
    assert diff_text(drift(before, after)).splitlines() == shown


def test_a_long_difference_is_cut_and_says_so() -> None:
    lines = diff_text(drift("", "line\n" * 100)).splitlines()
    assert len(lines) == 41
    assert lines[-1] == "  ... 60 more lines; -o json has all"


def test_where_there_is_no_difference_the_reason_stands() -> None:
    assert diff_text(drift("", "", "changed, hidden by no_log")) == "  (changed, hidden by no_log)"


def test_json_has_each_host_with_its_own_times() -> None:
    run = run_of(web1={A: Outcome.CHANGED}, web2={A: Outcome.CHANGED})
    one, two = (found.key for found in run.drift)
    said = as_json(replace(run, standing={one: Standing(NOON, LATER), two: Standing(None, LATER)}))
    first, second = (host["drift"][0] for host in said["hosts"])
    assert (first["last_good_at"] is None, second["last_good_at"] is None) == (False, True)
    assert first["detected_at"] == second["detected_at"]
