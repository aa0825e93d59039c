"""All that a report is built from. Same inputs, same report: its id is their hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from opskit.core.clock import Instant
from opskit.core.interval import Interval
from opskit.report.ground import Ground


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """A ledger entry that some figure rests on.

    Who wrote it and what it holds stay in the ledger: a report travels, and speaks of no person.
    `hash` is the entry's own, which covers both.
    """

    seq: int
    at: Instant
    kind: str
    hash: str


@dataclass(frozen=True, slots=True)
class Seal:
    """The ledger up to the end of the period: its last entry then, and whether its chain holds.

    `broken` names the first entry that does not follow from those before it, and why; empty: all
    do. A report over a broken chain gives no headline.
    """

    seq: int
    hash: str
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A figure as it was told before."""

    figure: str
    title: str
    value: str
    display: str


@dataclass(frozen=True, slots=True)
class Issue:
    """What was told of the same period before: later evidence makes the next version."""

    version: int
    id: str
    figures: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Where evidence came from: seen by opskit itself, or imported from what was there before."""

    name: str
    kind: Literal["recorded", "imported"]
    covers: Interval
    rows: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a report is built from.

    `entries` are ledger entries that its evidence names, by number; not all of them where there
    are very many. `declared` is said on every page, such as that all of it is made up. `methods`
    are the methods in force, with their versions, as `F7.1`: others may give other figures.
    """

    ground: Ground
    seal: Seal
    opskit_version: str
    entries: tuple[EvidenceRow, ...] = ()
    sources: tuple[Source, ...] = ()
    previous: Issue | None = None
    declared: str = ""
    methods: tuple[str, ...] = ()
