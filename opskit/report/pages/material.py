"""What every page is made of: the report, its ground, and its moments in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from opskit.core.calendar import month
from opskit.core.clock import to_datetime
from opskit.core.evidence import (
    AccessEvidence,
    DeskEvidence,
    Evidence,
    WarningEvidence,
    WordEvidence,
)
from opskit.core.interval import Interval
from opskit.report.built import Built
from opskit.report.ground import Ground
from opskit.report.model import Figure, Presence, Report
from opskit.report.times import Times


@dataclass(frozen=True)
class Material:
    """A report and its ground. Groups of evidence that nobody can speak of are empty here."""

    built: Built

    @property
    def report(self) -> Report:
        """Return the report."""
        return self.built.report

    @property
    def ground(self) -> Ground:
        """Return what its figures stand on."""
        return self.built.inputs.ground

    @property
    def evidence(self) -> Evidence:
        """Return what happened in the period."""
        return self.ground.evidence

    @property
    def period(self) -> Interval:
        """Return the period."""
        return self.report.period

    @cached_property
    def zone(self) -> ZoneInfo:
        """Return the zone that the report tells times in."""
        return ZoneInfo(self.report.zone)

    @cached_property
    def times(self) -> Times:
        """Return how moments are told."""
        return Times(self.zone, self.period)

    @cached_property
    def register(self) -> dict[str, Figure]:
        """Return every figure by its id."""
        return {one.id: one for one in self.report.figures}

    def figures(self, *starts: str) -> tuple[Figure, ...]:
        """Return the figures whose ids begin in one of these ways, in the register's order."""
        return tuple(one for one in self.report.figures if one.id.startswith(starts))

    def told(self, *ids: str) -> tuple[Figure, ...]:
        """Return the figures of these ids that are there and that somebody could know."""
        found = (self.register[one] for one in ids if one in self.register)
        return tuple(one for one in found if one.presence is not Presence.NOT_CONFIGURED)

    @property
    def access(self) -> AccessEvidence:
        """Return what access shows."""
        return self.evidence.access or AccessEvidence()

    @property
    def warnings(self) -> WarningEvidence:
        """Return what alerting shows."""
        return self.evidence.warnings or WarningEvidence()

    @property
    def desk(self) -> DeskEvidence:
        """Return what the desk shows."""
        return self.evidence.desk or DeskEvidence()

    @property
    def word(self) -> WordEvidence:
        """Return what people said."""
        return self.evidence.word or WordEvidence()

    def during(self, at: int) -> bool:
        """Return whether a moment lies in the period."""
        return self.period.start <= at < self.period.end

    def knows(self, group: str, kind: str) -> bool:
        """Return whether anybody writes down rows of a kind, so that none of them means none."""
        found = getattr(self.evidence, group)
        return found is not None and kind not in getattr(found, "unrecorded", ())

    def month(self, at: int) -> str:
        """Return the month of a moment, `Oct 2026`."""
        return f"{to_datetime(at, self.zone):%b %Y}"

    @property
    def first_month(self) -> Interval:
        """Return the month in which the period begins."""
        first = to_datetime(self.period.start, self.zone)
        return month(first.year, first.month, self.zone)

    @property
    def asked(self) -> str:
        """Return the options of `opskit report build` that give this period."""
        if self.period == self.first_month:
            return f"--month {to_datetime(self.period.start, self.zone):%Y-%m}"
        return f"--from {_argument(self.period.start)} --to {_argument(self.period.end)}"

    @property
    def now(self) -> str:
        """Return what the period is called beside earlier months."""
        return self.month(self.period.start)


def _argument(instant: int) -> str:
    """Return an instant for a command line, to the microsecond where it has them."""
    return to_datetime(instant).isoformat().replace("+00:00", "Z")
