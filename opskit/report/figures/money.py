"""Money, where somebody asked for it: three columns that are never added up (F19)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from opskit.report.assumptions import Assumption
from opskit.report.figures.handwork import Balance, balance
from opskit.report.figures.method import Methods
from opskit.report.figures.shape import Basis, Name, missing, number
from opskit.report.ground import Ground
from opskit.report.model import Bounds, Figure, Presence, Tag
from opskit.report.statistics.draws import Triangular
from opskit.report.statistics.ranges import (
    Line,
    Term,
    break_even,
    sample,
    sensitivity,
    spread,
    two_digits,
)

MONEY = Methods()
RELEASED, RATE, COST = "cash.", "rate.hour", "cost.month"
_HOUR = 60


@MONEY.method("F19a", 1)
def cash_released(ground: Ground) -> Iterator[Figure]:
    """Money that is no longer paid.

    Formula: each row of the assumptions named `cash.*`, as it stands
    Unit: the currency of the assumptions
    Source: an invoice or contract that is no more, named by whoever stands for the row
    Not for: anything that is not on somebody's ledger already
    """
    if ground.assumptions.currency:
        for name in sorted(ground.assumptions.numbers):
            if name.startswith(RELEASED):
                yield _released(ground, name)


def _released(ground: Ground, row: str) -> Figure:
    name = Name(f"money.{row}", f"Cash released: {row.removeprefix(RELEASED)}")
    one, currency = ground.assumptions.holding(row, ground.last_day), ground.assumptions.currency
    if one is None:
        expired = Basis((), "nobody stands for it any more", Tag.ASSUMED)
        return missing(name, currency, Presence.NOT_CONFIGURED, "assumption expired", expired)
    low, mid, high = (Decimal(value) for value in (one.value.low, one.value.mode, one.value.high))
    return amount(name, (low, mid, high), currency, _said_by(one))


def _said_by(one: Assumption) -> Basis:
    return Basis((), f"{one.source}; {one.owner} stands for it", Tag.ASSUMED)


@MONEY.method("F19b", 1)
def capacity(ground: Ground) -> Iterator[Figure]:
    """What the hand work that was avoided would have cost, were it paid by the hour.

    Formula: hours of hand work avoided (F6) x rate an hour; the 5th, 50th and 95th of 10,000 draws,
        which share what was drawn for each task with F6; the note says which input decides, and at
        which rate the tool's own cost is met
    Unit: the currency of the assumptions
    Source: the row `rate.hour`, and `cost.month` for the cost of the tool, of the assumptions
    Not for: money in the bank: people who have time are still paid
    """
    found, rate = balance(ground), ground.assumptions.holding(RATE, ground.last_day)
    currency = ground.assumptions.currency
    if not currency or RATE not in ground.assumptions.numbers:
        return
    name = Name("money.capacity", "Capacity, at a rate an hour")
    if rate is None or found is None:
        why = "the hours are not known" if rate else "nobody stands for the rate any more"
        yield missing(
            name, currency, Presence.NOT_OBSERVED, "not known", Basis((), why, Tag.ASSUMED)
        )
        return
    line, inputs = paid(found), {**found.inputs, RATE: rate.value}
    (drawn,) = sample([line], inputs)
    low, mid, high = (two_digits(value) for value in spread(drawn))
    words = [f"decided most by {_decisive(line, inputs)}", *_met(line, inputs, ground)]
    basis = Basis(found.rows, "; ".join(words), Tag.ASSUMED)
    yield amount(name, (low, mid, high), currency, basis)


def paid(found: Balance) -> Line:
    """Return the money that hand work would have cost, with the rate as one more input."""
    terms = found.line.terms
    return Line(tuple(Term(one.factor / _HOUR, (*one.inputs, RATE)) for one in terms))


def _decisive(line: Line, inputs: Mapping[str, Triangular]) -> str:
    """Return the input that moves the sum most from its low end to its high end."""
    width = {name: abs(b - a) for name in inputs for a, b in [sensitivity(line, inputs, name)]}
    return max(sorted(width), key=width.__getitem__)


def _met(line: Line, inputs: Mapping[str, Triangular], ground: Ground) -> Iterator[str]:
    """Yield from which rate on the tool's cost is met, if somebody says what it costs."""
    cost = ground.assumptions.holding(COST, ground.last_day)
    if cost is not None:
        modes = {name: one.mode for name, one in inputs.items()}
        rate = break_even(Line((*line.terms, Term(-cost.value.mode))), modes, RATE)
        if rate is not None and rate > 0:
            currency = ground.assumptions.currency
            yield f"worth its cost from {two_digits(rate):f} {currency} an hour on"


def amount(name: Name, amounts: Sequence[Decimal], currency: str, basis: Basis) -> Figure:
    """Return an amount of money: its low end, its middle and its high end."""
    low, mid, high = (f"{one:,f}" for one in amounts)
    exact = [str(Fraction(one)) for one in amounts]
    shown = f"{low} to {high} {currency}"
    bounds = Bounds(exact[0], exact[2], shown, "5 to 95 of 100 draws, or as it was assumed")
    told = Basis(basis.rows, basis.note, basis.tag, bounds)
    return number(name, Fraction(amounts[1]), currency, f"{mid} {currency}", told)
