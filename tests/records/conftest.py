"""A migrated database for each test, on both kinds, without migrating each time."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from opskit.outside.database import Database, sqlite_url
from opskit.records.ledger import GENESIS, LEDGER_HEAD
from tests.outside import databases
from tests.rig.postgres import Postgres


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with all tables and nothing in them."""
    path = tmp_path_factory.mktemp("template") / "opskit.db"
    Database.open(sqlite_url(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # the file alone, to be copied
    connection.close()
    return path


@pytest.fixture(scope="session")
def migrated_database(postgres: Postgres) -> str:
    """Return the name of a PostgreSQL database with all tables and nothing in them."""
    name = databases.create(postgres)
    Database.open(databases.url(postgres, name)).close()
    return name


@pytest.fixture(scope="session")
def shared_url(postgres: Postgres, migrated_database: str) -> str:
    """Return where a PostgreSQL database is that each test finds empty."""
    return databases.url(postgres, databases.create(postgres, like=migrated_database))


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Name the kind of database; parametrize this to test on one only."""
    return str(request.param)


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> Iterator[str]:
    """Return where a database is that belongs to the test."""
    if kind == "sqlite":
        file: Path = request.getfixturevalue("migrated_file")
        shutil.copyfile(file, tmp_path / "opskit.db")
        yield sqlite_url(tmp_path / "opskit.db")
        return
    shared: str = request.getfixturevalue("shared_url")
    _empty(shared)
    yield shared


def _empty(url: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "TRUNCATE ledger, ledger_head, outbox, outbox_channels, leases, waivers, "
            "issued_reports, webhooks_received"
        )
        connection.execute(sa.insert(LEDGER_HEAD).values(id=1, seq=0, hash=GENESIS))
    engine.dispose()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Open the database that belongs to the test."""
    opened = Database.open(url)
    yield opened
    opened.close()


@pytest.fixture
def second(url: str) -> Iterator[Database]:
    """Open it once more, as another process would."""
    opened = Database.open(url)
    yield opened
    opened.close()
