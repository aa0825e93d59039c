"""Product-limit estimates and their intervals are those of lifelines."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from opskit.core.clock import Duration
from opskit.core.leadtime import Curve, Wait, curve
from opskit.report.statistics.waits import LEAST_OVER, median_between

FILE = Path(__file__).parents[2] / "cases/report/lifelines.yaml"
CASES = yaml.safe_load(FILE.read_text())


def estimate(case: dict[str, Any]) -> Curve:
    return curve(Wait(Duration(length), over) for length, over in case["rows"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_curve_is_that_of_lifelines(case: dict[str, Any]) -> None:
    found = estimate(case)
    assert [at for at, _ in found.steps] == [at for at, _ in case["steps"]]
    for (_, ours), (_, theirs) in zip(found.steps, case["steps"], strict=True):
        assert float(ours) == pytest.approx(theirs, abs=1e-9)
    assert (found.median, found.quantile(Fraction(9, 10))) == (case["median"], case["p90"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_interval_of_the_median_is_that_of_lifelines(case: dict[str, Any]) -> None:
    found = estimate(case)
    between = median_between(found)
    if found.count - found.still < LEAST_OVER:
        assert between is None
    else:
        assert between == (case["low"], case["high"])
