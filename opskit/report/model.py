"""The report as values: one model, so that no two forms of it can show different numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from opskit.core.clock import Instant
from opskit.core.interval import Interval, Totals
from opskit.report.statistics.process import Change

FORMAT_VERSION = 1


class Tag(StrEnum):
    """How a figure came to be. A figure takes the weakest tag of its inputs."""

    MEASURED = "measured"
    DERIVED = "derived"
    ASSUMED = "assumed"

    @staticmethod
    def weakest(tags: Iterable[Tag]) -> Tag:
        """Return the weakest of some tags; measured where there is none."""
        order = list(Tag)
        return max(tags, key=order.index, default=Tag.MEASURED)


class Presence(StrEnum):
    """Whether there is a value. That nothing was seen to happen is one; the rest are not."""

    SEEN = "observed"
    ZERO = "observed zero"
    NOT_OBSERVED = "not observed"
    NOT_CONFIGURED = "not configured"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the value may be at least and at most, exact and in its unit, and why so."""

    low: str
    high: str
    display: str
    kind: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A figure beside those of the months before: what can be said, of which months."""

    change: Change
    months: int
    words: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, with all it takes to question it.

    `value` is exact (an integer or a fraction as text, or empty where there is none), in `unit`;
    `display` is for people. `method` is the method and its version, as `F7.1`; `formula` says how
    it was made, `refs` are the ledger entries it was made from. `confirmed_by` are the teams that
    benefited and say that it is so.
    """

    id: str
    title: str
    value: str
    unit: str
    display: str
    tag: Tag
    formula: str
    note: str
    refs: tuple[int, ...]
    method: str = ""
    presence: Presence = Presence.SEEN
    bounds: Bounds | None = None
    comparison: Comparison | None = None
    confirmed_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a ribbon: a day, an hour or less, and how its time was spent."""

    start: Instant
    end: Instant
    label: str
    time: Totals


@dataclass(frozen=True, slots=True)
class Outage:
    """One unbroken time a service was down."""

    start: Instant
    end: Instant
    reason: str
    refs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ServiceSection:
    """A service in the report. `met` is nothing where it cannot be said."""

    name: str
    owner: str
    kind: str
    objective: str
    met: bool | None
    availability: Figure
    low: str
    high: str
    coverage: str
    downtime: str
    edge: str
    outages: tuple[Outage, ...]
    blips: int
    ribbon: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One deviation in the report."""

    host: str
    control: str
    severity: str
    task: str
    last_good_at: Instant | None
    detected_at: Instant
    fixed_at: Instant | None
    refs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run in the report, with `3 compliant, 1 drifted` in words."""

    run_id: str
    mode: str
    standard: str
    state: str
    started_at: Instant
    took: str
    hosts: str
    refs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LateRow:
    """Access that outlived its planned end at one place. `gone_at` None is: it still does."""

    grant: str
    person: str
    place: str
    planned_end: Instant
    gone_at: Instant | None
    exposure: str
    reason: str
    refs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EmergencyRow:
    """Access taken in an emergency. `review` is done, open or overdue."""

    grant: str
    person: str
    role: str
    reason: str
    opened_at: Instant
    review: str
    reviewed_by: str
    refs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A look at all access, with `3 kept, 1 revoked` in words."""

    name: str
    opened_at: Instant
    closed_at: Instant | None
    said: str
    refs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AccessSection:
    """Access in the report, besides its figures."""

    late: tuple[LateRow, ...]
    emergencies: tuple[EmergencyRow, ...]
    reviews: tuple[ReviewRow, ...]


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """A ledger entry that some figure rests on."""

    seq: int
    at: Instant
    actor: str
    kind: str
    subject: str
    data: str
    hash: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Something the report cannot speak of, and why."""

    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report. `id` is the hash of everything else but `built_at`: same evidence, same id."""

    title: str
    period: Interval
    zone: str
    built_at: Instant
    sentence: str
    tiles: tuple[Figure, ...]
    services: tuple[ServiceSection, ...]
    drifts: tuple[DriftRow, ...]
    runs: tuple[RunRow, ...]
    figures: tuple[Figure, ...]
    gaps: tuple[Gap, ...]
    evidence: tuple[EvidenceRow, ...]
    head_seq: int
    head_hash: str
    opskit_version: str
    access: AccessSection | None = None
    id: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the report for JSON; instants are microseconds since 1970, UTC."""
        return {"format_version": FORMAT_VERSION, **_plain(dataclasses.asdict(self))}


def _plain(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Fraction) else value
