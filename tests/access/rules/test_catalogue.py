"""The catalogue: every rule is documented and has cases of both kinds."""

from __future__ import annotations

import re

import pytest

from opskit.access.rules.catalogue import FAMILIES, LINTED, every
from tests.access.rules import cases
from tests.access.rules.cases import Case, assert_as_expected, parameters

RULES = every()


def kinds(rule: str) -> set[str]:
    return {one.path.name.partition("-")[0] for one in cases.every(rule) if one.rule == rule}


def test_no_two_families_have_a_rule_of_the_same_name() -> None:
    assert sum(len(family.rules) for family in FAMILIES) == len(RULES)


# Those of databases and of requests have cases of a shape of their own.
@pytest.mark.parametrize("rule", [one.id for family in LINTED for one in family.rules])
def test_a_rule_has_cases_in_which_it_finds_and_does_not(rule: str) -> None:
    assert kinds(rule) == {"fail", "pass"}


def test_every_case_is_of_a_rule() -> None:
    assert {one.rule for one in cases.every()} <= set(RULES)


@pytest.mark.parametrize("case", cases.every(), ids=lambda one: f"{one.rule}-{one.path.name}")
def test_a_case_is_what_its_name_says(case: Case) -> None:
    expected = case.expected.get("findings") or case.expected.get("subjects")
    assert case.path.name.partition("-")[0] == ("fail" if expected else "pass")


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_says_why_it_matters_and_what_to_do(rule: str) -> None:
    text = RULES[rule].documentation
    assert re.fullmatch(r"[A-Za-z].{10,98}\.", RULES[rule].title)
    for part in ("\nWhy: ", "\nFix: ", "\nBad:", "\nGood:"):
        assert part in text, f"{rule} lacks {part.strip()}"


@pytest.mark.parametrize("case", [*parameters("HOST-"), *parameters("FLOW-SUPPRESSION-")])
def test_a_rule_finds_what_it_must(case: Case) -> None:
    assert_as_expected(case)
