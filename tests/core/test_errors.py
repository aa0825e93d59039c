"""Which exit code wins, and what an error carries."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, strategies as st

from opskit.core.errors import (
    ConfigError,
    Conflict,
    DataError,
    ExitCode,
    OpskitError,
    OutsideError,
    Refused,
    WorkFailed,
    worst,
)
from opskit.core.findings import Finding, Severity

# Worst first, as the README documents it.
ORDER = (
    ExitCode.BUG,
    ExitCode.FAILED,
    ExitCode.REFUSED,
    ExitCode.UNDETERMINED,
    ExitCode.FINDINGS,
    ExitCode.OK,
)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("OK", 0),
        ("FINDINGS", 1),
        ("USAGE", 2),
        ("UNDETERMINED", 3),
        ("FAILED", 4),
        ("REFUSED", 5),
        ("BUG", 70),
        ("INTERRUPTED", 130),
    ],
)
def test_the_numbers_are_the_documented_ones(name: str, number: int) -> None:
    assert ExitCode[name] == number


@pytest.mark.parametrize(("left", "right"), list(permutations(ORDER, 2)))
def test_of_two_codes_the_worse_wins(left: ExitCode, right: ExitCode) -> None:
    assert worst([left, right]) is min(left, right, key=ORDER.index)


@given(st.lists(st.sampled_from(ORDER), min_size=1))
def test_of_many_codes_the_worst_wins(codes: list[ExitCode]) -> None:
    assert worst(codes) is min(codes, key=ORDER.index)


def test_nothing_at_all_is_ok() -> None:
    assert worst([]) is ExitCode.OK


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (OpskitError("no"), ExitCode.USAGE, False),
        (ConfigError("no"), ExitCode.USAGE, False),
        (DataError("no"), ExitCode.USAGE, False),
        (OutsideError("no"), ExitCode.UNDETERMINED, False),
        (OutsideError("no", retryable=True), ExitCode.UNDETERMINED, True),
        (WorkFailed("no"), ExitCode.FAILED, False),
        (Refused("no"), ExitCode.REFUSED, False),
        (Conflict("no"), ExitCode.REFUSED, True),
    ],
)
def test_an_error_ends_with_its_code_and_says_whether_to_try_again(
    error: OpskitError, code: ExitCode, retryable: bool
) -> None:
    assert error.exit_code is code
    assert error.retryable is retryable
    assert str(error) == error.message == "no"


def test_a_hint_is_the_next_step() -> None:
    assert Refused("no", hint="ask").hint == "ask"
    assert Conflict("no", hint="wait").hint == "wait"


def test_a_data_error_carries_every_mistake() -> None:
    mistakes = tuple(Finding("r", Severity.HIGH, str(n), "m") for n in range(3))
    assert DataError("3 mistakes", mistakes).findings == mistakes
