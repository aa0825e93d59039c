"""What was renewed before it ran out (F11), and what people let run out before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from opskit.core.clock import Duration, Instant, format_duration
from opskit.core.evidence import RenewalEvidence, WarningEvidence, recorded
from opskit.core.text import plural
from opskit.report.assumptions import Assumption
from opskit.report.figures.method import Methods
from opskit.report.figures.shape import Basis, Name, count, missing, number, time
from opskit.report.figures.warnings import NO_ALERTS
from opskit.report.ground import Ground
from opskit.report.model import Bounds, Figure, Presence, Tag
from opskit.report.statistics.draws import beta, stream
from opskit.report.statistics.ranges import ROUNDS, Line, Term, sample, spread, two_digits

RENEWALS = Methods()
MISSED = "share.renewals-missed"
# With fewer that people had to remember, how many they forget is anybody's guess.
_LEAST_BY_HAND = 20
_EXPECTED = Name("renewals.expected_misses", "Would have run out, had people had to remember it")


def renewed_in_time(ground: Ground) -> list[RenewalEvidence]:
    """Return what was renewed in the period before its end came."""
    return [
        one
        for one in (ground.evidence.warnings or WarningEvidence()).renewals
        if one.renewed_at is not None
        and _within(one.renewed_at, ground)
        and not one.missed(ground.period.end)
    ]


@RENEWALS.method("F11", 1)
def renewals(ground: Ground) -> Iterator[Figure]:
    """Renewals in time, and how close they came.

    Formula: what was renewed in the period before its end came; days left at renewal; what ran out
        in service
    Unit: renewals, and microseconds left
    Source: certificates as the probes saw them, and the calendar of renewals
    Not for: outages prevented: that something renews itself does not mean it would have run out
    """
    name = Name("renewals.in_time", "Renewed in time")
    if not recorded(ground.evidence.warnings, "renewals"):
        nothing = Basis((), NO_ALERTS)
        yield missing(name, "count", Presence.NOT_CONFIGURED, "not configured", nothing)
        return
    rows, in_time = ground.evidence.warnings.renewals, renewed_in_time(ground)
    late = [one for one in rows if one.missed(ground.period.end) and _within(one.ends_at, ground)]
    yield count(name, len(in_time), Basis(in_time or rows))
    yield count(Name("renewals.missed", "Ran out in service"), len(late), Basis(late))
    left = sorted(_left(one) for one in in_time)
    if left:
        tenth = left[-(-len(left) // 10) - 1]
        note = f"nine of ten had {format_duration(tenth)} or more"
        title = "Least time left at a renewal"
        yield time(Name("renewals.least_left", title), left[0], Basis(in_time, note))


def _left(one: RenewalEvidence) -> Duration:
    return Duration(one.ends_at - (one.renewed_at or one.ends_at))


def _within(at: Instant, ground: Ground) -> bool:
    return ground.period.start <= at < ground.period.end


@dataclass(frozen=True, slots=True)
class _ByHand:
    """How often people let something run out: by kind as it was seen, else as it is assumed."""

    kept: Counter[str]
    missed: Counter[str]
    rows: Mapping[str, Sequence[RenewalEvidence]]
    assumed: Assumption | None

    def enough(self, kind: str) -> bool:
        return self.kept[kind] + self.missed[kind] >= _LEAST_BY_HAND

    def draws(self, kind: str) -> Sequence[float] | None:
        """Return the share of a kind that people let run out, as it may be; None: not known."""
        if self.enough(kind):
            x, rest = self.missed[kind], self.kept[kind]
            source = stream(f"F11a/{kind}/{x}/{rest}")
            return [beta(source, x + 0.5, rest + 0.5) for _ in range(ROUNDS)]
        if self.assumed is None:
            return None
        (drawn,) = sample([Line((Term(1.0, (MISSED,)),))], {MISSED: self.assumed.value})
        return drawn

    def words(self, kinds: Iterable[str]) -> Iterator[str]:
        """Yield what the share of each kind rests on: how many by hand, or whose word."""
        told = list(kinds)
        for kind in filter(self.enough, told):
            yield f"{kind}: {self.missed[kind]} of {len(self.rows[kind])} by hand"
        if self.assumed is not None and not all(map(self.enough, told)):
            yield f"{self.assumed.source}; {self.assumed.owner} stands for it"


def _by_hand(ground: Ground) -> _ByHand:
    """Return what became of what people had to remember in the months before."""
    told = (ground.before.warnings or WarningEvidence()).renewals
    rows = {(one.kind, one.name, one.ends_at): one for one in told if one.by_hand}
    kept, missed = Counter[str](), Counter[str]()
    decided: dict[str, list[RenewalEvidence]] = {}
    for one in rows.values():
        if one.missed(ground.period.start):
            missed[one.kind] += 1
        elif one.renewed_at is not None:
            kept[one.kind] += 1
        else:
            continue
        decided.setdefault(one.kind, []).append(one)
    return _ByHand(kept, missed, decided, ground.assumptions.holding(MISSED, ground.last_day))


@RENEWALS.method("F11a", 1)
def expected_misses(ground: Ground) -> Iterator[Figure]:
    """What would have run out, had people had to remember it.

    Formula: sum over kinds of n p, n being what renewed itself in time in the period; p from
        Beta(1/2 + x, 1/2 + y - x), y being what people renewed or let run out of that kind in the
        months before, 20 or more, and x what ran out; with fewer, p as the row
        `share.renewals-missed` of the assumptions has it; the 5th, 50th and 95th of 10,000 draws
    Unit: renewals
    Source: own renewals by hand from before something renewed itself; Jeffreys' prior
    Not for: outages prevented: what runs out is often noticed at once, and nobody may depend on it
    """
    if not recorded(ground.evidence.warnings, "renewals"):
        return
    in_time = renewed_in_time(ground)
    unclear = sum(one.by_hand is None for one in in_time)
    by_itself = [one for one in in_time if one.by_hand is False]
    if not by_itself:
        if unclear:
            why = f"of {plural(unclear, 'renewal')} nobody says whether it was by hand"
            yield missing(
                _EXPECTED, "count", Presence.NOT_OBSERVED, "not known", Basis(in_time, why)
            )
        return
    known = _by_hand(ground)
    kinds = sorted({one.kind for one in by_itself})
    shares = {kind: drawn for kind in kinds if (drawn := known.draws(kind)) is not None}
    if shares:
        yield _expected(shares, known, by_itself, unclear)
    else:
        yield _nothing_before(ground, known, by_itself)


def _nothing_before(ground: Ground, known: _ByHand, rows: Sequence[RenewalEvidence]) -> Figure:
    """Return what is missing: renewals by hand of before, or somebody's word."""
    most = max(len(known.rows.get(one.kind, ())) for one in rows)
    over = MISSED in ground.assumptions.numbers
    said = f"nobody stands for {MISSED} any more" if over else f"nobody assumes {MISSED}"
    why = f"{most} by hand before, {_LEAST_BY_HAND} are needed; {said}"
    basis = Basis(rows, why, Tag.DERIVED)
    return missing(_EXPECTED, "count", Presence.NOT_OBSERVED, "too few to tell", basis)


def _expected(
    shares: Mapping[str, Sequence[float]],
    known: _ByHand,
    by_itself: Sequence[RenewalEvidence],
    unclear: int,
) -> Figure:
    """Return how many of them would have run out, by the share of each kind as it was drawn."""
    n = Counter(one.kind for one in by_itself if one.kind in shares)
    columns = [[n[kind] * share for share in column] for kind, column in shares.items()]
    drawn = zip(*columns, strict=True)
    low, mid, high = (two_digits(value) for value in spread(map(sum, drawn)))
    bounds = Bounds(
        str(Fraction(low)), str(Fraction(high)), f"{low:f} to {high:f}", "5 to 95 of 100 draws"
    )
    seen = [kind for kind in shares if known.enough(kind)]
    counted = [one for one in by_itself if one.kind in shares]
    left = len(by_itself) - len(counted) + unclear
    words = [f"{len(counted)} renewed without a person", *known.words(shares)]
    words += [f"{left} left out: nothing is known of them by hand"] if left else []
    tag = Tag.DERIVED if len(seen) == len(shares) else Tag.ASSUMED
    rows = (*counted, *(row for kind in seen for row in known.rows[kind]))
    basis = Basis(rows, "; ".join(words), tag, bounds)
    return number(_EXPECTED, Fraction(mid), "count", f"{mid:f}", basis)
