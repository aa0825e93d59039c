"""Money that was not lost, as far as a model can tell (F19c): the third column, never added."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from math import isinf

from opskit.core.clock import HOUR
from opskit.core.evidence import recorded
from opskit.report.figures.handwork import ByHand, by_hand
from opskit.report.figures.incidents import time_saved
from opskit.report.figures.method import Methods
from opskit.report.figures.money import COST, RATE, amount
from opskit.report.figures.shape import Basis, Name, missing
from opskit.report.figures.worth import FAILURE, WARNING, Acting, acting, ended, not_assumed
from opskit.report.ground import Ground
from opskit.report.model import Figure, Presence, Tag
from opskit.report.statistics.draws import Triangular
from opskit.report.statistics.ranges import Line, Term, sample, spread, two_digits

AVOIDED = Methods()
# What one failure costs whoever it hits, and what one hour down does, in the currency.
FAILED, DOWN = "cost.failure", "cost.hour-down"
_MINUTES = 60
_WARNINGS = Name("money.avoided.warnings", "Avoided by acting on warnings, net")
_DOWNTIME = Name("money.avoided.downtime", "Avoided: less time lost than in the baseline")


@AVOIDED.method("F19c", 2)
def avoided(ground: Ground) -> Iterator[Figure]:
    """What would have been lost, by a model and a price that somebody stands for.

    Formula: failures prevented (F9) x cost of a failure - warnings looked into x minutes of one x
        rate an hour; hours not lost beside the baseline (F4) x cost of an hour down; the 5th, 50th
        and 95th of 10,000 draws, which share what was drawn for an input with all other lines; the
        note says from which price on it pays, which needs nobody to know the price
    Unit: the currency of the assumptions
    Source: the rows `cost.failure`, or `minutes.failure` at `rate.hour`; `minutes.warning` at
        `rate.hour`; `cost.hour-down`; `cost.month` for the cost of the tool
    Not for: adding to cash released, to capacity, or one to the other: a failure that was prevented
        is time that was not lost, too; nothing of it stands on an invoice
    """
    if not ground.assumptions.currency:
        return
    numbers = ground.assumptions.numbers
    asked = {FAILED, f"minutes.{WARNING}", f"minutes.{FAILURE}"}.intersection(numbers)
    if asked and recorded(ground.evidence.warnings, "predictions"):
        yield _by_warnings(ground)
    if {DOWN, COST}.intersection(numbers) and recorded(ground.evidence.desk, "incidents"):
        yield from _by_downtime(ground)


def _unknown(name: Name, ground: Ground, basis: Basis) -> Figure:
    return missing(name, ground.assumptions.currency, Presence.NOT_OBSERVED, "not known", basis)


# By acting on warnings


def _by_warnings(ground: Ground) -> Figure:
    found, took = acting(ground), by_hand(WARNING, ground)
    rate = ground.assumptions.holding(RATE, ground.last_day)
    if found.refused:
        return _unknown(_WARNINGS, ground, Basis(found.rows, found.refused, Tag.ASSUMED))
    if took is None or rate is None:
        why = not_assumed((RATE if took else f"minutes.{WARNING}",), ground)
        return _unknown(_WARNINGS, ground, Basis(found.rows, why, Tag.ASSUMED))
    price, priced = _price(ground)
    inputs = {WARNING: took.value, RATE: rate.value, **priced}
    cost = Line((Term(found.looked_into / _MINUTES, (WARNING, RATE)),))
    costs, *prices = sample([cost, *price], inputs)
    rows = (*found.rows, *took.rows)
    pays = _pays(found, costs, ground)
    if not prices:
        why = not_assumed((FAILED, f"minutes.{FAILURE}"), ground)
        return _unknown(_WARNINGS, ground, Basis(rows, f"{pays}; {why}", Tag.ASSUMED))
    low, mid, high = (two_digits(value) for value in found.net(costs, prices[0]))
    basis = Basis(rows, "; ".join((pays, *_doubt(low), found.words)), Tag.ASSUMED)
    return amount(_WARNINGS, (low, mid, high), ground.assumptions.currency, basis)


def _price(ground: Ground) -> tuple[Sequence[Line], Mapping[str, Triangular]]:
    """Return what a failure costs, with its inputs: as it is assumed, else by the hour."""
    assumed = ground.assumptions.holding(FAILED, ground.last_day)
    if assumed is not None:
        return [Line((Term(1.0, (FAILED,)),))], {FAILED: assumed.value}
    took: ByHand | None = by_hand(FAILURE, ground)
    if took is None:
        return [], {}
    return [Line((Term(1 / _MINUTES, (FAILURE, RATE)),))], {FAILURE: took.value}


def _pays(found: Acting, costs: Sequence[float], ground: Ground) -> str:
    """Return from which price of a failure on it pays: whoever reads it knows what one costs."""
    at = found.pays_from(costs)
    if isinf(at.middle):
        return "it is as likely as not that nothing was prevented"
    currency = ground.assumptions.currency
    between = f"{_plain(two_digits(at.low))} to {ended(at, _plain)}"
    middle = _plain(two_digits(at.middle))
    return f"pays if a failure costs more than {middle} {currency} ({between})"


def _doubt(low: Decimal) -> Sequence[str]:
    """Return that an amount may be none, where its low end is."""
    return ["it may be less than nothing"] if low < 0 else []


def _plain(at: Decimal) -> str:
    return f"{at:,f}"


# By less time lost


def _by_downtime(ground: Ground) -> Iterator[Figure]:
    saved = time_saved(ground)
    price = ground.assumptions.holding(DOWN, ground.last_day)
    wanted = DOWN in ground.assumptions.numbers
    if saved.why:
        # Nobody asked what it is worth, and there is nothing to tell a threshold of.
        if wanted:
            yield _unknown(_DOWNTIME, ground, Basis(saved.rows, saved.why, Tag.ASSUMED))
        return
    hours = [one / HOUR for one in saved.draws]
    pays = _worth_it(spread(hours).middle, ground)
    if price is None:
        words = "; ".join(filter(None, (pays, not_assumed((DOWN,), ground))))
        yield _unknown(_DOWNTIME, ground, Basis(saved.rows, words, Tag.ASSUMED))
        return
    (prices,) = sample([Line((Term(1.0, (DOWN,)),))], {DOWN: price.value})
    found = spread(a * b for a, b in zip(hours, prices, strict=True))
    low, mid, high = (two_digits(value) for value in found)
    said = f"{price.source}; {price.owner} stands for it"
    words = "; ".join(filter(None, (pays, *_doubt(low), said)))
    basis = Basis(saved.rows, words, Tag.ASSUMED)
    yield amount(_DOWNTIME, (low, mid, high), ground.assumptions.currency, basis)


def _worth_it(hours: float, ground: Ground) -> str:
    """Return from which price of an hour down on the tool's own cost is met, if it is known."""
    cost = ground.assumptions.holding(COST, ground.last_day)
    if cost is None:
        return ""
    if hours <= 0:
        return "at no price of an hour: no time was saved"
    price = two_digits(cost.value.mode / hours)
    return f"pays if an hour down costs more than {_plain(price)} {ground.assumptions.currency}"
