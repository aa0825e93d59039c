"""Rules about asking, what one request would add, and about what is not used, as cases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from opskit.access.rules.dormant import DORMANT, Dormancy
from opskit.access.rules.flow import FLOW, FlowView, Holding
from opskit.access.rules.rule import Family
from opskit.core.clock import DAY, HOUR, Duration
from opskit.outside.documents import parse
from tests.access.world import ask, registry
from tests.conftest import CASES

HERE = CASES / "access" / "rules"
FAMILIES: tuple[Family[Any], ...] = (FLOW, DORMANT)
RULES = {rule.id: rule for family in FAMILIES for rule in family.rules}
FILES = sorted(path for rule in RULES for path in HERE.glob(f"{rule}/*.yaml"))
OFFICE = registry()


def view(case: Mapping[str, Any]) -> FlowView:
    asked = ask(
        role=case["role"], targets=tuple(case.get("targets", ["web"])),
        duration=Duration(case["days"] * DAY if "days" in case else HOUR),
        reason=case.get("reason", "the certificate"), need=case.get("need", ""),
        break_glass=case.get("break_glass", False), extends=case.get("extends"),
    )  # fmt: skip
    holdings = tuple(
        Holding(one["grant"], one["role"], tuple(one["targets"]), None)
        for one in case.get("holdings", ())
    )
    names = ("earlier_reasons", "unreviewed", "narrower", "new_approvers")
    return FlowView(asked, OFFICE, holdings, **{name: tuple(case.get(name, ())) for name in names})


def dormancy(case: Mapping[str, Any]) -> Dormancy:
    return Dormancy(
        "g7", "alice", "web-admin", ("web1", "web2"), Duration(case["unused_days"] * DAY),
        case.get("covered", True), Duration(case.get("allowed_days", 90) * DAY),
    )  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=lambda one: f"{one.parent.name}/{one.stem}")
def test_a_case_is_judged_as_it_says(path: Path) -> None:
    case = parse(path).value
    assert isinstance(case, dict)
    expected = case.get("findings", [])
    assert bool(expected) is path.name.startswith("fail-")
    seen = dormancy(case) if path.parent.name == "FLOW-DORMANT" else view(case)
    found = list(RULES[path.parent.name].check(seen))
    assert len(found) == len(expected)
    for finding, words in zip(found, expected, strict=True):
        severity, _, message = words.partition(": ")
        assert finding.severity.value == severity
        assert finding.message.startswith(message)
        assert finding.fix
        assert finding.path


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_cases_both_ways(rule: str) -> None:
    kinds = {path.name.partition("-")[0] for path in FILES if path.parent.name == rule}
    assert kinds == {"fail", "pass"}
