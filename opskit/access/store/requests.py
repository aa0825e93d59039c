"""Requests: what was asked, how it was judged, and where it is.

What was asked never changes after it was written; only `state` and what goes with it do, each time
by compare-and-set on `version`: of two who decide at once, one is told that the other was first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from opskit.access.judgment import Ask
from opskit.access.lifecycle import RequestState, require_request_step
from opskit.access.registry import digest
from opskit.access.store.tables import REQUESTS
from opskit.core.clock import Duration, Instant
from opskit.core.errors import ConfigError, Conflict
from opskit.records.ledger import canonical


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it stands. `judgment` is what the check said, as data."""

    id: int
    ask: Ask
    created_at: Instant
    state: RequestState
    version: int
    policy_version: str
    judgment: dict[str, Any]
    check_hash: str
    lapses_at: Instant | None
    closed_at: Instant | None

    @property
    def name(self) -> str:
        """Return what people call it."""
        return f"r{self.id}"

    @property
    def hash(self) -> str:
        """Return a hash over all that was asked."""
        return digest({"id": self.id, **self.ask.as_json()})

    def state_at(self, now: Instant) -> RequestState:
        """Return where it is: one whose time is over has lapsed, whether or not a job saw it."""
        over = self.lapses_at is not None and self.lapses_at <= now
        return RequestState.LAPSED if over and not self.state.is_final else self.state


def insert(connection: sa.Connection, ask: Ask, created_at: Instant) -> Request:
    """Write a draft."""
    values = {
        **ask.as_json(),
        "targets": json.dumps(list(ask.targets)),
        "break_glass": int(ask.break_glass),
        "created_at": created_at,
        "state": RequestState.DRAFT.value,
        "version": 1,
        "policy_version": "",
        "judgment": "{}",
        "check_hash": "",
    }
    query = sa.insert(REQUESTS).values(**values).returning(*REQUESTS.c)
    return _request(connection.execute(query).one())


def advance(
    connection: sa.Connection, request: Request, to: RequestState, **values: object
) -> Request:
    """Move a request on, and what goes with it.

    Raises:
        Refused: from where it is there is no such step.
        Conflict: somebody else moved it meanwhile.
    """
    require_request_step(request.name, request.state, to)
    if "judgment" in values:
        values["judgment"] = canonical(values["judgment"])  # type: ignore[arg-type]  # a mapping
    row = connection.execute(
        sa.update(REQUESTS)
        .where(REQUESTS.c.id == request.id, REQUESTS.c.version == request.version)
        .values(state=to.value, version=request.version + 1, **values)
        .returning(*REQUESTS.c)
    ).one_or_none()
    if row is None:
        raise Conflict(
            f"{request.name} was changed just now", hint=f"opskit access show {request.name}"
        )
    return _request(row)


def one(connection: sa.Connection, number: int) -> Request:
    """Return a request.

    Raises:
        ConfigError: there is none with this number.
    """
    row = connection.execute(sa.select(REQUESTS).where(REQUESTS.c.id == number)).one_or_none()
    if row is None:
        raise ConfigError(f"there is no request r{number}", hint="opskit access list --requests")
    return _request(row)


def in_states(connection: sa.Connection, states: Sequence[RequestState]) -> tuple[Request, ...]:
    """Return the requests that are written down in one of these states, oldest first."""
    query = sa.select(REQUESTS).where(REQUESTS.c.state.in_([one.value for one in states]))
    return tuple(map(_request, connection.execute(query.order_by(REQUESTS.c.id))))


def began_at(connection: sa.Connection) -> Instant | None:
    """Return when the first request was made; None where there was none."""
    return connection.execute(sa.select(sa.func.min(REQUESTS.c.created_at))).scalar()


_REASONS = (
    sa.select(REQUESTS.c.id, REQUESTS.c.reason)
    .where(REQUESTS.c.beneficiary == sa.bindparam("who"), REQUESTS.c.extends.is_(None))
    .order_by(REQUESTS.c.id.desc())
    .limit(sa.bindparam("most"))
)


def reasons(connection: sa.Connection, beneficiary: str, most: int) -> dict[int, str]:
    """Return why access was asked for somebody lately, by the number of the request."""
    rows = connection.execute(_REASONS, {"who": beneficiary, "most": most})
    return {row.id: row.reason for row in rows}


def for_role(connection: sa.Connection, beneficiary: str, role: str) -> tuple[Request, ...]:
    """Return what was asked for somebody of one role, newest first."""
    query = sa.select(REQUESTS).where(
        REQUESTS.c.beneficiary == beneficiary, REQUESTS.c.role == role
    )
    return tuple(map(_request, connection.execute(query.order_by(REQUESTS.c.id.desc()))))


def _request(row: Any) -> Request:  # noqa: ANN401  # a row of REQUESTS
    ask = Ask(
        row.requester, row.beneficiary, row.role, tuple(json.loads(row.targets)),
        Duration(row.duration), row.reason, row.ticket, row.starts_at, bool(row.break_glass),
        row.extends, row.need,
    )  # fmt: skip
    return Request(
        row.id, ask, row.created_at, RequestState(row.state), row.version, row.policy_version,
        json.loads(row.judgment), row.check_hash, row.lapses_at, row.closed_at,
    )  # fmt: skip
