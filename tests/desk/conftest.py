"""A desk on either kind of database, as one process has it and as another does beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opskit.outside.database import Database, sqlite_url
from tests.outside import databases
from tests.rig.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return where a database is that belongs to the test."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "opskit.db")
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = databases.create(server)
    yield databases.url(server, name)
    databases.drop(server, name)


@pytest.fixture
def both(url: str) -> Iterator[tuple[Database, Database]]:
    """Open the database twice."""
    one, other = Database.open(url), Database.open(url)
    yield one, other
    one.close()
    other.close()
