"""What the status page says: every service, worst first, with the days behind it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opskit import __version__
from opskit.core.clock import DAY, Instant, format_duration, iso
from opskit.core.interval import Interval, State
from opskit.core.text import plural, shorten
from opskit.monitor import present
from opskit.monitor.status import TargetStatus
from opskit.monitor.uptime import ServiceUptime
from opskit.report.render.ribbon import WORDS, Ribbon, ribbon
from opskit.report.ribbon import ribbon as cells
from opskit.report.times import Times

DAYS = 90
_ORDER = (State.DOWN, State.UNKNOWN, State.DEGRADED, State.MAINTENANCE, State.UP, State.EXCLUDED)
_SHAPES = {
    State.DOWN: "missed", State.UNKNOWN: "unclear", State.DEGRADED: "open", State.UP: "met",
    State.MAINTENANCE: "none", State.EXCLUDED: "none",
}  # fmt: skip
_NOW = {
    State.DOWN: "down", State.UNKNOWN: "not known", State.DEGRADED: "degraded", State.UP: "up",
    State.MAINTENANCE: "in maintenance", State.EXCLUDED: "out of service hours",
}  # fmt: skip
_EXCUSES = (State.MAINTENANCE, State.EXCLUDED)
_FAULTS = (State.DOWN, State.DEGRADED)
_LEGEND = (
    State.UP, State.DEGRADED, State.DOWN, State.MAINTENANCE, State.UNKNOWN, State.EXCLUDED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ServiceNow:
    """A service now: its state, since when, and why, if that is known."""

    name: str
    owner: str
    state: State
    since: Instant | None
    reason: str

    @property
    def word(self) -> str:
        """Return its state in words."""
        return _NOW[self.state]


@dataclass(frozen=True, slots=True)
class Line:
    """A service as the page shows it."""

    name: str
    owner: str
    word: str
    shape: str
    since: Instant | None
    lasting: str
    reason: str
    availability: str
    bounds: str
    observed: str
    down: str
    edge: str
    ribbon: Ribbon


@dataclass(frozen=True, slots=True)
class StatusPage:
    """Everything the template prints."""

    title: str
    sentence: str
    services: tuple[Line, ...]
    now: Instant
    times: Times
    zone: str
    days: int
    states: Mapping[str, str]
    with_reports: bool
    version: str = __version__


def services_now(
    targets: Sequence[TargetStatus], uptimes: Sequence[ServiceUptime]
) -> tuple[ServiceNow, ...]:
    """Return every service, worst first: as bad as its worst probe, unless it is excused."""
    found = [_now(one, [t for t in targets if t.service == one.service]) for one in uptimes]
    return tuple(sorted(found, key=lambda one: (_ORDER.index(one.state), one.name)))


def _now(uptime: ServiceUptime, targets: Sequence[TargetStatus]) -> ServiceNow:
    """Return how a service is: as its worst probe says, unless its own past knows better.

    It does of what a service is made of, of maintenance and of hours; of what was never looked at
    it knows nothing.
    """
    name, owner = uptime.service, uptime.owner
    worst = min(targets, key=lambda one: _ORDER.index(one.state), default=None)
    last = uptime.timeline[-1] if uptime.timeline else None
    if last is not None and (
        worst is None
        or (last.state in _EXCUSES and worst.since is not None)
        or (last.state in _FAULTS and _ORDER.index(last.state) < _ORDER.index(worst.state))
    ):
        return ServiceNow(name, owner, last.state, Instant(last.start), last.reason)
    if worst is None:
        return ServiceNow(name, owner, State.UNKNOWN, None, "never probed")
    return ServiceNow(name, owner, worst.state, worst.since, worst.reason)


def sentence(services: Sequence[ServiceNow]) -> str:
    """Return how things are, in a sentence that claims no more than is known."""
    count = len(services)
    parts = [
        (state, sum(one.state is state for one in services))
        for state in _ORDER
        if any(one.state is state for one in services)
    ]
    if parts == [(State.UP, count)]:
        return "The one service is up." if count == 1 else f"All {count} services are up."
    words = [f"{number} {'is' if number == 1 else 'are'} {_NOW[state]}" for state, number in parts]
    return f"Of {plural(count, 'service')} {', '.join(words)}."


def status_page(
    services: Sequence[ServiceNow],
    uptimes: Sequence[ServiceUptime],
    window: Interval,
    times: Times,
    *,
    with_reasons: bool,
) -> StatusPage:
    """Return the page.

    Where anybody may see it, it does not say who owns what, nor why, nor where reports are.
    """
    past = {one.service: one for one in uptimes}
    lines = tuple(_line(one, past[one.name], times, with_reasons=with_reasons) for one in services)
    return StatusPage(
        title="Service status",
        sentence=sentence(services),
        services=lines,
        now=window.end,
        times=times,
        zone=str(times.zone),
        days=-(-window.length // DAY),
        states={str(state): WORDS[state] for state in _LEGEND},
        with_reports=with_reasons,
    )


def _line(now: ServiceNow, past: ServiceUptime, times: Times, *, with_reasons: bool) -> Line:
    _, shown, bounds, observed, *_ = present.uptime_row(past)
    result = past.availability
    lasting = "" if now.since is None else f"for {format_duration(past.window.end - now.since)}"
    return Line(
        name=now.name,
        owner=now.owner if with_reasons else "",
        word=now.word,
        shape=_SHAPES[now.state],
        since=now.since,
        lasting=lasting,
        reason=shorten(now.reason, 160) if with_reasons and now.state is not State.UP else "",
        availability=shown,
        bounds=f"between {bounds.replace(' .. ', ' and ')}" if result.low != result.high else "",
        observed=observed or "nothing",
        down=format_duration(result.totals.down) if observed else "not known",
        edge=f"±\u00a0{format_duration(past.edge)}" if past.edge and observed else "",
        ribbon=ribbon(cells(past.timeline, past.window, times.zone), times),
    )


def status_json(
    services: Sequence[ServiceNow],
    uptimes: Sequence[ServiceUptime],
    targets: Sequence[TargetStatus],
    *,
    with_reasons: bool,
) -> dict[str, object]:
    """Return the same for programs."""
    hidden = () if with_reasons else ("reason", "owner")
    past = {one.service: present.uptime_json(one) for one in uptimes}
    found = [present.status_json(one) for one in targets]
    return {
        "format_version": 1,
        "services": [
            {
                "service": one.name,
                "state": str(one.state),
                "since": iso(one.since) if one.since is not None else None,
                "uptime": {
                    key: past[one.name][key]
                    for key in ("from", "to", "availability", "low", "high", "coverage")
                },
                "targets": [
                    {key: value for key, value in target.items() if key not in hidden}
                    for target in found
                    if target["service"] == one.name
                ],
            }
            for one in services
        ],
    }
