"""The special functions: as good as the C library's, where that is good."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from opskit.report.statistics.functions import beta_below, exp, gamma_below, ln, log_gamma, root


@given(st.floats(1e-300, 1e300))
def test_a_logarithm_is_right_to_the_last_digits(x: float) -> None:
    assert ln(x) == pytest.approx(math.log(x), rel=1e-15, abs=1e-15)


@given(st.floats(-700, 700))
def test_an_exponential_is_right_to_the_last_digits(x: float) -> None:
    assert exp(x) == pytest.approx(math.exp(x), rel=4e-15)


def test_an_exponential_too_small_for_a_double_is_zero() -> None:
    assert exp(-800.0) == 0.0


@given(st.floats(1e-5, 1e7))
def test_log_gamma_agrees_with_the_c_library(x: float) -> None:
    assert log_gamma(x) == pytest.approx(math.lgamma(x), rel=1e-13, abs=1e-13)


@given(st.integers(1, 40), st.floats(0.01, 80))
def test_a_gamma_of_whole_shape_counts_poisson_events(shape: int, x: float) -> None:
    fewer = sum(math.exp(-x) * x**k / math.factorial(k) for k in range(shape))
    assert gamma_below(shape, x) == pytest.approx(1 - fewer, abs=1e-12)


@given(st.integers(1, 30), st.integers(1, 30), st.floats(0.001, 0.999))
def test_a_beta_of_whole_parameters_counts_binomial_hits(a: int, b: int, x: float) -> None:
    count = a + b - 1
    more = sum(math.comb(count, k) * x**k * (1 - x) ** (count - k) for k in range(a, count + 1))
    assert beta_below(a, b, x) == pytest.approx(more, abs=1e-12)


@pytest.mark.parametrize(("x", "chance"), [(-0.5, 0.0), (0.0, 0.0), (1.0, 1.0), (1.5, 1.0)])
def test_a_beta_lies_between_0_and_1(x: float, chance: float) -> None:
    assert beta_below(2, 3, x) == chance


def test_a_gamma_is_above_0() -> None:
    assert gamma_below(2, -1.0) == 0.0


@given(st.floats(0.1, 99.9))
def test_a_root_is_found_to_the_last_digits(at: float) -> None:
    assert root(lambda x: x - at, 0.0, 100.0) == pytest.approx(at, rel=1e-15)
