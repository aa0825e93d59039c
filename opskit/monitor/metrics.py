"""What the monitor shows of services and targets: as they are now, and over their windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from zoneinfo import ZoneInfo

from opskit.core.calendar import month
from opskit.core.clock import DAY, HOUR, MINUTE, SECOND, Instant, to_datetime
from opskit.core.interval import Availability, Interval, State, Timeline, availability, clip, totals
from opskit.core.metrics import Family, Labels, counter, gauge, one, states
from opskit.monitor.budget import BURN_WINDOWS, Budget, burn_rates
from opskit.monitor.catalogue import Catalogue, Objective
from opskit.monitor.maintenance import Planned, planned
from opskit.monitor.status import TargetStatus, statuses
from opskit.monitor.store import counts, gaps
from opskit.monitor.uptime import Past
from opskit.monitor.windows import window_of
from opskit.outside.database import Database

_LENGTHS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"))


@dataclass(frozen=True)
class Watched:
    """What is needed to say how the services of a catalogue are."""

    database: Database
    catalogue: Catalogue
    zone: ZoneInfo

    def now(self, now: Instant) -> Iterator[Family]:
        """Yield how everything is at an instant."""
        with self.database.read() as connection:
            found = statuses(connection, self.catalogue, now)
            past = Past.read(connection, self.catalogue, Interval(_before(now), now), self.zone)
            work = planned(connection, self.catalogue, now, Instant(now + 1), self.zone)
            looked = gaps.alive_at(connection)
            suspects, flips = counts.suspects(connection), counts.flips(connection)
        lines = {name: past.uptime(name).timeline for name in self.catalogue.services}
        yield from _services({name: line[-1].state for name, line in lines.items()})
        yield from _targets(found, suspects, flips)
        yield from _work(self.catalogue, work)
        says = "When opskit last looked at anything."
        at = one(looked / SECOND if looked else None)
        yield gauge("opskit_monitor_last_look_timestamp_seconds", says, at)

    def periods(self, now: Instant) -> Iterator[Family]:
        """Yield how each service did over the windows of its objectives."""
        zone = self.catalogue.timezone or self.zone
        asked = {
            name: _windows(service.promises, now, zone)
            for name, service in self.catalogue.services.items()
        }
        starts = [window.start for windows in asked.values() for _, window in windows]
        longest = max(BURN_WINDOWS.values())
        whole = Interval(Instant(max(0, min([now - longest, *starts]))), now)
        with self.database.read() as connection:
            past = Past.read(connection, self.catalogue, whole, self.zone)
        yield from period_families([self._done(past, name, asked[name], now) for name in asked])

    def _done(
        self, past: Past, name: str, windows: Sequence[tuple[str, Interval]], now: Instant
    ) -> Done:
        found = past.uptime(name)
        line = found.timeline
        promises = self.catalogue.services[name].promises
        budgets = past.budgets(found, now) if promises else ()
        return Done(
            service=name,
            windows=[(label, availability(clip(line, window))) for label, window in windows],
            budgets=[(_name(budget.objective), budget) for budget in budgets],
            burning=burn_rates(promises[0].availability, line) if promises else {},
            down={label: _down(line, length, now) for label, length in BURN_WINDOWS.items()},
        )


@dataclass(frozen=True, slots=True)
class Done:
    """How a service did; `down` is what was confirmed, in microseconds, nothing if unobserved."""

    service: str
    windows: Sequence[tuple[str, Availability]]
    budgets: Sequence[tuple[str, Budget]]
    burning: Mapping[str, Fraction | None]
    down: Mapping[str, int | None]


def _before(now: Instant) -> Instant:
    return Instant(max(0, now - MINUTE))


def _down(line: Timeline, length: int, now: Instant) -> int | None:
    time = totals(clip(line, Interval(Instant(max(0, now - length)), now)))
    return time.down if time.known else None


def _name(objective: Objective) -> str:
    """Return `month`, `28d`: how an objective's window is called."""
    if not isinstance(objective.over, int):
        return objective.over
    length = objective.over
    size, unit = next((each for each in _LENGTHS if length % each[0] == 0), (1, "us"))
    return f"{length // size}{unit}"


def _windows(
    promises: Sequence[Objective], now: Instant, zone: ZoneInfo
) -> tuple[tuple[str, Interval], ...]:
    """Return the windows of what was promised up to now; this month where nothing was."""
    wholes = {_name(promise): window_of(promise, now, zone) for promise in promises}
    day = to_datetime(now, zone).date()
    wholes = wholes or {"month": month(day.year, day.month, zone)}
    return tuple(
        (label, Interval(whole.start, Instant(min(now, whole.end))))
        for label, whole in wholes.items()
    )


def _services(found: Mapping[str, State]) -> Iterator[Family]:
    says = "How a service is now: 1 for its state."
    told = (
        sample
        for name, state in found.items()
        for sample in states(state.value, State, (("service", name),))
    )
    yield gauge("opskit_service_state", says, told)


def _targets(
    found: Sequence[TargetStatus], suspects: Mapping[str, int], flips: Mapping[str, int]
) -> Iterator[Family]:
    kinds = (State.UP, State.DEGRADED, State.DOWN, State.UNKNOWN)
    labels = {status.target: _of_target(status) for status in found}
    says = "How a target is by its last looks: 1 for its state."
    told = (each for s in found for each in states(s.state.value, kinds, labels[s.target]))
    yield gauge("opskit_target_state", says, told)
    says = "When a target was last looked at."
    at = ((None if s.last_at is None else s.last_at / SECOND, labels[s.target]) for s in found)
    yield gauge("opskit_target_last_look_timestamp_seconds", says, at)
    says = "Looks that failed once, whether the next one confirmed it or not."
    suspected = ((suspects.get(name, 0), each) for name, each in labels.items())
    yield counter("opskit_target_suspect_looks_total", says, suspected)
    says = "Confirmed changes of state."
    flipped = ((flips.get(name, 0), each) for name, each in labels.items())
    yield counter("opskit_target_flips_total", says, flipped)


def _of_target(status: TargetStatus) -> Labels:
    return (("service", status.service), ("target", status.target))


def _work(catalogue: Catalogue, work: Sequence[Planned]) -> Iterator[Family]:
    for name, says, state in (
        ("opskit_maintenance_open", "Announced or recurring work that is under way.", "open"),
        ("opskit_maintenance_overrun", "Announced work whose time has passed.", "overrun"),
    ):
        counted = (
            (sum(one.state == state for one in work if one.service == each), (("service", each),))
            for each in catalogue.services
        )
        yield gauge(name, says, counted)


def period_families(found: Sequence[Done]) -> Iterator[Family]:
    """Yield how services did over windows; read once a minute."""
    windows = [
        ((("service", done.service), ("window", label)), each)
        for done in found
        for label, each in done.windows
    ]
    again = "Read once a minute."
    for name, says, field in (
        ("", "Share of the observed time in service that a service was up", "value"),
        ("_lower", "The same with all unobserved time counted as down", "low"),
        ("_upper", "The same with all unobserved time counted as up", "high"),
    ):
        shares = ((_float(getattr(each, field)), labels) for labels, each in windows)
        yield gauge(f"opskit_service_availability{name}_ratio", f"{says}. {again}", shares)
    says = f"Share of the time in service that was observed. {again}"
    seen = ((_float(each.coverage), labels) for labels, each in windows)
    yield gauge("opskit_service_coverage_ratio", says, seen)
    yield from _budgets(found)
    yield from _burning(found)


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def _budgets(found: Sequence[Done]) -> Iterator[Family]:
    budgets = [
        ((("service", done.service), ("window", label)), budget)
        for done in found
        for label, budget in dict(reversed(done.budgets)).items()
    ]
    says = "Share of the time in service that was promised."
    promised = ((float(one.objective.availability), labels) for labels, one in budgets)
    yield gauge("opskit_service_objective_ratio", says, promised)
    says = "What may still be lost in the window; below zero once it is overspent."
    left = ((budget.left / SECOND, labels) for labels, budget in budgets)
    yield gauge("opskit_service_error_budget_left_seconds", says, left)
    says = "Share of the window's error budget that is left."
    share = ((_float(budget.left_ratio), labels) for labels, budget in budgets)
    yield gauge("opskit_service_error_budget_left_ratio", says, share)
    says = (
        "When the error budget is spent if all goes on as in the window so far; none if it lasts."
    )
    ends = ((_seconds(budget.exhausted_at), labels) for labels, budget in budgets)
    yield gauge("opskit_service_error_budget_exhausted_timestamp_seconds", says, ends)


def _seconds(at: Instant | None) -> float | None:
    return None if at is None else at / SECOND


def _burning(found: Sequence[Done]) -> Iterator[Family]:
    says = "How many times faster than it would just last the budget of the first objective goes."
    rates = (
        (_float(rate), (("service", done.service), ("window", window)))
        for done in found
        for window, rate in done.burning.items()
    )
    yield gauge("opskit_service_burn_rate", says, rates)
    says = "For how long a service was down in the window up to now, confirmed failures only."
    down = (
        (None if time is None else time / SECOND, (("service", done.service), ("window", window)))
        for done in found
        for window, time in done.down.items()
    )
    yield gauge("opskit_service_down_seconds", says, down)
