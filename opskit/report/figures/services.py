"""How the services did: availability (F1) and error budget (F2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from opskit.core.clock import format_duration
from opskit.core.evidence import ServiceEvidence
from opskit.core.interval import DEGRADED_WEIGHT, Totals, availability, percent
from opskit.core.text import plural
from opskit.report.figures.comparing import Better, Comparing, Per
from opskit.report.figures.method import Methods
from opskit.report.figures.shape import Basis, Name, count, missing, number, share, time
from opskit.report.ground import Ground
from opskit.report.model import Bounds, Figure, Presence
from opskit.report.statistics.process import Scale

SERVICES = Methods()
INSUFFICIENT = "insufficient data"


def meets(service: ServiceEvidence) -> bool | None:
    """Return whether the objective was met, with certainty; nothing where it cannot be said."""
    return availability(service.timeline).meets(service.objective, service.edge)


def overspent(service: ServiceEvidence) -> int:
    """Return by how much more than its target allows a service was down; below 0 if by less."""
    spent = availability(service.timeline).totals
    allowed = (1 - (service.objective or 1)) * spent.in_scope
    return int(spent.down + DEGRADED_WEIGHT * spent.degraded - allowed)


@SERVICES.method("F1a", 1)
def objectives(ground: Ground) -> Iterator[Figure]:
    """Targets met.

    Formula: services whose lower bound of availability is at or above their target
    Unit: services
    Source: the target of each service, its objective in services.yaml; availability as in F1
    Not for: how far a service is from its target, or how much a missed one cost
    """
    services = ground.evidence.services
    promised = [service for service in services if service.objective is not None]
    verdicts = [meets(service) for service in promised]
    unclear = verdicts.count(None)
    name = Name("objectives.met", "Targets met")
    if not promised:
        why = "no service has a target" if services else "no service is monitored"
        shown = "none set" if services else "not configured"
        yield missing(name, "count", Presence.NOT_CONFIGURED, shown, Basis(services, why))
        return
    said = f"{plural(unclear, 'service')} cannot be judged" if unclear else ""
    met = verdicts.count(True)
    yield count(name, met, Basis(promised, said), f"{met} of {len(promised)}")


@SERVICES.method("F1b", 1, Comparing(Scale.LOGARITHMIC, Better.LOWER, Per.DAY))
def downtime(ground: Ground) -> Iterator[Figure]:
    """Downtime of all services together.

    Formula: sum over services of the time in state down; an outage runs from its first failed try
        to the first good one
    Unit: microseconds
    Source: the spells of each target, as `opskit explain` lists them
    Not for: what people lost: a service at night and one at noon count alike
    """
    services = ground.evidence.services
    name = Name("downtime.total", "Downtime, all services")
    times = [availability(service.timeline).totals for service in services]
    total, observed = sum(one.down for one in times), sum(one.known > 0 for one in times)
    basis = Basis(services, _downtime_note(services, observed))
    if services and observed:
        yield time(name, total, basis, "" if total else "none seen")
    elif services:
        yield missing(name, "microseconds", Presence.NOT_OBSERVED, percent(None), basis)


def _downtime_note(services: Sequence[ServiceEvidence], observed: int) -> str:
    edge = sum(service.edge for service in services)
    seen = f"{observed} of {plural(len(services), 'service')} observed"
    off = f"outage edges lie between two probes: at most {format_duration(edge)} off"
    return "; ".join([*([seen] if observed < len(services) else []), *([off] if edge else [])])


@SERVICES.method("F1", 2)
def availabilities(ground: Ground) -> Iterator[Figure]:
    """Availability of each service.

    Formula: (up + degraded / 2) / (up + degraded + down); low counts unknown time as down, high as
        up; maintenance and time before monitoring are in neither; the note says what it would be
        with maintenance counted as down
    Unit: share of the time that counts
    Source: the interval rules of core/interval.py
    Not for: a service of which less than 95 % of the time was observed; a comparison of services
        that are probed in different ways
    """
    for service in ground.evidence.services:
        yield availability_figure(service)


def availability_figure(service: ServiceEvidence) -> Figure:
    """Return a service's availability over the period its timeline covers."""
    result = availability(service.timeline)
    name = Name(f"availability.{service.name}", f"Availability of {service.name}")
    if result.coverage is None:
        return missing(name, "ratio", Presence.NOT_OBSERVED, percent(None), Basis((service,)))
    note = f"{percent(result.coverage, 1)} of the time was observed"
    if result.value is None or not result.sufficient:
        basis = Basis((service,), note)
        return missing(name, "ratio", Presence.NOT_OBSERVED, INSUFFICIENT, basis)
    low, high = result.low, result.high
    shown = f"{percent(low)} to {percent(high)}"
    bounds = Bounds(str(low), str(high), shown, "unobserved time counted as down, and as up")
    basis = Basis((service,), note + _strictly(result.value, result.totals), bounds=bounds)
    return share(name, result.value, percent(result.value), basis)


def _strictly(value: Fraction, spent: Totals) -> str:
    """Return what a value would be if announced maintenance were no excuse, where there was any."""
    if not spent.maintenance:
        return ""
    strict = value * Fraction(spent.known, spent.known + spent.maintenance)
    return f"; {percent(strict)} with maintenance counted as down"


@SERVICES.method("F2", 1)
def budgets(ground: Ground) -> Iterator[Figure]:
    """Error budget of each service that promises something, and what is left of it.

    Formula: (1 - target) x (period - maintenance - time before monitoring) - down - degraded / 2
    Unit: microseconds; less than nothing if the target was missed
    Source: the target of the service, its objective in services.yaml; downtime as in F1
    Not for: time that could have been down and was not: being inside the budget avoids nothing
    """
    for service in ground.evidence.services:
        if service.objective is not None:
            yield _budget(service, service.objective)


def _budget(service: ServiceEvidence, objective: Fraction) -> Figure:
    result = availability(service.timeline)
    name = Name(f"budget.{service.name}", f"Error budget left of {service.name}")
    spent = result.totals
    if not result.sufficient:
        basis = Basis((service,))
        return missing(name, "microseconds", Presence.NOT_OBSERVED, INSUFFICIENT, basis)
    allowed = (1 - objective) * spent.in_scope
    left = allowed - spent.down - DEGRADED_WEIGHT * spent.degraded
    note = f"of {format_duration(int(allowed))}"
    bounds = None
    if spent.unknown:
        low = left - spent.unknown
        shown = f"{_left(int(low))} to {_left(int(left))}"
        kind = "unobserved time counted as down, and as up"
        bounds = Bounds(str(low), str(left), shown, kind)
    basis = Basis((service,), note, bounds=bounds)
    return number(name, left, "microseconds", _shown(int(left)), basis)


def _shown(left: int) -> str:
    """Return what is left of a budget; what was used beyond it is told in words, not by a sign."""
    return f"{format_duration(-left)} over" if left < 0 else format_duration(left)


def _left(left: int) -> str:
    return _shown(left) if left < 0 else f"{_shown(left)} left"
