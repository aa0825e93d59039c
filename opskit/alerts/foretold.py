"""Alerts that tell of a failure before it is there, and what came of each. Pure.

A rule predicts if its alerts have a label or an annotation `predicts`. What it told of came true
if an outage of the same thing began after the warning: a probe confirmed it, a threshold was
reached, or a certificate ran out in service.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from opskit.alerts.firing import Firing
from opskit.alerts.worth import AFTER, Deed, Judged, Kind, subjects
from opskit.core.evidence import PredictionEvidence
from opskit.core.interval import Interval

PREDICTS: Final = "predicts"


def predicts(one: Firing) -> bool:
    """Return whether an alert tells of what is yet to come."""
    return PREDICTS in one.labels or PREDICTS in one.annotations


def predictions(
    some: Iterable[Judged], deeds: Iterable[Deed], period: Interval
) -> Iterator[PredictionEvidence]:
    """Yield the warnings that were open within a period, and its failures without one."""
    own = [one for one in some if predicts(one.firing)]
    yield from (_warned(one) for one in own if _is_open(one, period))
    for deed in deeds:
        failed = deed.kind is Kind.OUTAGE and period.start <= deed.at < period.end
        if failed and not any(_warned_of(one, deed) for one in own):
            yield _unwarned(deed)


def _is_open(one: Judged, period: Interval) -> bool:
    ended = one.firing.ends_at
    return ended is None or ended + AFTER > period.start


def _warned(one: Judged) -> PredictionEvidence:
    firing = one.firing
    failed = next((x for x in one.deeds if x.kind is Kind.OUTAGE and x.at > one.begun), None)
    closed = None if firing.ends_at is None or one.now < firing.ends_at + AFTER else firing.ends_at
    return PredictionEvidence(
        name=f"{firing.fingerprint}-{firing.id}",
        rule=firing.name,
        subject=_subject(firing),
        warned_at=one.begun,
        expected=None,
        acted_at=one.acted_at,
        failed_at=None if failed is None else failed.at,
        closed_at=closed,
        refs=tuple(sorted({*firing.refs, *(deed.ref for deed in one.deeds if deed.ref)})),
    )


def _warned_of(one: Judged, deed: Deed) -> bool:
    """Return whether a warning of it was there before it began."""
    ended = one.firing.ends_at
    in_time = one.begun < deed.at and (ended is None or deed.at < ended + AFTER)
    return in_time and deed.concerns(subjects(one.firing.labels, one.firing.fingerprint))


def _unwarned(deed: Deed) -> PredictionEvidence:
    subject = deed.labels.get("target") or deed.labels.get("service", "")
    refs = (deed.ref,) if deed.ref else ()
    return PredictionEvidence(
        f"unwarned-{subject}-{deed.at}", "", subject, None, None, None, deed.at, None, refs
    )


def _subject(one: Firing) -> str:
    """Return what it tells of, in a word or two; never more than opskit's own labels say."""
    told: dict[str, str] = dict(subjects(one.labels, one.fingerprint))
    where = told.get("target") or told.get("host") or told.get("service") or one.name
    what = one.labels.get("item") or one.labels.get("mountpoint") or ""
    return f"{where} {what}".strip()
