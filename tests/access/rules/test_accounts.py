"""ACC: each rule finds what it must in a copy of a host, and nothing more."""

from __future__ import annotations

import pytest

from tests.access.rules.cases import Case, assert_as_expected, parameters


@pytest.mark.parametrize("case", parameters("ACC-"))
def test_a_rule_finds_what_it_must(case: Case) -> None:
    assert_as_expected(case)
