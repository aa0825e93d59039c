"""Which targets are watched, since when, and the state each was last seen in."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from opskit.core.clock import Instant
from opskit.core.interval import Interval
from opskit.core.redact import Redactor
from opskit.monitor.model import Registration, Seen
from opskit.monitor.rules import watched_from
from opskit.monitor.store.spells import SERIES
from opskit.outside.database import METADATA
from opskit.records.ledger import LEDGER, Ledger

if TYPE_CHECKING:
    # Every command knows every table; what a probe is only some need to.
    from opskit.monitor.catalogue import Target

TARGETS = sa.Table(
    "monitor_targets",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("registered_at", sa.BigInteger, nullable=False),
    sa.Column("registered_seq", sa.BigInteger, nullable=False),
    sa.Column("retired_at", sa.BigInteger),
    sa.Column("seen", sa.Text),
    sa.Column("seen_since", sa.BigInteger),
)
# The times between a target's leaving the catalogue and its coming back.
PAUSES = sa.Table(
    "monitor_pauses",
    METADATA,
    sa.Column("target", sa.Text, sa.ForeignKey("monitor_targets.id"), primary_key=True),
    sa.Column("began_at", sa.BigInteger, primary_key=True),
    sa.Column("ended_at", sa.BigInteger, nullable=False),
)


_HERE = sa.and_(SERIES.c.target == TARGETS.c.id, SERIES.c.location == "")
_EVER = (
    sa.select(TARGETS, SERIES.c.first_at, SERIES.c.first_interval)
    .outerjoin(SERIES, _HERE)
    .order_by(TARGETS.c.id)
)
_SOME = _EVER.where(TARGETS.c.id.in_(sa.bindparam("only", expanding=True)))
_PAUSES = sa.select(PAUSES).order_by(PAUSES.c.target, PAUSES.c.began_at)


def registrations(
    connection: sa.Connection, only: Collection[str] | None = None
) -> dict[str, Registration]:
    """Return every target that was ever watched, or some, by id."""
    if only is None:
        rows = connection.execute(_EVER).all()
    else:
        rows = connection.execute(_SOME, {"only": list(only)}).all()
    return {row[0]: _registration(row) for row in rows}


def _registration(row: Any) -> Registration:  # noqa: ANN401  # a row of the query above
    target, service, since, seq, until, seen, seen_since, *first = row
    begun = watched_from(since, None if first[0] is None else (first[0], first[1]))
    known = None if seen is None else Seen(seen)
    return Registration(target, service, since, seq, begun, until, known, seen_since)


def pauses(connection: sa.Connection) -> dict[str, list[Interval]]:
    """Return the times in which targets were out of the catalogue and came back later."""
    found: dict[str, list[Interval]] = defaultdict(list)
    for row in connection.execute(_PAUSES):
        found[row.target].append(Interval(Instant(row.began_at), Instant(row.ended_at)))
    return found


def sync(connection: sa.Connection, ledger: Ledger, targets: Iterable[Target]) -> None:
    """Register targets that are new in the catalogue, retire those that left it."""
    known = registrations(connection)
    wanted = {target.id: target for target in targets}
    for target in wanted.values():
        if target.id not in known:
            entry = ledger.append(connection, "target.registered", target.id, _settings(target))
            connection.execute(
                sa.insert(TARGETS).values(
                    id=target.id,
                    service=target.service,
                    registered_at=entry.at,
                    registered_seq=entry.seq,
                )
            )
        elif (left := known[target.id].until) is not None:
            entry = ledger.append(connection, "target.resumed", target.id, {})
            _set_target(connection, target.id, retired_at=None)
            if entry.at > left:
                connection.execute(
                    sa.insert(PAUSES).values(target=target.id, began_at=left, ended_at=entry.at)
                )
    for gone in known.keys() - wanted.keys():
        if known[gone].until is None:
            entry = ledger.append(connection, "target.retired", gone, {})
            _set_target(connection, gone, retired_at=entry.at)


def _settings(target: Target) -> dict[str, object]:
    """Return the probe's settings as they may be kept for ever: a URL may hold a password."""
    hide = Redactor()
    settings = target.probe.model_dump(mode="json")
    return {name: hide(one) if isinstance(one, str) else one for name, one in settings.items()}


def _set_target(connection: sa.Connection, target: str, **values: object) -> None:
    connection.execute(sa.update(TARGETS).where(TARGETS.c.id == target).values(values))


def states(
    connection: sa.Connection, only: Collection[str] | None = None
) -> dict[str, tuple[Seen | None, Instant | None]]:
    """Return the confirmed state of each target, or of some, and since when it is in it."""
    query = sa.select(TARGETS.c.id, TARGETS.c.seen, TARGETS.c.seen_since)
    if only is not None:
        query = query.where(TARGETS.c.id.in_(only))
    return {
        name: (None if seen is None else Seen(seen), since)
        for name, seen, since in connection.execute(query)
    }


def set_seen(connection: sa.Connection, target: str, seen: Seen, since: Instant) -> None:
    """Keep the state a target is in, for the next flip to be noticed."""
    _set_target(connection, target, seen=seen, seen_since=since)


def flips(connection: sa.Connection, window: Interval) -> dict[str, dict[int, Instant]]:
    """Return by service the ledger entries that say a target of it changed state in `window`.

    Each comes with the instant from which the new state holds.
    """
    rows = connection.execute(
        sa.select(LEDGER.c.seq, LEDGER.c.subject, LEDGER.c.data).where(
            LEDGER.c.kind == "target.flipped",
            LEDGER.c.at >= window.start,
            LEDGER.c.at < window.end,
        )
    )
    found: dict[str, dict[int, Instant]] = {}
    for seq, subject, data in rows:
        service, _, _ = subject.partition("/")
        found.setdefault(service, {})[seq] = Instant(json.loads(data)["since"])
    return found
