"""Ranges: shared guesses, the same digits everywhere, and the inputs that decide."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, strategies as st
from scipy import stats

from opskit.report.statistics.draws import Triangular, gamma, normal
from opskit.report.statistics.ranges import (
    Line,
    Spread,
    Term,
    break_even,
    sample,
    sensitivity,
    spread,
    two_digits,
)

MINUTES = Triangular(10, 30, 80)
# What an input of this name gives for ever, on every machine.
FROZEN = ["0x1.cf3101e80227bp+5", "0x1.d40df1e5d190cp+5", "0x1.30b225b9c2c8bp+6"]
LINES = [Line((Term(1.0, ("minutes",)),)), Line((Term(2.0, ("minutes",)), Term(-5.0)))]


def test_an_input_is_drawn_once_for_all_lines() -> None:
    one, two = sample(LINES, {"minutes": MINUTES})
    assert two == tuple(2 * value - 5 for value in one)


def test_six_lines_that_share_a_guess_are_wrong_together() -> None:
    shared = sample([Line((Term(1.0, ("a",)),))] * 6, {"a": MINUTES})
    own = sample(
        [Line((Term(1.0, (name,)),)) for name in "abcdef"], dict.fromkeys("abcdef", MINUTES)
    )
    together, apart = (spread(map(sum, zip(*lines, strict=True))) for lines in (shared, own))
    assert together.low < apart.low < together.middle < apart.high < together.high


def test_one_more_input_leaves_the_draws_of_the_others_alone() -> None:
    alone = sample(LINES[:1], {"minutes": MINUTES})
    more = Line((Term(1.0, ("another",)),))
    both = sample([more, *LINES[:1]], {"minutes": MINUTES, "another": MINUTES})
    assert both[1] == alone[0]


def test_the_same_input_gives_these_very_digits() -> None:
    values = sample(LINES[:1], {"minutes": MINUTES}, rounds=3)[0]
    assert [value.hex() for value in values] == FROZEN


@given(st.floats(0, 1, exclude_max=True))
def test_a_triangular_value_is_where_scipy_has_it(chance: float) -> None:
    peer = stats.triang.ppf(chance, c=20 / 70, loc=10, scale=70)
    assert MINUTES.at(chance) == pytest.approx(peer)


def test_a_guess_without_width_is_its_value() -> None:
    assert Triangular(7, 7, 7).at(0.3) == 7


def test_a_guess_out_of_order_is_refused() -> None:
    with pytest.raises(ValueError, match="not in order: 5, 3, 9"):
        Triangular(5, 3, 9)


@pytest.mark.parametrize("shape", [0.5, 1.0, 3.5, 40.0])
def test_gamma_values_are_distributed_as_gamma(shape: float) -> None:
    stream = Random(3)
    assert stats.kstest([gamma(stream, shape) for _ in range(20_000)], "gamma", (shape,))[1] > 0.01


def test_normal_values_are_distributed_as_such() -> None:
    stream = Random(3)
    assert stats.kstest([normal(stream) for _ in range(20_000)], "norm")[1] > 0.01


def test_a_spread_is_what_so_many_rounds_do_not_pass() -> None:
    assert spread(range(1, 101)) == Spread(5, 50, 95)


def test_a_line_breaks_even_where_it_is_nothing() -> None:
    saved = Line((Term(40.0, ("minutes", "share")), Term(-120.0)))
    values = {"minutes": 10.0, "share": 0.5}
    assert break_even(saved, values, "minutes") == pytest.approx(6.0)
    assert break_even(Line((Term(3.0),)), values, "minutes") is None


def test_sensitivity_moves_one_input_and_leaves_the_others_at_their_modes() -> None:
    line = Line((Term(2.0, ("minutes", "share")),))
    inputs = {"minutes": MINUTES, "share": Triangular(0.1, 0.5, 0.6)}
    assert sensitivity(line, inputs, "minutes") == pytest.approx((10.0, 80.0))
    assert sensitivity(line, inputs, "share") == pytest.approx((6.0, 36.0))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1234.5, "1200"), (-0.0123, "-0.012"), (99.6, "100"), (5.0, "5"), (0.0, "0"), (87.4, "87")],
)
def test_an_estimate_is_shown_with_two_digits(value: float, shown: str) -> None:
    assert format(two_digits(value), "f") == shown
    assert two_digits(value) == Decimal(shown)
