"""Baselines: times that later ones are compared with, frozen in the ledger before these begin."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from opskit.core.clock import Instant, iso
from opskit.core.errors import ConfigError, Refused
from opskit.core.interval import Interval
from opskit.outside.database import Database
from opskit.records.ledger import LEDGER, Ledger

KIND = "baseline.frozen"
_SUBJECT = "report"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A time to freeze; `factor` is what it counts for more, since something grew: `because`."""

    period: Interval
    factor: Fraction = Fraction(1)
    because: str = ""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A time that was frozen, and when."""

    period: Interval
    factor: Fraction
    because: str
    frozen_at: Instant


def frozen(connection: sa.Connection) -> tuple[Frozen, ...]:
    """Return every baseline that was frozen, oldest first."""
    query = sa.select(LEDGER.c.at, LEDGER.c.data).where(
        LEDGER.c.subject == _SUBJECT, LEDGER.c.kind == KIND
    )
    rows = connection.execute(query.order_by(LEDGER.c.seq))
    return tuple(_frozen(Instant(row.at), json.loads(row.data)) for row in rows)


def _frozen(at: Instant, data: dict[str, Any]) -> Frozen:
    period = Interval(Instant(data["from"]), Instant(data["to"]))
    return Frozen(period, Fraction(data["factor"]), data["because"], at)


def freeze(database: Database, ledger: Ledger, wanted: Wanted) -> Frozen:
    """Write a baseline to the ledger, where nothing changes it any more.

    Raises:
        ConfigError: the factor is none, or nobody says what it stands for.
        Refused: its time is not over, or is part of a baseline already.
    """
    if wanted.factor <= 0:
        raise ConfigError("the factor must be more than 0", hint="--factor 1.2")
    if wanted.factor != 1 and not wanted.because.strip():
        raise ConfigError("a factor needs a reason", hint="--because 'twelve hosts more since'")
    period = wanted.period
    with database.write() as connection:
        _require_free(frozen(connection), period, ledger.now())
        data = {
            "from": period.start, "to": period.end, "factor": str(wanted.factor),
            "because": wanted.because,
        }  # fmt: skip
        entry = ledger.append(connection, KIND, _SUBJECT, data)
    return Frozen(period, wanted.factor, wanted.because, entry.at)


def _require_free(known: tuple[Frozen, ...], period: Interval, now: Instant) -> None:
    """Refuse a time that is not over, or that somebody might choose anew because it fits better."""
    if period.end > now:
        raise Refused(
            f"{iso(period.end)} lies ahead: nobody knows yet what would be frozen",
            hint="name a time that is over: --from 2026-04-01 --to 2026-07-01",
        )
    for one in known:
        if one.period.start < period.end and period.start < one.period.end:
            start, end, at = map(iso, (one.period.start, one.period.end, one.frozen_at))
            raise Refused(
                f"{start} to {end} was frozen on {at}, and stays",
                hint="a time is frozen once; opskit report baseline list",
            )
