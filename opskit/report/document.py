"""A report as pages to read: what stands where, in words. Every form draws these blocks. Pure.

The words are made once, here, so that a page, a PDF and a mail cannot say different things; a form
decides only how a block looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from opskit.core.clock import Instant
from opskit.report.charts import Plot
from opskit.report.model import Cell as Day, Figure


class View(StrEnum):
    """Whom a document is for: the same figures, other pages of them."""

    WHOLE = "whole"
    MANAGER = "manager"
    AUDITOR = "auditor"
    OPS = "ops"
    TEAM = "team"


class Mark(StrEnum):
    """A judgment, told by word and shape: never by color alone."""

    NONE = ""
    MET = "met"
    MISSED = "missed"
    UNCLEAR = "cannot say"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table: its words, more of them in small, and what it rests on.

    `refs` are ledger entries, `figure` the id of a figure of the register. `at` is the moment that
    the words tell, for forms that can say it exactly. `mark` is a judgment that the words tell,
    too: a form may add its shape.
    """

    text: str
    under: str = ""
    mark: Mark = Mark.NONE
    refs: tuple[int, ...] = ()
    figure: str = ""
    at: Instant | None = None


# What a form links of a cell's entries; the evidence table holds these first.
REFS_SHOWN = 8


class Kind(StrEnum):
    """What a column holds: it decides alignment and breaks."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    CODE = "code"
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. The first column of a table names its rows."""

    title: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns; `empty` is said where there are none, `more` are left out.

    `name` is the file name of the table in a bundle, and its anchor; no two tables of a document
    share one. In the table `register`, the first cell of a row names the figure that is told there;
    in the table `evidence`, its `refs` the ledger entry: that is where other cells lead to.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = ""
    more: int = 0


@dataclass(frozen=True, slots=True)
class Chart:
    """A plot under a sentence as title, with its words for who cannot see it, and its table."""

    name: str
    title: str
    alt: str
    plot: Plot
    twin: Table


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure that must be seen first. `said` is what can be said beside earlier months."""

    label: str
    figure: Figure
    said: str = ""


@dataclass(frozen=True, slots=True)
class Tiles:
    """Figures side by side."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Strip:
    """A service's time: its row of words, and its days as cells of a ribbon.

    `why` says what `verdict` leaves open, `edge` how far the outage edges may be off; both are
    empty where there is nothing to add. The other words are never empty.
    """

    service: str
    owner: str
    kind: str
    verdict: Mark
    why: str
    figure: Figure
    objective: str
    between: str
    coverage: str
    downtime: str
    edge: str
    outages: str
    blips: str
    days: tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class Ribbons:
    """Services under each other, day by day; `more` services are left out."""

    strips: tuple[Strip, ...]
    empty: str = ""
    more: int = 0


class Tone(StrEnum):
    """What kind of statement it is."""

    WIN = "win"
    MISS = "miss"
    DECISION = "decision"
    NOTE = "note"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Statement:
    """Something said in a sentence or two: what, the team it is credited to, and its evidence.

    `figures` are ids of the register it stands on, `confirmed` the teams that say it is so.
    """

    tone: Tone
    title: str
    text: str
    credit: str = ""
    confirmed: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    refs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Statements:
    """Statements of one heading, side by side where there is room."""

    title: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Plain words."""

    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what they are, one under the other."""

    facts: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Command:
    """What to type, line by line."""

    lines: tuple[str, ...]


Block: TypeAlias = (
    Tiles | Ribbons | Table | Chart | Statement | Statements | Paragraph | Facts | Command
)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, a line under it, and what stands there."""

    name: str
    title: str
    blocks: tuple[Block, ...]
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Sections that belong together, on paper from a new page on."""

    name: str
    title: str
    sections: tuple[Section, ...]


_FILED = frozenset({"register", "evidence", "methods"})


@dataclass(frozen=True, slots=True)
class Document:
    """A report to read. `sentence` is its headline, `scope` what it covers and how well.

    `declared`, where there is one, stands on every page; `version` is told from the second on.
    `team` is whom a team's view is for.
    """

    title: str
    view: View
    scope: str
    sentence: str
    refused: bool
    pages: tuple[Page, ...]
    id: str
    version: int
    zone: str
    start: Instant
    end: Instant
    opskit_version: str
    declared: str = ""
    team: str = ""

    def files(self, section: Section) -> bool:
        """Return whether a section is for looking things up: in the file, and not on paper.

        The auditor's view prints all of it.
        """
        return self.view is View.WHOLE and section.name in _FILED
