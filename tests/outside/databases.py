"""Databases that tests may have for themselves, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from tests.rig.postgres import Postgres


@contextmanager
def _administration(server: Postgres) -> Iterator[sa.Connection]:
    engine = sa.create_engine(server.url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def create(server: Postgres, *, like: str = "template0") -> str:
    """Make a database on SERVER, empty or a copy of another; return its name."""
    name = f"test_{secrets.token_hex(6)}"
    with _administration(server) as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {like}")
    return name


def drop(server: Postgres, name: str) -> None:
    """Remove a database, also from under those who still use it."""
    with _administration(server) as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def url(server: Postgres, name: str) -> str:
    """Return where SQLAlchemy finds the database NAME."""
    return sa.make_url(server.url).set(database=name).render_as_string(hide_password=False)
