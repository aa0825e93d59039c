"""Random numbers for ranges: the same draws from the same seed on every machine and version. Pure.

Python promises the stream of `random.Random(seed).random()` for ever, and nothing of its
distributions; these are made from that stream by functions that are the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from math import sqrt
from random import Random

from opskit.report.statistics.functions import exp, ln


@dataclass(frozen=True, slots=True)
class Triangular:
    """What a person knows of a number: it is not below `low`, nor above `high`, likely `mode`.

    By the inverse of its distribution: Kotz and van Dorp, "Beyond Beta", 2004, 1.2.
    """

    low: float
    mode: float
    high: float

    def __post_init__(self) -> None:
        """Refuse what is in no order."""
        if not self.low <= self.mode <= self.high:
            message = f"not in order: {self.low}, {self.mode}, {self.high}"
            raise ValueError(message)

    def at(self, chance: float) -> float:
        """Return the value that it stays below with that chance."""
        width = self.high - self.low
        if not width:
            return self.low
        left = (self.mode - self.low) / width
        if chance < left:
            return self.low + width * sqrt(chance * left)
        return self.high - width * sqrt((1 - chance) * (1 - left))


def stream(seed: str) -> Random:
    """Return the stream of a seed; it is for estimates, and no secret is made of it."""
    digest = sha256(seed.encode()).digest()
    return Random(int.from_bytes(digest, "big"))  # noqa: S311  # repeatable on purpose


def normal(source: Random) -> float:
    """Return a standard normal value, by Marsaglia's polar method (SIAM Review 6, 1964)."""
    while True:
        u, v = 2 * source.random() - 1, 2 * source.random() - 1
        square = u * u + v * v
        if 0 < square < 1:
            return u * sqrt(-2 * ln(square) / square)


def gamma(source: Random, shape: float) -> float:
    """Return a gamma value of scale 1; Marsaglia and Tsang, ACM TOMS 26, 2000.

    A shape below 1 is drawn one higher and put down by u^(1/shape), as they say in section 6.
    """
    if shape < 1:
        return gamma(source, shape + 1) * exp(ln(1 - source.random()) / shape)
    third = shape - 1 / 3
    scale = 1 / sqrt(9 * third)
    while True:
        x = normal(source)
        v = (1 + scale * x) ** 3
        if v > 0 and ln(1 - source.random()) < x * x / 2 + third * (1 - v + ln(v)):
            return third * v


def beta(source: Random, a: float, b: float) -> float:
    """Return a beta value: one gamma value's share of two."""
    one, other = gamma(source, a), gamma(source, b)
    return one / (one + other)
