"""A session with a real PostgreSQL: rows, all-or-nothing, names, and an end whatever happens."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest
from hypothesis import given, strategies as st

from opskit.outside.dial import DialError
from opskit.outside.postgres import Session, StatementError, identifier, literal, session
from tests.monitor.servers import Server
from tests.rig.postgres import Postgres


def opened(
    postgres: Postgres, *, read_only: bool = False, seconds: float = 20.0
) -> AbstractContextManager[Session]:
    settings = {"user": "opskit", "password": postgres.password, "dbname": "postgres"}
    return session(f"127.0.0.1:{postgres.port}", settings, seconds, read_only=read_only)


@pytest.fixture(scope="module")
def talk(postgres: Postgres) -> Iterator[Session]:
    with opened(postgres) as here:
        yield here


def test_rows_keep_their_types_and_take_values(talk: Session) -> None:
    rows = talk.rows("SELECT $1::int + n AS sum, $2 AS word, null AS none, ARRAY['a'] AS list"
                     " FROM generate_series(1, 2) n", "40", None)  # fmt: skip
    assert rows == [
        {"sum": 41, "word": None, "none": None, "list": ["a"]},
        {"sum": 42, "word": None, "none": None, "list": ["a"]},
    ]


def test_more_rows_than_fit_a_packet_come_whole(talk: Session) -> None:
    rows = talk.rows("SELECT n, repeat('x', 100) AS pad FROM generate_series(1, 20000) n")
    assert [row["n"] for row in rows] == list(range(1, 20_001))


def test_what_is_refused_has_its_state_and_the_session_goes_on(talk: Session) -> None:
    with pytest.raises(StatementError) as caught:
        talk.rows("SELECT 1/0 AS no")
    assert (caught.value.state, "division by zero" in caught.value.reason) == ("22012", True)
    assert talk.rows("SELECT 1 AS yes") == [{"yes": 1}]


def test_a_transaction_is_all_or_nothing(talk: Session) -> None:
    def half() -> None:
        with talk.transaction():
            talk.run("CREATE ROLE half")
            talk.run("SELECT 1/0")

    with pytest.raises(StatementError):
        half()
    assert talk.rows("SELECT 1 AS found FROM pg_roles WHERE rolname = 'half'") == []
    with talk.transaction():
        talk.run("CREATE ROLE whole")
    assert talk.rows("SELECT 1 AS found FROM pg_roles WHERE rolname = 'whole'") == [{"found": 1}]
    talk.run("DROP ROLE whole")


def test_a_session_for_looking_changes_nothing(postgres: Postgres) -> None:
    with opened(postgres, read_only=True) as here, pytest.raises(StatementError) as caught:
        here.run("CREATE ROLE half")
    assert caught.value.state == "25006"


def test_a_statement_that_takes_too_long_is_ended_by_the_server(postgres: Postgres) -> None:
    with opened(postgres, seconds=1.0) as here:
        here.run("SET statement_timeout = '50ms'")
        with pytest.raises(StatementError) as caught:
            here.rows("SELECT pg_sleep(20) AS slept")
    assert caught.value.state == "57014"


def test_a_session_that_is_ended_by_somebody_else_is_a_broken_one(postgres: Postgres) -> None:
    with opened(postgres) as here, opened(postgres) as other:
        (row,) = here.rows("SELECT pg_backend_pid() AS pid")
        other.rows("SELECT pg_terminate_backend($1::int) AS told", str(row["pid"]))
        with pytest.raises(DialError):
            here.rows("SELECT 1 AS more FROM pg_sleep(20)")


def silent(connection: socket.socket, over: threading.Event) -> None:
    over.wait(20)


def test_a_server_that_says_nothing_is_left(postgres: Postgres) -> None:
    with (
        Server(silent) as server,
        pytest.raises(DialError) as caught,
        session(server.address, {"user": "opskit"}, 0.3, read_only=True),
    ):
        pass
    assert caught.value.late


def test_a_wrong_password_is_not_in_what_is_said(postgres: Postgres) -> None:
    settings = {"user": "opskit", "password": "hunter2", "dbname": "postgres"}
    with (
        pytest.raises(DialError) as caught,
        session(f"127.0.0.1:{postgres.port}", settings, 20.0, read_only=True),
    ):
        pass
    assert "password authentication failed" in caught.value.reason
    assert "hunter2" not in caught.value.reason


# What a server with UTF-8 can hold.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)


@given(TEXT.filter(lambda name: 0 < len(name.encode()) < 64))
def test_any_name_is_that_name_to_the_server(talk: Session, name: str) -> None:
    assert talk.rows(f"SELECT 1 AS {identifier(name)}") == [{name: 1}]


@given(TEXT)
def test_any_text_is_that_text_to_the_server(talk: Session, text: str) -> None:
    assert talk.rows(f"SELECT {literal(text)} AS text") == [{"text": text}]


@pytest.mark.parametrize("name", ["", "é" * 32, "a\0b"])
def test_what_cannot_be_a_name_is_none(name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        identifier(name)


def test_a_zero_byte_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="zero byte"):
        literal("a\0b")
