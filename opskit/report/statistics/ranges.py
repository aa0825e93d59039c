"""Ranges of sums whose inputs are not known exactly: 10,000 draws, the same on every machine. Pure.

A line is a sum of terms, each a known number times inputs that are known as ranges. An input is
drawn once per round for all lines: two lines that lean on the same guess are wrong together. Each
input has a stream of its own, so that one more input leaves the draws of the others alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from math import prod
from random import Random
from typing import NamedTuple

from opskit.report.statistics.draws import Triangular, stream

ROUNDS = 10_000
# One for all figures: what is assumed of a task is drawn alike wherever it is used.
_SEED = "opskit 1"
_DIGITS = 2


@dataclass(frozen=True, slots=True)
class Term:
    """`factor` times the inputs that are named."""

    factor: float
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A sum of terms; no term names an input twice, so it is linear in each of them."""

    terms: tuple[Term, ...]

    def at(self, values: Mapping[str, float]) -> float:
        """Return the sum where the inputs have these values."""
        return sum(term.factor * prod(values[name] for name in term.inputs) for term in self.terms)

    @property
    def inputs(self) -> frozenset[str]:
        """Return the names of all inputs."""
        return frozenset(name for term in self.terms for name in term.inputs)


class Spread(NamedTuple):
    """What a line comes to: below `low` in 5 of 100 rounds, above `high` in 5, half at `middle`."""

    low: float
    middle: float
    high: float


def sample(
    lines: Sequence[Line], inputs: Mapping[str, Triangular], rounds: int = ROUNDS
) -> tuple[tuple[float, ...], ...]:
    """Return each line's value in each round. All lines share what was drawn for an input."""
    wanted = sorted({name for line in lines for name in line.inputs})
    drawn = {name: _column(inputs[name], stream(f"{_SEED}/{name}"), rounds) for name in wanted}
    return tuple(tuple(_sums(line, drawn, rounds)) for line in lines)


def spread(values: Iterable[float]) -> Spread:
    """Return the 5th, 50th and 95th percentile: the smallest value that so many do not pass."""
    ordered = sorted(values)
    low, mid, high = (ordered[-(-len(ordered) * p // 100) - 1] for p in (5, 50, 95))
    return Spread(low, mid, high)


def break_even(line: Line, values: Mapping[str, float], name: str) -> float | None:
    """Return the value of one input at which the line is 0, the others being as given.

    None where the line does not depend on it.
    """
    at_zero = line.at({**values, name: 0.0})
    slope = line.at({**values, name: 1.0}) - at_zero
    return -at_zero / slope if slope else None


def sensitivity(line: Line, inputs: Mapping[str, Triangular], name: str) -> tuple[float, float]:
    """Return the line with one input at its low and at its high end, the others at their modes."""
    modes = {other: inputs[other].mode for other in line.inputs}
    low, high = inputs[name].low, inputs[name].high
    return line.at({**modes, name: low}), line.at({**modes, name: high})


def two_digits(value: float) -> Decimal:
    """Return a value with the two digits that an estimate deserves: 1234.5 as 1200."""
    exact = Decimal(value)
    if not exact:
        return Decimal(0)
    step = Decimal(1).scaleb(exact.adjusted() - _DIGITS + 1)
    rounded = (exact / step).to_integral_value(ROUND_HALF_EVEN) * step
    return rounded.normalize() + 0 if rounded else Decimal(0)


def _column(one: Triangular, source: Random, rounds: int) -> list[float]:
    return [one.at(source.random()) for _ in range(rounds)]


def _sums(line: Line, drawn: Mapping[str, list[float]], rounds: int) -> list[float]:
    total = [0.0] * rounds
    for term in line.terms:
        column = [term.factor] * rounds
        for name in term.inputs:
            column = [a * b for a, b in zip(column, drawn[name], strict=True)]
        total = [a + b for a, b in zip(total, column, strict=True)]
    return total
