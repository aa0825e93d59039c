"""Whether acting on warnings is worth what it takes (F9b): the threshold first, then the sum."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from math import inf, isinf

from opskit.core.clock import MINUTE, Duration
from opskit.core.evidence import PredictionEvidence, recorded
from opskit.core.text import plural
from opskit.report.figures.handwork import ByHand, by_hand
from opskit.report.figures.method import Methods
from opskit.report.figures.shape import Basis, Name, missing, number, signed
from opskit.report.figures.warnings import LetBe, acted_on, came_to_nothing, let_be
from opskit.report.ground import Ground
from opskit.report.model import Bounds, Figure, Presence, Tag
from opskit.report.statistics.ranges import Line, Spread, Term, sample, spread, two_digits

WORTH = Methods()
# Tasks: what looking into a warning takes by hand, and what putting a failure right does.
WARNING, FAILURE = "warning", "failure"
_WORTH = Name("predictions.worth", "Acting on warnings pays if a failure takes more than")
_NET = Name("predictions.net", "Hand work that acting on warnings avoided, net")


@dataclass(frozen=True)
class Acting:
    """What acting on warnings of a period took, and what it prevented as far as can be told."""

    acted: Sequence[PredictionEvidence]
    false: Sequence[PredictionEvidence]
    ignored: LetBe

    @property
    def rows(self) -> tuple[PredictionEvidence, ...]:
        """Return every prediction that it rests on."""
        return (*self.acted, *self.false, *self.ignored.rows)

    @property
    def looked_into(self) -> int:
        """Return how many warnings took somebody's time: those acted on, and the false ones."""
        return len(self.acted) + len(self.false)

    @property
    def words(self) -> str:
        """Return how many warnings there were."""
        return f"{plural(len(self.acted), 'warning')} acted on, {len(self.false)} false"

    @property
    def refused(self) -> str:
        """Return why nothing can be told of what it prevented; empty if it can."""
        return self.ignored.too_few or ("" if self.acted else "no warning was acted on")

    @cached_property
    def prevented(self) -> tuple[float, ...]:
        """Return how many failures it prevented, in each of all rounds."""
        n, failed = len(self.acted), sum(one.failed_at is not None for one in self.acted)
        return tuple(n * p - failed for p in self.ignored.draws())

    def pays_from(self, costs: Sequence[float]) -> Spread:
        """Return from which price of a failure on it pays; no end where it prevented nothing."""
        pairs = zip(costs, self.prevented, strict=True)
        return spread(cost / many if many > 0 else inf for cost, many in pairs)

    def net(self, costs: Sequence[float], prices: Sequence[float]) -> Spread:
        """Return what it was worth at a price of a failure, less what looking took."""
        drawn = zip(costs, prices, self.prevented, strict=True)
        return spread(many * price - cost for cost, price, many in drawn)


def acting(ground: Ground) -> Acting:
    """Return what was acted on in a period."""
    return Acting(acted_on(ground), came_to_nothing(ground), let_be(ground))


def not_assumed(names: Sequence[str], ground: Ground) -> str:
    """Return which rows are missing of those that any of them would do, and why."""
    over = [name for name in names if name in ground.assumptions.numbers]
    told = " or ".join(over or names)
    return f"nobody stands for {told} any more" if over else f"nobody assumes {told}"


@WORTH.method("F9b", 2)
def worth(ground: Ground) -> Iterator[Figure]:
    """From which cost of a failure on acting on warnings pays, and what it avoided net of that.

    Formula: pays from (acted + false) c / (acted p - failed all the same) on, c being the minutes
        that looking into a warning takes; net = (acted p - failed all the same) C - (acted + false)
        c, C being the minutes that a failure takes; p as in F9; the 5th, 50th and 95th of 10,000
        draws
    Unit: minutes of hand work
    Source: five timed runs or more of the tasks `warning` and `failure`, else the rows
        `minutes.warning` and `minutes.failure` of the assumptions
    Not for: adding to F6, or fewer than 20 warnings that nobody acted on; whoever is spared a
        failure may have lost more than the minutes of those who put it right
    """
    if not recorded(ground.evidence.warnings, "predictions"):
        return
    found, cost = acting(ground), by_hand(WARNING, ground)
    if cost is None:
        why = not_assumed((f"minutes.{WARNING}",), ground)
        yield missing(
            _WORTH, "minutes", Presence.NOT_CONFIGURED, "not known",
            Basis(found.rows, f"what looking into one takes: {why}", Tag.DERIVED),
        )  # fmt: skip
        return
    if found.refused:
        basis = Basis(found.rows, found.refused, cost.tag)
        yield missing(_WORTH, "minutes", Presence.NOT_OBSERVED, "too few to tell", basis)
        return
    price = by_hand(FAILURE, ground)
    inputs = {WARNING: cost.value}
    (costs,) = sample([Line((Term(float(found.looked_into), (WARNING,)),))], inputs)
    yield _threshold(found, cost, found.pays_from(costs))
    if price is not None:
        (prices,) = sample([Line((Term(1.0, (FAILURE,)),))], {FAILURE: price.value})
        yield _net(found, (cost, price), found.net(costs, prices))


def _threshold(found: Acting, cost: ByHand, at: Spread) -> Figure:
    rows = (*found.rows, *cost.rows)
    if isinf(at.middle):
        why = f"{found.words}: it is as likely as not that nothing was prevented"
        basis = Basis(rows, why, cost.tag)
        return missing(_WORTH, "minutes", Presence.NOT_OBSERVED, "cannot be told", basis)
    low, mid = two_digits(at.low), two_digits(at.middle)
    shown = f"{_minutes(low)} to {ended(at, _minutes)}"
    bounds = Bounds(str(Fraction(low)), end_of(at), shown, "5 to 95 of 100 draws")
    basis = Basis(rows, found.words, cost.tag, bounds)
    return number(_WORTH, Fraction(mid), "minutes", _minutes(mid), basis)


def _net(found: Acting, known: tuple[ByHand, ByHand], at: Spread) -> Figure:
    low, mid, high = (two_digits(value) for value in at)
    shown = f"{_minutes(low)} to {_minutes(high)}"
    bounds = Bounds(str(Fraction(low)), str(Fraction(high)), shown, "5 to 95 of 100 draws")
    rows = (*found.rows, *(row for one in known for row in one.rows))
    basis = Basis(rows, found.words, Tag.weakest(one.tag for one in known), bounds)
    return number(_NET, Fraction(mid), "minutes", _minutes(mid), basis)


def ended(at: Spread, shown: Callable[[Decimal], str]) -> str:
    """Return the upper end of a threshold in words."""
    return "no end" if isinf(at.high) else shown(two_digits(at.high))


def end_of(at: Spread) -> str:
    """Return the upper end of a threshold, exact; empty where it has none."""
    return "" if isinf(at.high) else str(Fraction(two_digits(at.high)))


def _minutes(at: Decimal) -> str:
    return signed(Duration(round(at * MINUTE)))
