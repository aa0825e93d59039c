"""The door to psycopg: one query on a connection of its own, or a session with several.

libpq looks names up and waits for servers without a deadline. Here the name is resolved before,
and libpq is asked step by step, so that a server that drips is left in time as well.
"""

from __future__ import annotations

import json
import select
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opskit.core.text import clean, decode
from opskit.outside.dial import DialError, resolve, split

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult

_READING, _WRITING, _OK = 1, 2, 3
_SINGLE, _TUPLES, _COMMAND = 9, 2, 1
# libpq's code for the field of an error that holds its SQLSTATE: the letter C.
_SQLSTATE = ord("C")


class NoDriver(Exception):
    """psycopg is not installed."""


class StatementError(Exception):
    """The server would not do it; the session goes on. `state` is the SQLSTATE."""

    def __init__(self, reason: str, state: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.state = state


def query_one(address: str, settings: Mapping[str, str], query: str, seconds: float) -> str | None:
    """Return the first field of the first row a query gives, as text; nothing where there is none.

    The session is read-only, and the server gives up by itself when the time is over.

    Raises:
        NoDriver: psycopg is missing.
        DialError: no connection, no answer in time, or the server refused.
    """
    error_kind = _driver_error()
    deadline = time.monotonic() + seconds
    limits = {"default_transaction_read_only": "on", "statement_timeout": _ms(seconds)}
    connection = _begun(address, settings, limits, deadline)
    try:
        _connect(connection, deadline)
        return _answer(connection, query, deadline)
    except error_kind as error:
        raise DialError(_said(str(error).encode())) from error
    finally:
        connection.finish()


class Session:
    """A connection that is asked several things; each has `seconds`, the server's side as well."""

    def __init__(self, connection: PGconn, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds

    def rows(self, query: str, *values: str | None) -> list[dict[str, Any]]:
        """Return the rows a query gives, each as the JSON object the server makes of it.

        `values` are its parameters `$1` and on, as text.

        Raises:
            StatementError: the server would not.
            DialError: the connection broke, or the time was up.
        """
        result = self._asked(f"SELECT row_to_json(q)::text FROM ({query}) q", values)  # noqa: S608
        found = (result.get_value(row, 0) for row in range(result.ntuples))
        return [json.loads(decode(one)) for one in found if one is not None]

    def run(self, statement: str) -> None:
        """Have a statement carried out. Raises as `rows` does."""
        self._asked(statement, ())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make what is run within all or nothing."""
        self.run("BEGIN")
        try:
            yield
            self.run("COMMIT")
        except StatementError:
            self.run("ROLLBACK")
            raise

    def _asked(self, query: str, values: Sequence[str | None]) -> PGresult:
        error_kind = _driver_error()
        connection, deadline = self._connection, time.monotonic() + self._seconds
        given = [None if value is None else value.encode() for value in values]
        try:
            connection.send_query_params(query.encode(), given or None)
            return _whole(connection, deadline)
        except error_kind as error:
            raise DialError(_said(str(error).encode())) from error


@contextmanager
def session(
    address: str, settings: Mapping[str, str], seconds: float, *, read_only: bool
) -> Iterator[Session]:
    """Open a session in which only the system's own functions and operators are found.

    Whoever may create objects in a database could else put their own in the place of those that an
    administrator's query means (CVE-2018-1058).

    Raises:
        NoDriver: psycopg is missing.
        DialError: no connection, no answer in time, or the server refused.
    """
    _driver_error()
    deadline = time.monotonic() + seconds
    limits = {
        "default_transaction_read_only": "on" if read_only else "off",
        "statement_timeout": _ms(seconds),
        "lock_timeout": _ms(seconds / 2),
        "idle_in_transaction_session_timeout": _ms(seconds * 2),
        "search_path": "pg_catalog",
        "standard_conforming_strings": "on",
        "client_min_messages": "error",
    }
    known = {**settings, "client_encoding": "UTF8"}
    connection = _begun(address, known, limits, deadline)
    try:
        _connect(connection, deadline)
        connection.nonblocking = 1
        yield Session(connection, seconds)
    finally:
        connection.finish()


def identifier(name: str) -> str:
    """Return a name as SQL writes it, whatever it holds.

    Raises:
        ValueError: the server would cut it off and mean another, or cannot hold it.
    """
    if not name or "\0" in name or len(name.encode()) > _LONGEST_NAME:
        message = f"{clean(name)!r} is no name of a role or database"
        raise ValueError(message)
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return text as SQL writes it; for a session that was opened here.

    Raises:
        ValueError: it holds a zero byte.
    """
    if "\0" in text:
        raise ValueError("a zero byte cannot be written in SQL")
    return "'" + text.replace("'", "''") + "'"


# NAMEDATALEN less its end: what is longer the server cuts off.
_LONGEST_NAME = 63


def _driver_error() -> type[Exception]:
    """Return what psycopg raises; it is an extra, and slow to import."""
    try:
        from psycopg import Error  # noqa: PLC0415
    except ImportError as error:
        raise NoDriver from error
    return Error


def _ms(seconds: float) -> str:
    return str(int(seconds * 1_000))


def _begun(
    address: str, settings: Mapping[str, str], limits: Mapping[str, str], deadline: float
) -> PGconn:
    from psycopg.pq import PGconn as Connection  # noqa: PLC0415

    host, port = split(address)
    place = resolve(host, port, deadline)[0]
    given = {
        **settings,
        "host": host,
        "hostaddr": place.host,
        "port": str(port),
        "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
        "application_name": "opskit",
    }
    words = " ".join(f"{name}={_quoted(value)}" for name, value in given.items())
    return Connection.connect_start(words.encode())


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


def _whole(connection: PGconn, deadline: float) -> PGresult:
    """Return the result of one command, after all of it has come."""
    while connection.flush():
        _wait(connection, _WRITING, deadline)
    last: PGresult | None = None
    while True:
        while connection.is_busy():
            _wait(connection, _READING, deadline)
            connection.consume_input()
        result = connection.get_result()
        if result is None:
            break
        last = result
    if last is None:
        raise DialError(_said(connection.error_message))
    if last.status not in {_TUPLES, _COMMAND}:
        state = last.error_field(_SQLSTATE)
        if connection.status == 1 or not state:
            raise DialError(_said(last.error_message))
        raise StatementError(_said(last.error_message), decode(state))
    return last


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
