"""History of what the metrics page showed: only what changes is written, all is read back.

Times are milliseconds since 1970. A series is shown from each of its rows to the next, at every
instant at which the page was looked at; a row without a value is its end. No value is NaN: what is
not a number counts as not shown.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Final, NamedTuple

import sqlalchemy as sa

from opskit.alerts.promql.series import NAME, STALE, Labels, Memory, Series
from opskit.alerts.store.tables import PASSES, SAMPLES, SERIES

# What was seen holds as long: two passes may fail, not three.
_STEPS: Final = 2.5
# As long as rules see the newest sample of a series; so a part of the page that cannot be read
# ends here when it ends for them.
_UNREAD_HOLDS: Final = 300_000
# Values in one statement; PostgreSQL takes 65,535.
_AT_ONCE: Final = 5_000


class Stretch(NamedTuple):
    """A time in which the page was looked at, each STEP ms from START to END."""

    start: int
    end: int
    step: int


class _Shown(NamedTuple):
    series: int
    value: float


@dataclass
class Writer:
    """Writes what a pass saw, and knows what was shown before so that it only writes changes.

    It may be kept over transactions that fail, and while another process writes: it notices that
    the table is not as it left it, and reads anew.
    """

    _shown: dict[Labels, _Shown] = field(default_factory=dict)
    _left: tuple[int, Stretch] | None = None
    _unread_since: dict[str, int] = field(default_factory=dict)

    def write(
        self,
        connection: sa.Connection,
        at: int,
        step: int,
        samples: Mapping[Labels, float],
        unread: Callable[[str], bool] = lambda _: False,
    ) -> bool:
        """Write what the page showed AT an instant; passes are STEP ms apart.

        A series that is not there any more has ended, unless its metric is one of which the page
        could not be read (UNREAD): that goes on as it was, for five minutes at most.

        Return False, with nothing written, for an instant that is not after the last one: a clock
        that was set back writes no second history.
        """
        left = _newest(connection)
        if left is not None and at <= left[1].end:
            return False
        if left is None or left != self._left:
            self._shown = dict(_shown_last(connection))
            self._unread_since = {}
            self._left = left
        changed = [
            (labels, value) for labels, value in samples.items() if self._differs(labels, value)
        ]
        self._end(connection, at, self._missing(samples, unread, at))
        self._change(connection, at, changed)
        self._left = _passed(connection, left, at, step)
        return True

    def _differs(self, labels: Labels, value: float) -> bool:
        known = self._shown.get(labels)
        return value == value and (known is None or known.value != value)  # noqa: PLR0124  # NaN

    def _missing(
        self, samples: Mapping[Labels, float], unread: Callable[[str], bool], at: int
    ) -> list[Labels]:
        """Return the series that ended."""
        before = at if self._left is None else self._left[1].end
        since: dict[str, int] = {}
        ended = []
        for labels in self._shown:
            value = samples.get(labels)
            if value is not None and value == value:  # noqa: PLR0124  # NaN
                continue
            name = labels.get(NAME)
            if unread(name):
                since[name] = self._unread_since.get(name, before)
                if at - since[name] < _UNREAD_HOLDS:
                    continue
            ended.append(labels)
        self._unread_since = since
        return ended

    def _end(self, connection: sa.Connection, at: int, ended: Iterable[Labels]) -> None:
        rows = [{"series": self._shown.pop(one).series, "at": at, "value": None} for one in ended]
        if rows:
            connection.execute(sa.insert(SAMPLES), rows)

    def _change(
        self, connection: sa.Connection, at: int, changed: Sequence[tuple[Labels, float]]
    ) -> None:
        new = [labels for labels, _ in changed if labels not in self._shown]
        ids = _ids(connection, new) if new else {}
        for labels, value in changed:
            known = self._shown.get(labels)
            number = ids[labels] if known is None else known.series
            self._shown[labels] = _Shown(number, value)
        rows = [
            {"series": self._shown[labels].series, "at": at, "value": value}
            for labels, value in changed
        ]
        if rows:
            connection.execute(sa.insert(SAMPLES), rows)


def stretches(connection: sa.Connection, start: int, end: int) -> tuple[Stretch, ...]:
    """Return when the page was looked at between two instants, oldest first, uncut."""
    own = PASSES.c
    found = sa.select(own.start_at, own.end_at, own.step)
    found = found.where(own.end_at >= start, own.start_at <= end).order_by(own.start_at)
    return tuple(Stretch(*row) for row in connection.execute(found))


def read(connection: sa.Connection, names: Collection[str] | None, start: int, end: int) -> Memory:
    """Return what the page showed of metrics (None: all) from START to END.

    Each series has a sample for each instant at which it was looked at, and the mark of a series
    that ended; none where nobody looked.
    """
    storage = Memory()
    instants = _instants(connection, start, end)
    if not instants:
        return storage
    for labels, changes in _changes(connection, names, start, end):
        series = _expanded(labels, changes, instants)
        if series.times:
            storage.add(series)
    return storage


def prune(connection: sa.Connection, before: int) -> int:
    """Drop what was shown before an instant, and return the number of rows that went.

    What a series showed there last is kept as long as it goes on.
    """
    own, later = SAMPLES.c, SAMPLES.alias()
    followed = sa.exists().where(
        later.c.series == own.series, later.c.at > own.at, later.c.at <= before
    )
    old = sa.delete(SAMPLES).where(own.at < before, sa.or_(own.value.is_(None), followed))
    gone = connection.execute(old).rowcount
    kept = sa.exists().where(own.series == SERIES.c.id)
    connection.execute(sa.delete(SERIES).where(~kept))
    connection.execute(sa.delete(PASSES).where(PASSES.c.end_at < before))
    cut = sa.update(PASSES).where(PASSES.c.start_at < before)
    connection.execute(cut.values(start_at=before))
    return gone


def _newest(connection: sa.Connection) -> tuple[int, Stretch] | None:
    own = PASSES.c
    found = sa.select(own.id, own.start_at, own.end_at, own.step).order_by(own.end_at.desc())
    row = connection.execute(found.limit(1)).first()
    return None if row is None else (row.id, Stretch(row.start_at, row.end_at, row.step))


def _passed(
    connection: sa.Connection, left: tuple[int, Stretch] | None, at: int, step: int
) -> tuple[int, Stretch]:
    """Note that there was a pass: one more of a stretch, or the first of another."""
    if left is not None and left[1].step == step and at - left[1].end <= _STEPS * step:
        own = sa.update(PASSES).where(PASSES.c.id == left[0])
        connection.execute(own.values(end_at=at))
        return left[0], left[1]._replace(end=at)
    stretch = Stretch(at, at, step)
    values = {"start_at": at, "end_at": at, "step": step}
    made = connection.execute(sa.insert(PASSES).values(values))
    return int(made.inserted_primary_key[0]), stretch  # type: ignore[index]  # there is one


def _shown_last(connection: sa.Connection) -> Iterator[tuple[Labels, _Shown]]:
    own = SAMPLES.c
    last = sa.select(own.value).where(own.series == SERIES.c.id).order_by(own.at.desc()).limit(1)
    found = sa.select(SERIES.c.id, SERIES.c.labels, last.scalar_subquery().label("value"))
    for number, text, value in connection.execute(found):
        if value is not None:
            yield _labels(text), _Shown(number, value)


def _ids(connection: sa.Connection, new: Sequence[Labels]) -> dict[Labels, int]:
    """Return the numbers of series that were not shown just now, of new ones as well."""
    texts = {_text(labels): labels for labels in new}
    found = {}
    for some in _portions(texts):
        known = sa.select(SERIES.c.id, SERIES.c.labels).where(SERIES.c.labels.in_(some))
        found.update({texts[row.labels]: row.id for row in connection.execute(known)})
    rows = [
        {"name": labels.get(NAME), "labels": text}
        for text, labels in texts.items()
        if labels not in found
    ]
    if rows:
        made = connection.execute(sa.insert(SERIES).returning(SERIES.c.id, SERIES.c.labels), rows)
        found.update({texts[row.labels]: row.id for row in made})
    return found


def _instants(connection: sa.Connection, start: int, end: int) -> array[int]:
    """Return when the page was looked at: exactly where something changed, else by the step."""
    known = array("q", _changing(connection, start, end))
    found = array("q")
    for stretch in stretches(connection, start, end):
        inside = known[bisect_left(known, stretch.start) : bisect_right(known, stretch.end)]
        ends = sorted({stretch.start, *inside, stretch.end})
        for one, other in pairwise(ends):
            found.extend(range(one, other - stretch.step // 2, stretch.step) or (one,))
        found.append(ends[-1])
    return found[bisect_left(found, start) : bisect_right(found, end)]


def _changing(connection: sa.Connection, start: int, end: int) -> Iterator[int]:
    """Yield each instant at which anything changed, the last before START and the first after END.

    Each is looked for behind the one before: the index is not read as a whole.
    """
    own = SAMPLES.c
    before = sa.select(sa.func.max(own.at)).where(own.at <= start).scalar_subquery()
    first = sa.select(sa.func.min(own.at).label("at")).where(
        own.at >= sa.func.coalesce(before, start)
    )
    walk = first.cte("walk", recursive=True)
    following = sa.select(sa.func.min(own.at)).where(own.at > walk.c.at)
    walk = walk.union_all(
        sa.select(following.scalar_subquery().correlate(walk)).where(walk.c.at < end)
    )
    found = sa.select(walk.c.at).where(walk.c.at.is_not(None))
    return (at for (at,) in connection.execute(found))


def _changes(
    connection: sa.Connection, names: Collection[str] | None, start: int, end: int
) -> Iterator[tuple[Labels, list[tuple[int, float | None]]]]:
    """Yield each series with what it showed at START and every change until END."""
    for some in [None] if names is None else _portions(names):
        own, before = SAMPLES.c, SAMPLES.alias()
        newest = sa.select(sa.func.max(before.c.at)).where(
            before.c.series == SERIES.c.id, before.c.at <= start
        )
        since = sa.func.coalesce(newest.scalar_subquery(), start)
        found = sa.select(SERIES.c.labels, own.at, own.value).join_from(
            SERIES, SAMPLES, sa.and_(own.series == SERIES.c.id, own.at >= since, own.at <= end)
        )
        if some is not None:
            found = found.where(SERIES.c.name.in_(some))
        rows = connection.execute(found.order_by(SERIES.c.id, own.at))
        for text, changes in groupby(rows, key=lambda row: str(row[0])):
            yield _labels(text), [(at, value) for _, at, value in changes]


def _expanded(
    labels: Labels, changes: Sequence[tuple[int, float | None]], instants: array[int]
) -> Series:
    """Return a series with a sample at each instant from each change to the next."""
    times, values = array("q"), array("d")
    begins = [bisect_left(instants, at) for at, _ in changes]
    nexts = [*begins[1:], len(instants)]
    for (_, value), begin, following in zip(changes, begins, nexts, strict=True):
        behind = following if value is not None else min(begin + 1, following)
        times.extend(instants[begin:behind])
        values.extend(array("d", [STALE if value is None else value]) * (behind - begin))
    return Series(labels, times, values)


def _portions(texts: Iterable[str]) -> Iterator[list[str]]:
    every = sorted(texts)
    return (every[index : index + _AT_ONCE] for index in range(0, len(every), _AT_ONCE))


def _text(labels: Labels) -> str:
    return json.dumps(dict(labels.pairs), sort_keys=True)


def _labels(text: str) -> Labels:
    return Labels.of(json.loads(text))
