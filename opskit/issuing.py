"""Issue the report of a month that is over: once, as it was told; later evidence is a version."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from opskit.core.calendar import month
from opskit.core.clock import to_datetime
from opskit.core.errors import ConfigError, Conflict, OpskitError
from opskit.core.interval import Interval
from opskit.outside.typed import from_json, to_json
from opskit.records.archive import Archive, Draft, Issued, Month
from opskit.records.ledger import Head
from opskit.report.built import Built
from opskit.report.figures.catalogue import NAMES
from opskit.report.inputs import Inputs, Issue, Said
from opskit.reporting import Reporting, built

# Somebody else may issue the same month at the same moment; a third time in a row is no accident.
_TRIES = 3
_SAID = tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A report, and the entry of the archive that it is; None where it is in none, and why not.

    `failed` says that it should have been entered, and could not be.
    """

    built: Built
    issued: Issued | None
    why: str = ""
    failed: bool = False

    @property
    def otherwise(self) -> bool:
        """Return whether methods have changed since it was issued: its figures may have, too."""
        return self.built.inputs.methods not in {(), NAMES}


@dataclass(frozen=True)
class Issuing:
    """Builds reports, and issues those of whole months."""

    reporting: Reporting
    archive: Archive

    def report(self, period: Interval) -> Told:
        """Return the report of a period, issued if it is of a month that is over."""
        candidate = self.reporting.report(period)
        whole = self.month_of(period)
        if whole is None:
            return Told(candidate, None, "only a whole month that is over is issued")
        if candidate.inputs.seal.broken:
            return Told(candidate, None, "the ledger is broken: nothing is issued on it")
        try:
            return self._issued(whole, candidate)
        except OpskitError as error:
            return Told(candidate, None, error.message, failed=True)

    def seen(self, period: Interval) -> Built:
        """Return the report of a period as it is now, or was issued; nothing is written.

        Raises:
            OutsideError: what was issued is not in the archive any more.
        """
        candidate = self.reporting.report(period)
        whole = self.month_of(period)
        newest = None if whole is None else self.archive.last(whole)
        return candidate if newest is None else self.again(newest)

    def version(self, period: Interval, number: int) -> Told:
        """Return one version of a month, from what it was built from then.

        Raises:
            ConfigError: that version was never issued.
            OutsideError: it is not in the archive any more as it was issued.
        """
        whole = self.month_of(period)
        issued = None if whole is None else self.archive.version(whole, number)
        if issued is None:
            raise ConfigError(
                f"version {number} of that period was never issued",
                hint="opskit report list",
            )
        return Told(self.again(issued), issued)

    def again(self, issued: Issued) -> Built:
        """Return an issued report, from what it was built from then.

        Raises:
            OutsideError: it is not in the archive any more as it was issued.
        """
        return built(self._inputs(issued))

    def _inputs(self, issued: Issued) -> Inputs:
        name = f"version {issued.version} of {issued.month.name}"
        return from_json(self.archive.inputs(issued), Inputs, name=name)

    def month_of(self, period: Interval) -> Month | None:
        """Return the month that a period is, if it is one and over."""
        zone, now = self.reporting.config.zone, self.reporting.clock.now()
        name = name_of(period, zone)
        return None if not name or period.end > now else Month(name, zone.key, period)

    def _issued(self, whole: Month, candidate: Built) -> Told:
        for _ in range(_TRIES):
            newest = self.archive.last(whole)
            if newest is not None and self.archive.inputs(newest) == candidate.embedded:
                return Told(candidate, newest)
            before = None if newest is None else self._inputs(newest)
            if before is not None and same_evidence(before, candidate.inputs):
                # Of the same evidence, figures are the same.
                return Told(built(before, candidate.report.figures), newest)
            following = candidate if newest is None else self._following(newest, candidate)
            with suppress(Conflict):
                return Told(following, self.archive.issue(whole, _draft(following)))
        raise Conflict(f"others issue {whole.name} again and again", hint="run it again")

    def _following(self, newest: Issued, candidate: Built) -> Built:
        told = from_json(self.archive.told(newest), _SAID, name=f"what {newest.month.name} told")
        previous = Issue(newest.version, newest.id, told)
        return built(replace(candidate.inputs, previous=previous), candidate.report.figures)


def name_of(period: Interval, zone: ZoneInfo) -> str:
    """Return the name of the month that a period is, as `2026-10`; nothing if it is none."""
    first = to_datetime(period.start, zone).date()
    is_month = period == month(first.year, first.month, zone)
    return f"{first:%Y-%m}" if is_month else ""


def same_evidence(one: Inputs, other: Inputs) -> bool:
    """Return whether two inputs tell the same of a period.

    How far the ledger went on meanwhile, which opskit looked, and what was issued before tell
    nothing of it. By which methods figures are made does.
    """
    alike = replace(other, seal=one.seal, opskit_version=one.opskit_version, previous=one.previous)
    return to_json(one, Inputs) == to_json(alike, Inputs)


def _draft(report: Built) -> Draft:
    told = tuple(Said(one.id, one.title, one.value, one.display) for one in report.report.figures)
    seal = report.inputs.seal
    return Draft(
        report.report.version,
        report.report.id,
        Head(seal.seq, seal.hash),
        report.embedded,
        to_json(told, _SAID),
    )
