"""The door to psycopg: one query on a connection of its own, with one deadline for all of it.

libpq looks names up and waits for servers without a deadline. Here the name is resolved before,
and libpq is asked step by step, so that a server that drips is left in time as well.
"""

from __future__ import annotations

import select
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from opskit.core.text import clean, decode
from opskit.outside.dial import DialError, resolve, split

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

_READING, _WRITING, _OK = 1, 2, 3
_SINGLE, _TUPLES, _COMMAND = 9, 2, 1


class NoDriver(Exception):
    """psycopg is not installed."""


def query_one(address: str, settings: Mapping[str, str], query: str, seconds: float) -> str | None:
    """Return the first field of the first row a query gives, as text; nothing where there is none.

    The session is read-only, and the server gives up by itself when the time is over.

    Raises:
        NoDriver: psycopg is missing.
        DialError: no connection, no answer in time, or the server refused.
    """
    try:
        from psycopg import Error  # noqa: PLC0415  # an extra, and slow to import
        from psycopg.pq import PGconn as Connection  # noqa: PLC0415
    except ImportError as error:
        raise NoDriver from error
    deadline = time.monotonic() + seconds
    host, port = split(address)
    place = resolve(host, port, deadline)[0]
    limits = f"-c default_transaction_read_only=on -c statement_timeout={int(seconds * 1_000)}"
    given = {
        **settings,
        "host": host,
        "hostaddr": place.host,
        "port": str(port),
        "options": limits,
        "application_name": "opskit",
    }
    words = " ".join(f"{name}={_quoted(value)}" for name, value in given.items())
    connection = Connection.connect_start(words.encode())
    try:
        _connect(connection, deadline)
        return _answer(connection, query, deadline)
    except Error as error:
        raise DialError(_said(str(error).encode())) from error
    finally:
        connection.finish()


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _connect(connection: PGconn, deadline: float) -> None:
    if connection.status == 1:  # bad from the start, such as a file that is not there
        raise DialError(_said(connection.error_message))
    waits_for = _WRITING
    while waits_for != _OK:
        _wait(connection, waits_for, deadline)
        waits_for = connection.connect_poll()
        if waits_for not in {_READING, _WRITING, _OK}:
            raise DialError(_said(connection.error_message))


def _answer(connection: PGconn, query: str, deadline: float) -> str | None:
    connection.nonblocking = 1
    connection.send_query_params(query.encode(), None)
    connection.set_single_row_mode()
    while connection.flush():
        _wait(connection, _WRITING, deadline)
    while True:
        connection.consume_input()
        if not connection.is_busy():
            break
        _wait(connection, _READING, deadline)
    result = connection.get_result()
    if result is None or result.status not in {_SINGLE, _TUPLES, _COMMAND}:
        raise DialError(_said(result.error_message if result else connection.error_message))
    value = result.get_value(0, 0) if result.ntuples and result.nfields else None
    return None if value is None else decode(value)


def _wait(connection: PGconn, for_what: int, deadline: float) -> None:
    left = deadline - time.monotonic()
    poll = select.poll()
    poll.register(connection.socket, select.POLLIN if for_what == _READING else select.POLLOUT)
    if left <= 0 or not poll.poll(left * 1_000):
        raise DialError("the time was up", late=True)


def _said(message: bytes | None) -> str:
    """Return the first line of what libpq says: what follows is advice."""
    lines = [line.strip() for line in decode(message or b"").splitlines() if line.strip()]
    return clean(lines[0] if lines else "no reason given")
