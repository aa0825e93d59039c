"""What an import holds: incidents and work of earlier, and what of a file was left out. Pure.

No row names a person: assignees, reporters and whoever closed something are never read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from opskit.core.clock import Duration, Instant
from opskit.core.interval import Interval, Timeline

# So many examples of each reason are shown.
_EXAMPLES = 3


class Unusable(Exception):
    """A row that cannot be taken; its text is the reason, the same for all rows of one kind."""


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as another system recorded it.

    `key` is its identity there. `as_of` is when it stood so, None where the export does not say:
    an older state never replaces a newer one. `visible` is whether users were hit, as far as the
    import was told how to see that. `names` are incidents of other systems that its text links to,
    as `pagerduty/Q1`.
    """

    key: str
    service: str
    team: str
    started_at: Instant
    detected_at: Instant | None
    acknowledged_at: Instant | None
    resolved_at: Instant | None
    visible: bool
    cause: str = ""
    fingerprint: str = ""
    as_of: Instant | None = None
    names: tuple[str, ...] = ()

    @property
    def span(self) -> tuple[Instant, Instant | None]:
        """Return when it began, and when it was over."""
        return self.started_at, self.resolved_at


@dataclass(frozen=True, slots=True)
class Job:
    """A run of a playbook as another system recorded it.

    `hosts` counts hosts by how the run left them, in Ansible's words: ok, changed, failed,
    unreachable; a host is counted once. Empty where the export does not say.
    """

    key: str
    task: str
    check: bool
    state: str
    started_at: Instant
    finished_at: Instant
    hosts: Mapping[str, int]
    as_of: Instant | None = None

    @property
    def span(self) -> tuple[Instant, Instant | None]:
        """Return when it began and ended."""
        return self.started_at, self.finished_at


@dataclass(frozen=True, slots=True)
class Watch:
    """How a service did, as another system recorded it; `timeline` covers all of the time.

    `edge` is how far the outage edges may be off altogether.
    """

    key: str
    service: str
    started_at: Instant
    ended_at: Instant
    edge: Duration
    timeline: Timeline
    as_of: Instant | None = None

    @property
    def span(self) -> tuple[Instant, Instant | None]:
        """Return the time that it covers."""
        return self.started_at, self.ended_at


@dataclass(frozen=True, slots=True)
class Use:
    """How often the accounts of a team used access to one host on one day.

    `kind` is `sudo` or `login`; `granted` of `times` were by grants of opskit. `day` is its start;
    its logs were read from `started_at` to `ended_at`.
    """

    key: str
    kind: str
    team: str
    day: Instant
    started_at: Instant
    ended_at: Instant
    times: int
    granted: int
    as_of: Instant | None = None

    @property
    def span(self) -> tuple[Instant, Instant | None]:
        """Return the time of the day that was read."""
        return self.started_at, self.ended_at


Row = Incident | Job | Watch | Use


@dataclass(frozen=True, slots=True)
class Raw:
    """A row as it stands in a file; `place` is where: `line 12`, `item 3`."""

    place: str
    values: Mapping[str, object]


@dataclass
class Told:
    """What was left out of a file: how often for each reason, with the first places."""

    counts: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, reason: str, place: str) -> None:
        """Take one row down as left out."""
        self.counts[reason] += 1
        examples = self.places.setdefault(reason, [])
        if len(examples) < _EXAMPLES:
            examples.append(place)


@dataclass(frozen=True, slots=True)
class Read:
    """What one file holds. `covers` is the time of which it tells; None where it holds nothing."""

    source: str
    file: str
    sha256: str
    rows: Sequence[Row]
    left_out: Told
    covers: Interval | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Import:
    """One import as the records have it. `rows` counts those that it brought or changed."""

    id: int
    source: str
    what: str
    file: str
    sha256: str
    covers: Interval
    begun_at: Instant
    finished_at: Instant | None
    undone_at: Instant | None
    counts: Mapping[str, int]

    @property
    def state(self) -> str:
        """Return `undone`, `finished`, or `unfinished` for one that broke off."""
        if self.undone_at is not None:
            return "undone"
        return "unfinished" if self.finished_at is None else "finished"


_WORDS: Mapping[type[Row], str] = {
    Incident: "incident", Job: "job", Watch: "uptime", Use: "use",
}  # fmt: skip


def what(row: Row) -> str:
    """Return the word for what a row is, as the ledger and the store have it."""
    return _WORDS[type(row)]
