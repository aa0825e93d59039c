"""The report as values: one model, so that no two forms of it can show different numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from fractions import Fraction
from functools import cache
from typing import Any

from opskit.core.clock import Instant
from opskit.core.interval import Interval, Totals
from opskit.report.inputs import EvidenceRow, Seal, Source
from opskit.report.statistics.process import Change

FORMAT_VERSION = 2


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
class Earlier:
    """A figure as it was in an earlier month; `value` is empty where it had none."""

    start: Instant
    value: str
    display: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A figure beside those of the months before: what can be said, of which months.

    `earlier` are these months, oldest first, where the figure is held against each of them.
    """

    change: Change
    months: int
    words: str
    earlier: tuple[Earlier, ...] = ()


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
    team: str
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
    team: str
    role: str
    opened_at: Instant
    review: str
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
class Gap:
    """Something the report cannot speak of, and why."""

    subject: str
    reason: str


class Standing(StrEnum):
    """What became of a claim."""

    MADE = "made"
    RIVAL = "rival"
    HELD_BACK = "held back"


@dataclass(frozen=True, slots=True)
class Gate:
    """One of the four questions a claim must pass: yes, no, or None where it cannot be said."""

    name: str
    passed: bool | None
    why: str


@dataclass(frozen=True, slots=True)
class Claim:
    """Something Ops may take credit for, with what it stands on and what speaks against it.

    `helped` is the team that benefited, `team` who did it. A rival claim would count evidence that
    another claim, `loses_to`, has counted already; one held back did not pass a gate. `why` says
    why so, or what was taken off.
    """

    id: str
    kind: str
    title: str
    text: str
    team: str
    helped: str
    figures: tuple[str, ...]
    refs: tuple[int, ...]
    tag: Tag
    standing: Standing
    gates: tuple[Gate, ...] = ()
    confirmed_by: tuple[str, ...] = ()
    loses_to: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A miss, or a decision that is wanted: what, and what it stands on."""

    title: str
    text: str
    figures: tuple[str, ...] = ()
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Front:
    """The first page: one sentence, four figures, three wins, one miss, one decision wanted.

    `refused` says why there is no headline; it then has no tiles and no wins either.
    """

    sentence: str
    tiles: tuple[Figure, ...]
    wins: tuple[Claim, ...] = ()
    miss: Point | None = None
    decision: Point | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Restatement:
    """A figure that was told otherwise before."""

    figure: str
    title: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report: what its pages say, as values. `id` is the hash of its inputs.

    `misses` are all that a rule found, the worst kind first; the first page shows the first.
    """

    id: str
    version: int
    title: str
    period: Interval
    zone: str
    front: Front
    services: tuple[ServiceSection, ...]
    drifts: tuple[DriftRow, ...]
    runs: tuple[RunRow, ...]
    figures: tuple[Figure, ...]
    gaps: tuple[Gap, ...]
    claims: tuple[Claim, ...]
    restated: tuple[Restatement, ...]
    entries: tuple[EvidenceRow, ...]
    seal: Seal
    sources: tuple[Source, ...]
    opskit_version: str
    access: AccessSection | None = None
    declared: str = ""
    misses: tuple[Point, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the report for JSON; instants are microseconds since 1970, UTC."""
        return {name: self.part_as_json(name) for name in ("format_version", *PARTS)}

    def part_as_json(self, name: str) -> Any:  # noqa: ANN401  # any JSON value
        """Return one field of the report for JSON: all of them at once take much memory."""
        return FORMAT_VERSION if name == "format_version" else _plain(getattr(self, name))


PARTS = tuple(one.name for one in fields(Report))


@cache
def _names(kind: Any) -> tuple[str, ...]:  # noqa: ANN401  # any type
    """Return the names of a dataclass's fields; none for any other type."""
    return tuple(one.name for one in fields(kind)) if is_dataclass(kind) else ()


def _plain(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    if isinstance(value, str | int) or value is None:
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    names = _names(type(value))  # type: ignore[arg-type]  # a type is hashable
    if names:
        return {name: _plain(getattr(value, name)) for name in names}
    return str(value) if isinstance(value, Fraction) else value
