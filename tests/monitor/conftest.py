"""What the tests of the monitor share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from opskit.core.clock import FrozenClock
from opskit.monitor.store import gaps, seals, spells, targets
from opskit.outside.database import Database, sqlite_url
from tests.cli.inside import Inside, inside as runner
from tests.monitor.world import World
from tests.outside import databases
from tests.rig.postgres import Postgres

# Every table must be known before the first database is made.
TABLES = (gaps.STATE, seals.KIND, spells.SPELLS, targets.TARGETS)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty database once: copying it takes a hundredth of the time."""
    path = tmp_path_factory.mktemp("migrated") / "opskit.db"
    Database.open(sqlite_url(path)).close()
    return path


@pytest.fixture(scope="session")
def migrated_there(postgres: Postgres) -> str:
    """Name a PostgreSQL database with all tables and nothing in them."""
    name = databases.create(postgres)
    Database.open(databases.url(postgres, name)).close()
    return name


@pytest.fixture
def kind() -> str:
    """Name the kind of database; a module that tests storing tests it on both."""
    return "sqlite"


@pytest.fixture
def database(tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """Open an empty, migrated database."""
    if kind == "sqlite":
        path = tmp_path / "opskit.db"
        shutil.copyfile(request.getfixturevalue("migrated"), path)
        opened = Database.open(sqlite_url(path))
        yield opened
        opened.close()
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = databases.create(server, like=request.getfixturevalue("migrated_there"))
    opened = Database.open(databases.url(server, name))
    yield opened
    opened.close()
    databases.drop(server, name)


@pytest.fixture
def world(database: Database, clock: FrozenClock) -> World:
    """Return a world in which `shop` is watched since noon."""
    return World.made(database, clock)


@pytest.fixture
def inside(
    ops: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Inside:
    """Run commands in the ops repository, inside this process."""
    return runner(ops, monkeypatch, capsys)
