"""What may be claimed, what was missed and what is wanted, against worked examples."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from opskit.report.model import Report, Standing
from tests.report.evidence import written
from tests.report.figures.cases import ground_of

ROOT = Path(__file__).parents[2] / "cases/report/claims"
FILES = sorted(ROOT.glob("*.yaml"))


def loaded(path: Path) -> tuple[dict[str, Any], Report]:
    text = yaml.safe_load(path.read_text())
    return text, written(ground_of(text)).report


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_claims_are_those_of_the_example(path: Path) -> None:
    text, report = loaded(path)
    found = {one.id: asdict(one) for one in report.claims}
    expected = text["claims"]
    told = {
        name: {key: _plain(one[key]) for key in expected.get(name, {"standing": ""})}
        for name, one in found.items()
    }
    assert told == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_first_page_is_that_of_the_example(path: Path) -> None:
    text, report = loaded(path)
    front = report.front
    assert [one.id for one in front.wins] == text["wins"]
    assert front.miss is not None
    assert front.decision is not None
    assert front.miss == report.misses[0]
    shown = {"miss": front.miss.title, "decision": front.decision.title}
    assert {key: shown[key] for key in shown if key in text} == {
        key: text[key] for key in shown if key in text
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_entry_backs_two_claims_and_each_is_in_the_report(path: Path) -> None:
    report = loaded(path)[1]
    counted = [ref for one in report.claims if one.standing is Standing.MADE for ref in one.refs]
    assert len(counted) == len(set(counted))
    known = {row.seq for row in report.entries}
    named = {ref for one in report.claims for ref in one.refs}
    named |= {ref for point in report.misses for ref in point.refs}
    assert named <= known
    figures = {one.id for one in report.figures}
    assert {name for one in report.claims for name in one.figures} <= figures
    assert {name for point in report.misses for name in point.figures} <= figures


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_claim_answers_four_questions(path: Path) -> None:
    for one in loaded(path)[1].claims:
        assert [gate.name for gate in one.gates] == [
            "baseline frozen before", "net of cost", "quality not worse", "lasting",
        ]  # fmt: skip
        assert all(gate.why for gate in one.gates)
        held = one.standing is Standing.HELD_BACK
        assert held == any(gate.passed is False for gate in one.gates)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
