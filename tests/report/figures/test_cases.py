"""Every method against worked examples, and its documentation."""

from __future__ import annotations

import pytest

from opskit.report.figures.catalogue import METHODS
from opskit.report.figures.method import PARTS, Method
from tests.report.figures.cases import ROOT, Case, cases


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.method}/{case.path.stem}")
def test_the_figures_are_those_of_the_example(case: Case) -> None:
    assert case.told() == case.expected


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.number)
def test_a_method_says_formula_unit_source_and_what_it_is_not_for(method: Method) -> None:
    assert tuple(method.parts) == PARTS
    assert all(method.parts.values())
    assert method.title.endswith(".")


def test_no_two_methods_have_one_number() -> None:
    numbers = [one.number for one in METHODS]
    assert len(set(numbers)) == len(numbers)


def test_every_method_has_a_worked_example() -> None:
    assert {path.name for path in ROOT.iterdir()} == {one.number for one in METHODS}
