"""What makes a kind of export: where its fields stand, and how a row of it becomes one of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from opskit.core.clock import SECOND, Instant
from opskit.core.text import clean, shorten
from opskit.history.fields import Condition, Reading, texts
from opskit.history.model import Incident, Job, Raw, Row, Unusable

_LONGEST = 200


@dataclass(frozen=True)
class Kind:
    """A kind of export.

    `only` is what counts as one of ours where the caller says nothing: one of it must hold.
    """

    name: str
    paths: Mapping[str, tuple[str, ...]]
    row: Callable[[Raw, Reading], Row]
    envelopes: tuple[str, ...] = ()
    only: tuple[Condition, ...] = ()


def incident(
    raw: Raw, reading: Reading, *, key: str, resolved_at: Instant | None, fingerprint: str = ""
) -> Incident:
    """Return a row as an incident, its fields read where `reading` says that they stand.

    Raises:
        Unusable: it has no start, ends before it starts, or a time in it cannot be read.
    """
    detected_at = reading.moment(raw, "detected")
    started_at = reading.moment(raw, "started") or detected_at
    if started_at is None:
        raise Unusable("no start")
    if resolved_at is not None and resolved_at < started_at:
        raise Unusable("it ends before it starts")
    acknowledged_at = reading.moment(raw, "acknowledged", after=started_at)
    if acknowledged_at is None:
        acknowledged_at = later(raw, "seconds_to_first_ack", started_at)
    if acknowledged_at is not None and acknowledged_at < started_at:
        raise Unusable("it was acknowledged before it started")
    return Incident(
        key=key,
        service=reading.text(raw, "service"),
        team=reading.text(raw, "team"),
        started_at=started_at,
        detected_at=detected_at,
        acknowledged_at=acknowledged_at,
        resolved_at=resolved_at,
        visible=reading.felt(raw),
        cause=reading.text(raw, "cause"),
        fingerprint=fingerprint,
        as_of=reading.moment(raw, "updated"),
    )


def job(
    raw: Raw, reading: Reading, *, task: str, state: str, check: bool, hosts: Mapping[str, int]
) -> Job:
    """Return a row as a run of a playbook.

    Raises:
        Unusable: it has no id, no start or no end, or a time in it cannot be read.
    """
    key = reading.needed(raw, "id")
    started_at = reading.moment(raw, "started")
    finished_at = resolved(raw, reading)
    if started_at is None or finished_at is None:
        raise Unusable("no start" if started_at is None else "no end")
    if finished_at < started_at:
        raise Unusable("it ends before it starts")
    name = shorten(clean(task), _LONGEST)
    updated = reading.moment(raw, "updated")
    return Job(key, name, check, state, started_at, finished_at, hosts, updated)


def resolved(raw: Raw, reading: Reading) -> Instant | None:
    """Return when a row says that it was over; None while it is not.

    Raises:
        Unusable: that time cannot be read.
    """
    started_at = reading.moment(raw, "started")
    return reading.moment(raw, "resolved", after=started_at)


_PAGERDUTY = re.compile(r"https://[A-Za-z0-9.-]+\.pagerduty\.com/incidents/([A-Z0-9]{6,20})\b")


def linked(raw: Raw, paths: Iterable[str]) -> tuple[str, ...]:
    """Return the incidents that texts of a row link to; nothing else of the texts is kept."""
    every = (found for path in paths for text in texts(raw, path) for found in _links(text))
    return tuple(sorted({f"pagerduty/{one}" for one in every}))


def _links(text: str) -> list[str]:
    return _PAGERDUTY.findall(text) if "pagerduty" in text else []


def later(raw: Raw, name: str, start: Instant) -> Instant | None:
    """Return `start` and the seconds that a column holds; None where it holds none."""
    value = raw.values.get(name)
    try:
        seconds = float(str(value)) if value not in (None, "") else -1.0
    except ValueError as error:
        raise Unusable(f"{name} is no number") from error
    return Instant(start + round(seconds * SECOND)) if 0 <= seconds < 10**9 else None
