"""Deviations beside incidents: put right first (F8a), and what leaving them may lead to (F8e)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import chain

from opskit.core.clock import Instant
from opskit.core.evidence import DriftEvidence, Evidence, recorded
from opskit.core.text import plural
from opskit.report.figures.fleet import NOT_CHECKED, looked
from opskit.report.figures.method import Methods
from opskit.report.figures.shape import Basis, Name, count, missing, number
from opskit.report.ground import Ground
from opskit.report.model import Bounds, Figure, Presence, Tag
from opskit.report.statistics.draws import beta, stream
from opskit.report.statistics.ranges import ROUNDS, spread, two_digits

EPISODES = Methods()
NO_DESK = "no incident is recorded anywhere: keep them at the desk, or import them"
# With fewer that were left open, what they lead to is anybody's guess.
_LEAST_LEFT_OPEN = 20
_BEFORE = Name("drift.before_incident", "Deviations put right before any incident")
_EXPECTED = Name("drift.expected_incidents", "Incidents such deviations led to, expected")


# When incidents began that name a thing, in order.
Named = Mapping[str, Sequence[Instant]]


def named(every: Iterable[Evidence]) -> Named:
    """Return when incidents began, by what each names: cause, fingerprint, change and service."""
    rows = (one for evidence in every if evidence.desk for one in evidence.desk.incidents)
    found: dict[str, set[Instant]] = {}
    for one in rows:
        for name in {one.cause, one.fingerprint, one.change, one.service} - {""}:
            found.setdefault(name, set()).add(one.started_at)
    return {name: sorted(starts) for name, starts in found.items()}


def linked(one: DriftEvidence, incidents: Named) -> bool:
    """Return whether an incident that names a deviation began before it was put right.

    It names it by its host, its control or `host/control`, and began after the host was last seen
    good, or after the check that found it.
    """
    since = one.detected_at if one.last_good_at is None else one.last_good_at
    for name in (one.host, one.control, f"{one.host}/{one.control}"):
        starts = incidents.get(name, ())
        index = bisect_left(starts, since)
        if index < len(starts) and (one.fixed_at is None or starts[index] < one.fixed_at):
            return True
    return False


def put_right(ground: Ground) -> list[DriftEvidence]:
    """Return the deviations that were put right in the period before any incident named them."""
    incidents = named((ground.before, ground.evidence))
    return [one for one in _fixed(ground) if not linked(one, incidents)]


def _fixed(ground: Ground) -> list[DriftEvidence]:
    end = ground.period.end
    return [one for one in ground.evidence.drifts if (one.fixed_at or end) < end]


@EPISODES.method("F8a", 1)
def before_incident(ground: Ground) -> Iterator[Figure]:
    """Deviations put right before any incident.

    Formula: deviations that a check of the period saw gone and that no incident names (cause,
        fingerprint, change or service being the host or the control) which began between the
        last good check and that one
    Unit: deviations
    Source: the checks of the period; incidents of the desk or of an import
    Not for: incidents prevented: nobody knows what a deviation would have led to
    """
    evidence = ground.evidence
    checks = looked(evidence.runs)
    if not (checks or evidence.drifts):
        yield missing(_BEFORE, "count", Presence.NOT_OBSERVED, NOT_CHECKED, Basis(()))
    elif not recorded(evidence.desk, "incidents"):
        nothing = Basis((), NO_DESK)
        yield missing(_BEFORE, "count", Presence.NOT_CONFIGURED, "not configured", nothing)
    else:
        early, fixed = put_right(ground), _fixed(ground)
        shown = f"{len(early)} of {len(fixed)}" if fixed else "none found"
        yield count(_BEFORE, len(early), Basis(early or fixed or checks), shown)


@EPISODES.method("F8e", 1)
def expected(ground: Ground) -> Iterator[Figure]:
    """What deviations of the same controls led to where they were left open.

    Formula: sum over controls of n p, n being the deviations put right before any incident; p from
        Beta(1/2 + x, 1/2 + y - x), y being own deviations of that control, of the period and the
        months before, that were never put right or that an incident came before, and x those an
        incident named; the 5th, 50th and 95th of 10,000 draws; only controls with y of 20 or more
    Unit: incidents
    Source: own checks and incidents; Jeffreys' prior
    Not for: incidents prevented: deviations put right were open for less time than those left open
    """
    checked = ground.evidence.drifts or looked(ground.evidence.runs)
    if not (checked and recorded(ground.evidence.desk, "incidents")):
        return
    incidents = named((ground.before, ground.evidence))
    left = [one for one in _episodes(ground) if one.fixed_at is None or linked(one, incidents)]
    every = Counter(one.control for one in left)
    led = Counter(one.control for one in left if linked(one, incidents))
    early = [one for one in put_right(ground) if every[one.control] >= _LEAST_LEFT_OPEN]
    if not early:
        most = max((every[one.control] for one in put_right(ground)), default=0)
        why = f"at most {most} of one control were left open, {_LEAST_LEFT_OPEN} are needed"
        basis = Basis(left, why, Tag.DERIVED)
        yield missing(_EXPECTED, "count", Presence.NOT_OBSERVED, "too few to tell", basis)
        return
    fixed = Counter(one.control for one in early)
    found = spread(_draws(fixed, led, every))
    low, mid, high = (two_digits(value) for value in found)
    bounds = Bounds(f"{low:f}", f"{high:f}", f"{low:f} to {high:f}", "5 to 95 of 100 draws")
    after, of = sum(led[name] for name in fixed), sum(every[name] for name in fixed)
    note = f"{plural(after, 'incident')} after {of} left open; {len(early)} put right"
    basis = Basis((*early, *left), note, Tag.DERIVED, bounds)
    yield number(_EXPECTED, Fraction(mid), "count", f"{mid:f}", basis)


def _draws(fixed: Counter[str], led: Counter[str], every: Counter[str]) -> Iterator[float]:
    """Yield how many incidents so many deviations of each control may have led to."""
    columns = [(n, _shares(name, led[name], every[name])) for name, n in sorted(fixed.items())]
    return (sum(n * next(column) for n, column in columns) for _ in range(ROUNDS))


def _shares(control: str, led: int, every: int) -> Iterator[float]:
    source = stream(f"F8e/{control}/{led}/{every}")
    return (beta(source, led + 0.5, every - led + 0.5) for _ in range(ROUNDS))


def _episodes(ground: Ground) -> list[DriftEvidence]:
    """Return each deviation once, as it was last seen: it may span months."""
    rows = chain(ground.before.drifts, ground.evidence.drifts)
    return list({(one.host, one.control, one.task, one.detected_at): one for one in rows}.values())
