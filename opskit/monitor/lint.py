"""What is well formed in `services.yaml` and still not as its author means it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from itertools import islice, pairwise
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from opskit.core.calendar import merged, outside, spans
from opskit.core.clock import DAY, Instant, format_duration, from_datetime
from opskit.core.findings import Finding, Location, Severity
from opskit.core.interval import Interval
from opskit.core.text import nearest
from opskit.monitor.catalogue import Catalogue, ConfirmFrom, Need, Recurring, Service, Target
from opskit.monitor.quorum import holds_secret, is_loopback
from opskit.monitor.settings import ProbeSettings
from opskit.monitor.windows import recurring, too_coarse
from opskit.outside.cron import next_due

KeyPath = tuple[str | int, ...]
Place = Callable[[KeyPath], Location]

# A time like any other, with no clock change in its four weeks: what comes every week is in it.
_WEEKS = Interval(
    from_datetime(datetime(2026, 6, 1, tzinfo=UTC)),
    Instant(from_datetime(datetime(2026, 6, 1, tzinfo=UTC)) + 28 * DAY),
)
_OCCURRENCES = 60


def findings(
    catalogue: Catalogue, place: Place, zone: ZoneInfo, hosts: Collection[str] | None
) -> Iterator[Finding]:
    """Yield what is odd in a catalogue, each where it stands.

    `hosts` are those of the inventory, if it could be read.
    """
    for name, service in catalogue.services.items():
        at = ("services", name)
        yield from _promises(catalogue, name, place)
        yield from _hours(catalogue, name, place, zone)
        yield from _needs(catalogue, name, place)
        for index, probe in enumerate(service.probes):
            yield from _probe(name, probe, place((*at, "probes", index)))
        yield from _hosts(service.confirm_from, hosts, place, (*at, "confirm_from"))
    yield from _hosts(catalogue.confirm_from, hosts, place, ("confirm_from",))
    for index, planned in enumerate(catalogue.maintenance):
        yield from _maintenance(planned, place(("maintenance", index)))
    yield from _twins(catalogue, place)


def _promises(catalogue: Catalogue, name: str, place: Place) -> Iterator[Finding]:
    service = catalogue.services[name]
    why = too_coarse(catalogue, name)
    if why:
        key = "objectives" if service.objectives else "objective"
        yield Finding(
            "monitor-too-coarse", Severity.MEDIUM, name, why, place(("services", name, key)),
            "look more often, or promise less",
        )  # fmt: skip
    if service.kind != "customer-facing":
        return
    here = place(("services", name))
    if not service.runbook:
        message = "customers rely on it, and it has no runbook"
        yield Finding(
            "monitor-no-runbook", Severity.LOW, name, message, here, "add runbook: and its address"
        )
    if not service.promises:
        message = "customers rely on it, and it has no objective"
        fix = 'add objective: {availability: "99.9%"}, or what was promised'
        yield Finding("monitor-no-objective", Severity.LOW, name, message, here, fix)


def _hours(catalogue: Catalogue, name: str, place: Place, zone: ZoneInfo) -> Iterator[Finding]:
    """Yield hours that never are: all within maintenance, or weighted and out of service."""
    service = catalogue.services[name]
    own = service.timezone or catalogue.timezone or zone
    inside = _in_service(service, own)
    planned = recurring(catalogue, name, _WEEKS, own)
    work = merged([Interval(one.start, one.end) for one in planned], _WEEKS)
    if service.hours and not _without(inside, work):
        message = "all its hours of service lie in planned maintenance"
        at = place(("services", name, "hours"))
        yield Finding(
            "monitor-hours-never", Severity.MEDIUM, name, message, at, "shorten the maintenance"
        )
    for number, promise in enumerate(service.promises):
        for index, weighted in enumerate(promise.weighted):
            covered = spans([weighted.hours], _WEEKS, promise.timezone or own)
            if _without(covered, _without(covered, inside)):
                continue
            key: KeyPath = ("objectives", number) if service.objectives else ("objective",)
            at = place(("services", name, *key, "weighted", index))
            message = "these hours are never in service: their weight never counts"
            fix = "move them into the service's hours, or remove them"
            yield Finding("monitor-weight-never", Severity.LOW, name, message, at, fix)


def _in_service(service: Service, zone: ZoneInfo) -> tuple[Interval, ...]:
    if not service.hours:
        return (_WEEKS,)
    return spans([one.hours for one in service.hours], _WEEKS, zone)


def _without(what: Collection[Interval], taken: Collection[Interval]) -> tuple[Interval, ...]:
    """Return what some intervals leave of others; both are in order and apart."""
    return tuple(part for one in what for part in outside(merged(taken, one), one))


def _needs(catalogue: Catalogue, name: str, place: Place) -> Iterator[Finding]:
    """Yield needs that another need of the same service brings along."""
    needs = catalogue.services[name].depends_on
    for index, need in enumerate(needs):
        others = needs[:index] + needs[index + 1 :]
        by = "" if not isinstance(need, str) else _brought_by(catalogue, need, others)
        if need in needs[:index] or by:
            why = f": {by} needs it already" if by else ": it is named twice"
            at = place(("services", name, "depends_on", index))
            message = f"depends_on {need} says nothing new{why}"
            yield Finding("monitor-need-again", Severity.LOW, name, message, at, "remove it")


def _brought_by(catalogue: Catalogue, need: str, others: tuple[Need, ...]) -> str:
    """Return which of the other services needs this one in any case."""
    plain = (one for one in others if isinstance(one, str) and one != need)
    return next((one for one in plain if need in _certain(catalogue, one)), "")


def _certain(catalogue: Catalogue, name: str) -> set[str]:
    """Return all that a service cannot do without; of a group none is that."""
    service = catalogue.services[name]
    direct = [one for one in (*service.depends_on, *service.made_of) if isinstance(one, str)]
    return {*direct, *(far for one in direct for far in _certain(catalogue, one))}


def _probe(name: str, probe: ProbeSettings, at: Location) -> Iterator[Finding]:
    if 2 * probe.timeout > probe.interval:
        timeout, interval = format_duration(probe.timeout), format_duration(probe.interval)
        message = f"timeout {timeout} is more than half of its interval {interval}"
        yield Finding(
            "monitor-timeout-long", Severity.LOW, name, message, at,
            "an outage is seen late: shorten the timeout, or look less often",
        )  # fmt: skip
    if _tells_secrets(probe):
        message = "its password or token goes over the network in the clear"
        yield Finding("monitor-secret-in-clear", Severity.HIGH, name, message, at, "use https")


def _tells_secrets(probe: ProbeSettings) -> bool:
    url = str(getattr(probe, "url", ""))
    if not url.startswith("http://"):
        return False
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return False
    secret = getattr(probe, "auth", None) is not None or holds_secret(url)
    return secret and not is_loopback(host or "")


def _hosts(
    asked: ConfirmFrom | None, hosts: Collection[str] | None, place: Place, at: KeyPath
) -> Iterator[Finding]:
    for index, host in enumerate(() if asked is None or hosts is None else asked.hosts):
        if hosts is not None and host not in hosts:
            guess = nearest(host, sorted(hosts))
            fix = f"did you mean {guess!r}?" if guess else "ansible-inventory --graph lists them"
            message = f"there is no host {host!r} in the inventory"
            where = place((*at, "hosts", index))
            yield Finding("monitor-unknown-host", Severity.MEDIUM, host, message, where, fix)


def _begins(schedule: str) -> Iterator[Instant]:
    at = from_datetime(datetime(2026, 1, 1, tzinfo=UTC))
    while True:
        at = next_due(schedule, ZoneInfo("UTC"), at)
        yield at


def _maintenance(planned: Recurring, at: Location) -> Iterator[Finding]:
    """Yield maintenance that has not ended when it begins again."""
    begins = list(islice(_begins(planned.schedule), _OCCURRENCES))
    apart = min(later - one for one, later in pairwise(begins))
    if planned.length >= apart:
        message = (
            f"it lasts {format_duration(planned.length)} and begins again after"
            f" {format_duration(apart)}: it never ends"
        )
        yield Finding(
            "monitor-maintenance-endless", Severity.MEDIUM, planned.reason, message, at,
            "shorten it, or let it come less often",
        )  # fmt: skip


def _twins(catalogue: Catalogue, place: Place) -> Iterator[Finding]:
    """Yield probes that another probe is, and heartbeats under a name that is taken."""
    first: dict[object, Target] = {}
    for name, service in catalogue.services.items():
        for index, target in enumerate(catalogue.targets((name,))):
            probe = service.probes[index]
            beat = getattr(probe, "beat", None)
            key = ("beat", beat) if beat else probe.model_dump_json(exclude={"name"})
            other = first.setdefault(key, target)
            if other is target:
                continue
            at = place(("services", name, "probes", index))
            message = f"is the very same probe as {other.id}"
            fix = "let one service depend on the other, or be made_of it"
            if beat:
                message = f"waits for the same call as {other.id}: {beat}"
                fix = "give each job a name of its own"
            yield Finding("monitor-same-probe", Severity.LOW, target.id, message, at, fix)
