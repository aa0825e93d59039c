"""Every method there is, in reading order."""

from __future__ import annotations

from opskit.report.figures.access import ACCESS
from opskit.report.figures.fleet import FLEET
from opskit.report.figures.handwork import HAND_WORK
from opskit.report.figures.incidents import INCIDENTS
from opskit.report.figures.method import Method
from opskit.report.figures.money import MONEY
from opskit.report.figures.people import PEOPLE
from opskit.report.figures.quiet import QUIET
from opskit.report.figures.services import SERVICES
from opskit.report.figures.warnings import WARNINGS
from opskit.report.figures.work import WORK
from opskit.report.ground import Ground
from opskit.report.model import Figure

METHODS: tuple[Method, ...] = (
    *SERVICES,
    *FLEET,
    *ACCESS,
    *INCIDENTS,
    *WARNINGS,
    *HAND_WORK,
    *WORK,
    *QUIET,
    *PEOPLE,
    *MONEY,
)


def all_figures(ground: Ground) -> tuple[Figure, ...]:
    """Return every figure of a report."""
    return tuple(figure for method in METHODS for figure in method.compared(ground))
