"""Every method there is, in reading order."""

from __future__ import annotations

from collections.abc import Iterable

from opskit.report.figures.access import ACCESS
from opskit.report.figures.avoided import AVOIDED
from opskit.report.figures.episodes import EPISODES
from opskit.report.figures.fleet import FLEET
from opskit.report.figures.handwork import HAND_WORK
from opskit.report.figures.incidents import INCIDENTS
from opskit.report.figures.method import Method
from opskit.report.figures.money import MONEY
from opskit.report.figures.people import PEOPLE
from opskit.report.figures.quiet import QUIET
from opskit.report.figures.renewals import RENEWALS
from opskit.report.figures.services import SERVICES
from opskit.report.figures.shape import Referred, refs_of
from opskit.report.figures.warnings import WARNINGS
from opskit.report.figures.work import WORK
from opskit.report.figures.worth import WORTH
from opskit.report.ground import Ground
from opskit.report.model import Figure

METHODS: tuple[Method, ...] = (
    *SERVICES,
    *FLEET,
    *EPISODES,
    *ACCESS,
    *INCIDENTS,
    *WARNINGS,
    *WORTH,
    *RENEWALS,
    *HAND_WORK,
    *WORK,
    *QUIET,
    *PEOPLE,
    *MONEY,
    *AVOIDED,
)

NAMES: tuple[str, ...] = tuple(one.name for one in METHODS)


def all_figures(ground: Ground) -> tuple[Figure, ...]:
    """Return every figure of a report."""
    return tuple(figure for method in METHODS for figure in method.compared(ground))


def worse(figures: Iterable[Figure]) -> list[Figure]:
    """Return the figures that are told to be worse than in the months before."""
    methods = {method.name: method for method in METHODS}
    return [one for one in figures if one.method in methods and methods[one.method].is_worse(one)]


def all_refs(ground: Ground) -> tuple[int, ...]:
    """Return the ledger entries that a report rests on, each once, in order.

    Those of its figures, and of test faults and people's words that no figure counts.
    """
    rows: list[Referred] = [figure for method in METHODS for figure in method.figures(ground)]
    if ground.evidence.word is not None:
        rows += ground.evidence.word.wins + ground.evidence.word.confirmations
        rows += ground.evidence.word.wanted
    if ground.evidence.warnings is not None:
        rows += ground.evidence.warnings.drills
    return refs_of(rows)
