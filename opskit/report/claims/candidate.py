"""A claim before it is weighed: what it counts, how it is worded, and what kind it is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from opskit.core.clock import Instant
from opskit.core.evidence import Evidence
from opskit.report.ground import Ground
from opskit.report.model import Tag

OPERATIONS = "Operations"


class Kind(StrEnum):
    """What may be claimed, strongest evidence first: of two that count one thing, the first does.

    What can be recomputed without anybody's opinion comes first, what somebody says comes last.
    """

    REPLAY = "trend run on without the action"
    WARNINGS = "warnings acted on"
    RENEWALS = "renewals in time"
    DRIFT = "deviations put right"
    ACCESS = "standing access removed"
    HAND_WORK = "hand work avoided"
    FIXES = "fixes used again"
    RATE = "fewer incidents"
    DOWNTIME = "less time lost"
    OUTCOME = "goal reached"
    QUIET = "proven quiet"
    TOLD = "told by a team"

    @property
    def priority(self) -> int:
        """Return its place, 0 first."""
        return list(Kind).index(self)


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing that is counted: where and when it was, and its ledger entries.

    `many` is how many rows of evidence it stands for: those of one cause are one piece. `until` is
    when it was dealt with, where that came later.
    """

    place: str
    at: Instant
    refs: tuple[int, ...]
    many: int = 1
    until: Instant | None = None

    @property
    def end(self) -> Instant:
        """Return the last moment that belongs to it."""
        return self.at if self.until is None else max(self.at, self.until)

    def apart(self, other: Piece) -> int:
        """Return how much time lies between two pieces; less than nothing where they overlap."""
        return max(self.at, other.at) - min(self.end, other.end)


Words = Callable[[Sequence[Piece]], str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A claim that a rule found. `words` says it of the pieces that are left to it.

    `whole` says that it is a sum which cannot give up a piece: it then loses all. `refs` are more
    entries that it names, such as those of figures, without counting them.
    """

    kind: Kind
    subject: str
    title: str
    words: Words
    pieces: tuple[Piece, ...]
    figures: tuple[str, ...]
    tag: Tag
    helped: str = ""
    team: str = OPERATIONS
    whole: bool = False

    @property
    def id(self) -> str:
        """Return its id, stable from month to month."""
        name = f"claim.{self.kind.name.lower()}"
        return f"{name}.{self.subject}" if self.subject else name


def confirmed(ground: Ground) -> dict[str, set[str]]:
    """Return the teams that confirmed a line of this very report, by the line's id."""
    said = ground.evidence.word.confirmations if ground.evidence.word else ()
    teams: dict[str, set[str]] = {}
    for one in said:
        if one.period == ground.period:
            teams.setdefault(one.line, set()).add(one.team)
    return teams


def others(teams: Iterable[str], evidence: Evidence, team: str = OPERATIONS) -> tuple[str, ...]:
    """Return the teams whose word counts: whoever did the work does not confirm it.

    Those are the claim's own team, and the teams whose work and focus the desk writes down.
    """
    work = evidence.desk.work if evidence.desk else ()
    focus = evidence.word.focus if evidence.word else ()
    own = {team, OPERATIONS, *(one.team for one in work), *(one.team for one in focus)}
    known = {one.casefold() for one in own}
    return tuple(sorted(one for one in set(teams) if one.casefold() not in known))
