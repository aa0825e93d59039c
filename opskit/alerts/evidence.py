"""What alerting can show for a period, in the report's words: drills, warnings, calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from opskit.alerts.drill import Drill
from opskit.alerts.foretold import predictions
from opskit.alerts.reviewing import Looked, Reviewing, is_after_hours
from opskit.alerts.store import drills as store, firings, notices
from opskit.alerts.worth import Judged, Kind, Outcome
from opskit.core.clock import Duration, Instant
from opskit.core.evidence import (
    DrillEvidence,
    Evidence,
    FiringEvidence,
    PageEvidence,
    WarningEvidence,
)
from opskit.core.evidence.rows import only
from opskit.core.interval import Interval
from opskit.outside.database import Database

# The fault is opskit's own, and no service's.
SERVICE = "opskit drill"
# What is known once an alert fired.
_WATCHED = ("predictions", "pages", "firings")


@dataclass(frozen=True)
class AlertsEvidence:
    """Reads drills and alerts; nothing is said of a repository that never had any."""

    database: Database
    reviewing: Reviewing
    name: str = "alerts, and drills of alerting"

    def since(self) -> Instant | None:
        """Return when the first drill began or the first alert fired; None where none did."""
        with self.database.read() as connection:
            begun = [one.begun_at for one in store.every(connection)]
            fired = firings.first_at(connection)
        return min((*begun, *(() if fired is None else (fired,))), default=None)

    def evidence(self, period: Interval) -> Evidence:
        """Return the drills, warnings and calls of a period, as they stood at its end."""
        with self.database.read() as connection:
            every = store.every(connection)
            fired = firings.first_at(connection)
        watched = fired is not None and fired < period.end
        drilled = any(one.begun_at < period.end for one in every)
        if not drilled and not watched:
            return Evidence()
        own = (one for one in every if period.start <= one.begun_at < period.end)
        rows = tuple(_drill(one, period.end) for one in own)
        names = (("drills",) if drilled else ()) + (_WATCHED if watched else ())
        found = WarningEvidence(drills=rows, unrecorded=only(WarningEvidence, *names))
        return Evidence(warnings=found + self._watched(period) if watched else found)

    def _watched(self, period: Interval) -> WarningEvidence:
        looked = self.reviewing.looked(period)
        with self.database.read() as connection:
            since = firings.first_at(connection) or period.start
            called = notices.calls(connection, period)
        # Before anything fired, nobody can tell whether rules were evaluated at all.
        watched = Interval(Instant(max(period.start, since)), period.end)
        return WarningEvidence(
            predictions=tuple(predictions(looked.judged, looked.deeds, watched)),
            pages=tuple(self._calls(looked, called)),
            firings=tuple(
                _firing(one, self.reviewing.zone)
                for one in looked.judged
                if period.start <= one.begun < period.end
            ),
            unrecorded=only(WarningEvidence, *_WATCHED),
        )

    def _calls(self, looked: Looked, called: Sequence[notices.Owed]) -> Iterator[PageEvidence]:
        known: dict[str, list[Judged]] = {}
        for judged in looked.judged:
            known.setdefault(judged.firing.fingerprint, []).append(judged)
        for one in called:
            about = [x for x in (_about(known, name, one.at) for name in one.firing) if x]
            yield PageEvidence(
                at=one.at,
                team=about[0].firing.labels.get("team", "") if about else "",
                rule=about[0].firing.name if about else "",
                after_hours=is_after_hours(one.at, self.reviewing.zone),
                acted=_followed(about),
                refs=one.refs,
            )


def _firing(one: Judged, zone: ZoneInfo) -> FiringEvidence:
    outage = one.first(Kind.OUTAGE)
    return FiringEvidence(
        at=one.begun,
        team=one.firing.labels.get("team", ""),
        rule=one.firing.rule or one.firing.name,
        worth=None if one.outcome is Outcome.OPEN else one.was_worth_it,
        acted=one.outcome is Outcome.ACTED,
        after_hours=is_after_hours(one.begun, zone),
        lead=Duration(outage - one.begun) if outage is not None and outage > one.begun else None,
        refs=one.firing.refs,
    )


def _about(known: Mapping[str, Sequence[Judged]], fingerprint: str, at: Instant) -> Judged | None:
    """Return the firing of an alert that a message of this instant was about."""
    own = [one for one in known.get(fingerprint, ()) if one.begun <= at]
    return max(own, key=lambda one: one.begun, default=None)


def _followed(about: Sequence[Judged]) -> bool | None:
    """Return whether anything followed but silence; None where nobody knows so far."""
    outcomes = {one.outcome for one in about}
    if outcomes & {Outcome.ACTED, Outcome.RIGHT, Outcome.SEEN}:
        return True
    return None if not outcomes or Outcome.OPEN in outcomes else False


def _drill(drill: Drill, end: Instant) -> DrillEvidence:
    return DrillEvidence(
        at=drill.begun_at,
        service=SERVICE,
        seen=drill.seen,
        routed=drill.routed,
        received=_received(drill, end),
        refs=drill.refs,
    )


def _received(drill: Drill, end: Instant) -> bool | None:
    """Return whether a human answered in time; None while one still may."""
    if drill.confirmed_at is not None and drill.confirmed_at < end:
        return True
    return False if drill.deadline_at <= end else None
