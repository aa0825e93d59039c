"""What others say of alerts, and what it makes of what was known. Pure.

Two kinds of senders. A `Told` one has an alert's story straight: its words are about one time that
the alert fired, known by when that began, and may arrive twice or in another order. The same words
in any order make the same story, as long as none comes more than `LATE` after the end it speaks
against: by then it is no straggler, and the alert is back. A `Posted` alert is sent again and again
by whoever watches, and ends when nobody does (source: Alertmanager, `types.Alert.Merge`).

`missing_at` marks an end that nobody said: its time ran out, or the alert began anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from opskit.alerts.firing import Firing, State, fingerprint
from opskit.core.clock import MINUTE, Instant

# Longer than a message of Alertmanager is on its way, with all its tries.
LATE = 10 * MINUTE
History = tuple[Firing, ...]


@dataclass(frozen=True, slots=True)
class Alerted:
    """What tells an alert apart, and since when it fires."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    since: Instant

    @property
    def fingerprint(self) -> str:
        """Return what tells it apart, as Alertmanager computes it."""
        return fingerprint(self.labels)

    def began(self, source: str, at: Instant, ends_at: Instant | None) -> Firing:
        """Return it as firing from an instant."""
        return Firing(
            id=0, fingerprint=self.fingerprint, source=source,
            rule=self.labels.get("alertname", ""), labels=self.labels,
            annotations=self.annotations, value=None, since=self.since, starts_at=at,
            ends_at=ends_at,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told(Alerted):
    """It fires, or it ended: the word of an Alertmanager."""

    ended_at: Instant | None = None

    def heard(self, known: History, source: str, now: Instant) -> History:
        """Return an alert's story after this; of what is known, all since it began or open."""
        own = [one for one in known if one.since == self.since]
        if not own:
            begun = self.began(source, min(self.since, now), None)
            said = begun if self.ended_at is None else _ended(begun, self.ended_at, now)
            return _bounded((*known, said))
        if self.ended_at is not None:
            about = [one for one in own if _begin(one) <= self.ended_at] or own[:1]
            return _bounded(_with(known, about[-1], _ended(about[-1], self.ended_at, now)))
        last = own[-1]
        if last is known[-1] and _is_back(last, now):
            return _bounded((*known, self.began(source, now, None)))
        return _with(known, last, replace(last, annotations=self.annotations))


@dataclass(frozen=True, slots=True)
class Posted(Alerted):
    """It fires until an instant unless it is sent again; one that is over by then ended."""

    until: Instant

    def heard(self, known: History, source: str, now: Instant) -> History:
        """Return an alert's story after this."""
        last = known[-1] if known else None
        live = last is not None and last.state(now) is State.FIRING
        if self.until <= now:
            ends = last is not None and live and self.until > last.since
            return _with(known, last, _ended(last, self.until, now)) if last and ends else known
        if last is not None and live:
            longer = max(self.until, last.ends_at or self.until)
            first = min(self.since, last.since)
            again = replace(last, ends_at=longer, since=first, annotations=self.annotations)
            return _with(known, last, again)
        back = last is not None and self.since <= (last.ends_at or now)
        return (*known, self.began(source, now if back else min(self.since, now), self.until))


Word = Told | Posted


def lapsed(one: Firing, now: Instant) -> Firing | None:
    """Return an alert whose time ran out without a word, as over; None where that is not so."""
    if one.state(now) is not State.RESOLVED or one.missing_at is not None or len(one.refs) > 1:
        return None
    return replace(one, missing_at=one.ends_at)


def _ended(one: Firing, end: Instant, now: Instant) -> Firing:
    """Return one as over by somebody's word; of several words the last end holds."""
    said = one.missing_at is None and one.ends_at is not None and one.ends_at <= now
    at = max(min(end, now), _begin(one), one.ends_at if said and one.ends_at else end)
    return replace(one, ends_at=Instant(min(at, now)), missing_at=None)


def _is_back(last: Firing, now: Instant) -> bool:
    if last.state(now) is not State.RESOLVED or last.ends_at is None:
        return False
    return last.missing_at is not None or now - last.ends_at > LATE


def _bounded(story: History) -> History:
    """Return a story in order; whoever begins anew was over by then, if nobody said when."""
    ordered = sorted(story, key=lambda one: (one.since, _begin(one)))
    return tuple(_until_next(ordered))


def _until_next(ordered: Sequence[Firing]) -> Iterator[Firing]:
    for one, after in zip(ordered, (*ordered[1:], None), strict=True):
        said = one.ends_at is not None and one.missing_at is None
        if after is None or said:
            yield one
        else:
            next_at = max(_begin(one), _begin(after))
            end = Instant(min(one.ends_at or next_at, next_at))
            yield replace(one, ends_at=end, missing_at=end)


def _with(story: History, was: Firing, now: Firing) -> History:
    return tuple(now if one is was else one for one in story)


def _begin(one: Firing) -> Instant:
    return one.since if one.starts_at is None else one.starts_at
