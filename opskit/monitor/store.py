"""The monitor's tables: targets with their last state, and observations sealed by the ledger."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

import sqlalchemy as sa

from opskit.core.clock import Duration, Instant
from opskit.core.interval import Interval
from opskit.core.redact import Redactor
from opskit.monitor.model import Observation, Registration, Seen, Target
from opskit.outside.database import METADATA
from opskit.records.ledger import LEDGER, Ledger

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
OBSERVATIONS = sa.Table(
    "monitor_observations",
    METADATA,
    sa.Column("target", sa.Text, sa.ForeignKey("monitor_targets.id"), primary_key=True),
    sa.Column("at", sa.BigInteger, primary_key=True),
    sa.Column("seen", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("took", sa.BigInteger, nullable=False),
    sa.Column("interval", sa.BigInteger, nullable=False),
    sa.Column("seal_seq", sa.BigInteger),
    sa.Index("ix_monitor_observations_seal", "seal_seq"),
)


def registrations(connection: sa.Connection) -> dict[str, Registration]:
    """Return every target that was ever watched, by id."""
    rows = connection.execute(sa.select(TARGETS).order_by(TARGETS.c.id))
    return {
        row.id: Registration(
            target=row.id,
            service=row.service,
            since=Instant(row.registered_at),
            seq=row.registered_seq,
            until=row.retired_at,
            seen=None if row.seen is None else Seen(row.seen),
            seen_since=row.seen_since,
        )
        for row in rows
    }


def pauses(connection: sa.Connection, target: str) -> tuple[Interval, ...]:
    """Return the times between a target's leaving the catalogue and its coming back."""
    rows = connection.execute(
        sa.select(LEDGER.c.kind, LEDGER.c.at)
        .where(LEDGER.c.subject == target, LEDGER.c.kind.in_(("target.retired", "target.resumed")))
        .order_by(LEDGER.c.seq)
    ).all()
    return tuple(
        Interval(Instant(left.at), Instant(max(left.at, back.at)))
        for left, back in pairwise(rows)
        if left.kind == "target.retired"
    )


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
        elif known[target.id].until is not None:
            ledger.append(connection, "target.resumed", target.id, {})
            _set_target(connection, target.id, retired_at=None)
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


def set_seen(connection: sa.Connection, target: str, seen: Seen, since: Instant) -> None:
    """Keep the state a target is in, for the next flip to be noticed."""
    _set_target(connection, target, seen=seen, seen_since=since)


def insert(connection: sa.Connection, observations: Sequence[Observation]) -> None:
    """Write observations; one that is there already (same target, same instant) stays as it is."""
    for one in observations:
        at_that_instant = (OBSERVATIONS.c.target == one.target, OBSERVATIONS.c.at == one.at)
        if connection.execute(sa.select(OBSERVATIONS.c.at).where(*at_that_instant)).first():
            continue
        connection.execute(
            sa.insert(OBSERVATIONS).values(
                target=one.target,
                at=one.at,
                seen=one.seen,
                reason=one.reason,
                took=one.took,
                interval=one.interval,
            )
        )


def observations(
    connection: sa.Connection, target: str, window: Interval
) -> tuple[Observation, ...]:
    """Return what was seen of a target within `window`, and the tries that bear on it.

    The last try before may reach into it; the next certain one after says what a failure at its
    end was, so that two months side by side tell the same story as both in one.
    """
    of_target = OBSERVATIONS.c.target == target
    before = sa.select(sa.func.max(OBSERVATIONS.c.at)).where(
        of_target, OBSERVATIONS.c.at < window.start
    )
    after = sa.select(sa.func.min(OBSERVATIONS.c.at)).where(
        of_target, OBSERVATIONS.c.at >= window.end, OBSERVATIONS.c.seen != Seen.SUSPECT
    )
    rows = connection.execute(
        sa.select(OBSERVATIONS)
        .where(
            of_target,
            OBSERVATIONS.c.at >= sa.func.coalesce(before.scalar_subquery(), window.start),
            OBSERVATIONS.c.at <= sa.func.coalesce(after.scalar_subquery(), window.end),
        )
        .order_by(OBSERVATIONS.c.at)
    )
    return tuple(_observation(row) for row in rows)


def first_suspect(connection: sa.Connection, down: Observation) -> Instant:
    """Return when the run of failures began that `down` confirms."""
    last_good = (
        sa.select(sa.func.max(OBSERVATIONS.c.at))
        .where(
            OBSERVATIONS.c.target == down.target,
            OBSERVATIONS.c.at < down.at,
            OBSERVATIONS.c.seen != Seen.SUSPECT,
        )
        .scalar_subquery()
    )
    first = connection.execute(
        sa.select(sa.func.min(OBSERVATIONS.c.at)).where(
            OBSERVATIONS.c.target == down.target,
            OBSERVATIONS.c.at > sa.func.coalesce(last_good, 0),
            OBSERVATIONS.c.at <= down.at,
        )
    ).scalar()
    return down.at if first is None else Instant(first)


def latest(connection: sa.Connection) -> dict[str, Observation]:
    """Return the newest observation of each target."""
    newest = (
        sa.select(OBSERVATIONS.c.target, sa.func.max(OBSERVATIONS.c.at).label("at"))
        .group_by(OBSERVATIONS.c.target)
        .subquery()
    )
    rows = connection.execute(
        sa.select(OBSERVATIONS).join(
            newest, (OBSERVATIONS.c.target == newest.c.target) & (OBSERVATIONS.c.at == newest.c.at)
        )
    )
    return {row.target: _observation(row) for row in rows}


def _observation(row: sa.Row[tuple[object, ...]]) -> Observation:
    return Observation(
        target=row.target,
        at=Instant(row.at),
        seen=Seen(row.seen),
        reason=row.reason,
        took=Duration(row.took),
        interval=Duration(row.interval),
        seal=row.seal_seq,
    )


def flips(connection: sa.Connection, service: str, window: Interval) -> dict[int, Instant]:
    """Return the ledger entries that say a target of `service` changed state in `window`.

    Each comes with the instant from which the new state holds.
    """
    rows = connection.execute(
        sa.select(LEDGER.c.seq, LEDGER.c.data).where(
            LEDGER.c.kind == "target.flipped",
            LEDGER.c.subject.startswith(f"{service}/", autoescape=True),
            LEDGER.c.at >= window.start,
            LEDGER.c.at < window.end,
        )
    )
    return {seq: Instant(json.loads(data)["since"]) for seq, data in rows}


def seal(connection: sa.Connection, ledger: Ledger) -> int:
    """Write the digest of all observations not sealed yet into the ledger; return how many."""
    rows = connection.execute(
        sa.select(OBSERVATIONS)
        .where(OBSERVATIONS.c.seal_seq.is_(None))
        .order_by(OBSERVATIONS.c.target, OBSERVATIONS.c.at)
    ).all()
    if not rows:
        return 0
    times = [row.at for row in rows]
    data = {
        "count": len(rows),
        "digest": _digest(rows),
        "first_at": min(times),
        "last_at": max(times),
    }
    entry = ledger.append(connection, "observations.sealed", "monitor", data)
    connection.execute(
        sa.update(OBSERVATIONS).where(OBSERVATIONS.c.seal_seq.is_(None)).values(seal_seq=entry.seq)
    )
    return len(rows)


def broken_seals(connection: sa.Connection) -> tuple[int, ...]:
    """Return the ledger entries whose observations are not what was sealed."""
    # In one pass: a month has as many seals as minutes.
    rows = connection.execution_options(yield_per=5_000).execute(
        sa.select(OBSERVATIONS)
        .where(OBSERVATIONS.c.seal_seq.is_not(None))
        .order_by(OBSERVATIONS.c.seal_seq, OBSERVATIONS.c.target, OBSERVATIONS.c.at)
    )
    stored = {seq: _digest(of_seal) for seq, of_seal in groupby(rows, lambda row: row.seal_seq)}
    sealed = connection.execute(
        sa.select(LEDGER.c.seq, LEDGER.c.data)
        .where(LEDGER.c.kind == "observations.sealed")
        .order_by(LEDGER.c.seq)
    )
    return tuple(
        entry.seq for entry in sealed if _sealed(entry.data) != stored.get(entry.seq, _NOTHING)
    )


def _sealed(data: str) -> str:
    """Return the digest in a seal; nothing if the entry itself was tampered with."""
    try:
        return str(json.loads(data)["digest"])
    except (ValueError, KeyError, TypeError):
        return ""


def _digest(rows: Iterable[sa.Row[tuple[object, ...]]]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        fields = (row.target, row.at, row.seen, row.took, row.interval, row.reason)
        digest.update("\t".join(map(str, fields)).encode() + b"\n")
    return digest.hexdigest()


_NOTHING = _digest(())
