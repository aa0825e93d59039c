"""Numbers that looks came upon, and what is foreseen of them, as metric families."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from opskit.core.clock import Instant
from opskit.core.metrics import Family, Labels, counter, gauge, states
from opskit.monitor import numbers
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.forecast import Outlook
from opskit.monitor.foresight import Foreseen, Score, seconds_left
from opskit.monitor.model import HOLD
from opskit.monitor.scoring import Outcome
from opskit.monitor.store import samples
from opskit.monitor.store.samples import Metric
from opskit.outside.database import Database

_SHOWN: Mapping[str, tuple[str, str]] = {
    numbers.CERTIFICATE: (
        "opskit_certificate_expiry_timestamp_seconds",
        "When the first certificate of a chain ends.",
    ),
    numbers.DOMAIN: (
        "opskit_domain_expiry_timestamp_seconds",
        "When a domain's registration ends.",
    ),
    numbers.LICENSE: (
        "opskit_license_expiry_timestamp_seconds",
        "When a license ends, as a scraped page says.",
    ),
    numbers.BEAT: ("opskit_heartbeat_last_timestamp_seconds", "When a job last called in."),
    numbers.BEAT_DUE: ("opskit_heartbeat_due_timestamp_seconds", "When a job is to call in next."),
    numbers.DISK: ("opskit_disk_used_ratio", "Share of a file system that is in use."),
    numbers.INODES: ("opskit_inode_used_ratio", "Share of a file system's inodes in use."),
    numbers.MEMORY: ("opskit_memory_used_ratio", "Share of a host's memory that is in use."),
}

_OWN_LABELS = frozenset({"license", "mountpoint", "path"})


def kept(database: Database, catalogue: Catalogue, now: Instant) -> Iterator[Family]:
    """Yield the newest numbers of each target, as long as a look at it holds."""
    intervals = {one.id: one.probe.interval for one in catalogue.targets()}
    longest = max(_holds(one) for one in intervals.values())
    with database.read() as connection:
        found = samples.newest(connection, Instant(max(0, now - longest)))
    fresh = {
        metric: value
        for metric, (at, value) in found.items()
        if metric.target in intervals and now - at <= _holds(intervals[metric.target])
    }
    return families(fresh)


def _holds(interval: int) -> int:
    # A sample bears the begin of its five minutes.
    return int(HOLD * max(interval, numbers.EVERY)) + numbers.EVERY


def families(found: Mapping[Metric, float]) -> Iterator[Family]:
    """Yield the numbers that have a name here; those of a scrape are where they came from."""
    for name, (shown, says) in _SHOWN.items():
        own = ((value, _labels(metric)) for metric, value in found.items() if metric.name == name)
        yield gauge(shown, f"{says} One number in five minutes.", own)


def _labels(metric: Metric) -> Labels:
    """Return the target's labels and those of its own that cannot be taken for the scraper's."""
    own = ((name, text) for name, text in metric.labels if name in _OWN_LABELS)
    return (*_of(metric.target), *own)


def _of(target: str) -> Labels:
    return (("service", target.partition("/")[0]), ("target", target))


def forecasts(found: Sequence[Foreseen], scores: Sequence[Score], now: Instant) -> Iterator[Family]:
    """Yield what is foreseen, and how well that was done so far."""
    labelled = [(one, _foreseen(one)) for one in found]
    says = "What can be said of a number with a threshold: 1 for its outlook."
    told = (s for one, each in labelled for s in states(one.forecast.outlook, Outlook, each))
    yield gauge("opskit_forecast_state", f"{says} {_AGAIN}", told)
    for name, what, field in (
        ("seconds_to_threshold", "Time until a number reaches its threshold", "at"),
        ("earliest_seconds_to_threshold", "The least time that may take", "earliest"),
        ("latest_seconds_to_threshold", "The longest time that may take", "latest"),
    ):
        left = ((seconds_left(getattr(one.forecast, field), now), each) for one, each in labelled)
        yield gauge(f"opskit_forecast_{name}", f"{what}; none where it will not. {_AGAIN}", left)
    says = "Time until then by the plain line through a window alone; none where it leads away."
    windows = (
        (seconds, (*each, ("window", window)))
        for one, each in labelled
        for window, seconds in one.forecast.windows
    )
    yield gauge("opskit_forecast_window_seconds_to_threshold", f"{says} {_AGAIN}", windows)
    says = "Forecasts by what came of them; missed is a threshold reached without one."
    settled = (
        (score.outcomes.get(outcome, 0), (("metric", score.metric), ("outcome", outcome.value)))
        for score in scores
        for outcome in Outcome
    )
    yield counter("opskit_forecasts_settled_total", says, settled)


_AGAIN = "Made every five minutes."


def _foreseen(one: Foreseen) -> Labels:
    return (*_of(one.metric.target), ("metric", one.metric.name), ("item", one.item))
