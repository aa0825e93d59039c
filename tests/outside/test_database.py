"""The one database, on SQLite and on PostgreSQL: nothing lost, nothing half, refusals in words."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from opskit.access.store import tables as access
from opskit.alerts.store import tables as alerts
from opskit.core.errors import ConfigError, OpskitError, OutsideError
from opskit.desk import register
from opskit.desk.focus import store as focus
from opskit.desk.incidents import store as incidents
from opskit.fleet import store as fleet
from opskit.history import store as history
from opskit.monitor import store as monitor
from opskit.outside.database import (
    HEAD,
    METADATA,
    MIGRATIONS,
    Database,
    schema_of,
    sqlite_url,
)
from opskit.records import archive, intake, leases, ledger, outbox, ticks, waivers
from tests.outside import databases, isolated
from tests.rig.postgres import Postgres

# Every table must be known before two schemas are compared.
RECORDS = (archive, intake, leases, ledger, outbox, ticks, waivers)
MODULES = (access, alerts, fleet, focus, history, incidents, monitor, register, *RECORDS)
CANARY = "C4n4ryV4lu3Xq7Zm2"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return where an empty database is."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "state" / "opskit.db")
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = databases.create(server)
    yield databases.url(server, name)
    databases.drop(server, name)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database.open(url)
    yield opened
    opened.close()


@pytest.fixture
def second(url: str, database: Database) -> Iterator[Database]:
    """Open it once more, as another process would."""
    opened = Database.open(url)
    yield opened
    opened.close()


def lease(resource: str) -> sa.Insert:
    values = {"resource": resource, "holder": "h", "token": 1, "expires_at": 0}
    return sa.insert(leases.LEASES).values(**values)


def write(database: Database, *statements: sa.Executable) -> None:
    with database.write() as connection:
        for statement in statements:
            connection.execute(statement)


def resources(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.scalars(sa.select(leases.LEASES.c.resource).order_by("resource")))


# The schema


def test_the_migrated_schema_is_the_declared_one(database: Database) -> None:
    assert {table.name for table in METADATA.sorted_tables} >= {"ledger", "fleet_runs"}
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_a_fresh_schema_is_the_migrated_one(database: Database, tmp_path: Path) -> None:
    fresh = Database(sqlite_url(tmp_path / "fresh.db"))
    with fresh.write() as connection:
        METADATA.create_all(connection)
    if database.dialect == "sqlite":
        assert schema_of(fresh) == schema_of(database)
    else:  # types are spelled otherwise
        assert schema_of(fresh).keys() == schema_of(database).keys()
    fresh.close()


def test_the_newest_revision_is_known_without_looking() -> None:
    script = ScriptDirectory(str(MIGRATIONS))
    assert script.get_heads() == [HEAD]
    assert len(script.get_bases()) == 1
    revisions = list(script.walk_revisions())
    assert all(not revision.is_merge_point for revision in revisions)
    assert len({revision.down_revision for revision in revisions}) == len(revisions)


def test_a_migrated_database_is_not_migrated_again(database: Database, second: Database) -> None:
    write(database, lease("web1"))
    assert resources(second) == ["web1"]


def test_a_database_of_a_newer_opskit_is_refused_and_left_alone(
    database: Database, url: str
) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.execute(lease("web1"))
    with pytest.raises(ConfigError, match="was written by a newer opskit") as caught:
        Database.open(url)
    assert "upgrade opskit" in caught.value.hint
    assert resources(database) == ["web1"]


def test_evidence_is_not_thrown_away_by_going_back() -> None:
    revision = ScriptDirectory(str(MIGRATIONS)).get_revision(HEAD)
    with pytest.raises(NotImplementedError, match="append-only"):
        revision.module.downgrade()


# Reading and writing


def test_what_was_written_is_there(database: Database) -> None:
    with database.write() as connection:
        connection.execute(lease("web1"))
    assert resources(database) == ["web1"]


def interrupted(database: Database) -> None:
    with database.write() as connection:
        connection.execute(lease("web1"))
        connection.execute(lease("web2"))
        raise KeyboardInterrupt


def test_all_changes_are_kept_or_none(database: Database) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted(database)
    assert resources(database) == []
    write(database, lease("web3"))
    assert resources(database) == ["web3"]


def test_a_refused_statement_takes_the_others_with_it(database: Database) -> None:
    with pytest.raises(OutsideError, match="refused") as caught:
        write(database, lease("web1"), lease("web1"))
    assert "\n" not in caught.value.message
    assert resources(database) == []


def test_a_row_that_points_nowhere_is_refused(database: Database) -> None:
    host = {"run_id": "none", "host": "web1", "verdict": "compliant", "reason": ""}
    table = METADATA.tables["fleet_hosts"]
    with pytest.raises(OutsideError, match="refused"):
        write(database, sa.insert(table).values(**host, drift=0, not_evaluated=0))


def test_a_reader_sees_nothing_that_may_yet_be_undone(database: Database, second: Database) -> None:
    with database.write() as connection:
        connection.execute(lease("web1"))
        assert resources(second) == []
    assert resources(second) == ["web1"]


def test_a_reader_sees_one_moment_to_the_end(database: Database, second: Database) -> None:
    """The ledger's head and its entries are read one after the other, and must agree."""
    query = sa.select(sa.func.count()).select_from(leases.LEASES)
    with database.read() as connection:
        assert connection.scalar(query) == 0
        write(second, lease("web1"))
        assert connection.scalar(query) == 0
    assert resources(database) == ["web1"]


WRITER = """
import sys
import sqlalchemy as sa
from opskit.outside.database import Database

counter = sa.table("counter", sa.column("n"))
print("ready", flush=True)
sys.stdin.readline()
database = Database.open(sys.argv[1])
for _ in range(40):
    with database.write() as connection:
        n = connection.scalar(sa.select(counter.c.n).with_for_update())
        connection.execute(sa.update(counter).values(n=n + 1))
database.close()
"""


def test_several_processes_open_and_write_at_once_and_lose_nothing(url: str) -> None:
    first = Database(url)
    with first.write() as connection:
        connection.exec_driver_sql("CREATE TABLE counter (n INTEGER)")
        connection.exec_driver_sql("INSERT INTO counter VALUES (0)")
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=isolated.CHECKOUT,
        )
        for _ in range(3)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    said = [writer.communicate(timeout=120)[1].decode() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], said
    with first.read() as connection:
        assert connection.exec_driver_sql("SELECT n FROM counter").scalar() == 120
    first.close()


# SQLite's own


def test_a_commit_is_on_the_disk_when_it_returns(tmp_path: Path) -> None:
    database = Database.open(sqlite_url(tmp_path / "opskit.db"))
    settings = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    for _ in range(2):  # also on a connection that was used before
        with database.read() as connection:
            for name, value in settings.items():
                assert connection.exec_driver_sql(f"PRAGMA {name}").scalar() == value
    database.close()


def test_the_file_is_its_owners_only(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "deep" / "state" / "opskit.db")
    database = Database.open(url)
    with database.write() as connection:
        connection.execute(lease("web1"))
        for path in (tmp_path / "deep" / "state").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "deep" / "state").stat().st_mode) == 0o700
    database.close()


@pytest.mark.parametrize(
    "name",
    ["a b", "what?", "what?mode=ro", "100%", "a%20b", "a#b", "a&b=c", "é", "'", '"', "a:b@c"],
)
def test_whatever_a_directory_is_called_the_file_is_in_it(tmp_path: Path, name: str) -> None:
    database = Database.open(sqlite_url(tmp_path / name / "opskit.db"))
    with database.write() as connection:
        connection.execute(lease("web1"))
    database.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with sqlite3.connect(tmp_path / name / "opskit.db") as plain:
        assert plain.execute("SELECT count(*) FROM leases").fetchone() == (1,)
    plain.close()


def test_a_writer_that_waits_too_long_is_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "opskit.db"
    database = Database.open(sqlite_url(path))
    with database.read() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 1")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(OutsideError, match="another process holds the database") as caught:
        write(database, lease("web1"))
    assert caught.value.retryable
    assert resources(database) == [], "reading goes on"
    holder.close()
    database.close()


# What cannot be opened


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to be looked at as one" * 40, b"\0" * 4_096]
)
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "opskit.db"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="this file is no opskit database") as caught:
        Database.open(sqlite_url(path))
    assert str(path) in caught.value.message
    assert path.read_bytes() == content


def test_a_directory_in_its_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "opskit.db").mkdir()
    with pytest.raises(ConfigError, match=r"opskit\.db"):
        Database.open(sqlite_url(tmp_path / "opskit.db"))


def test_a_file_where_its_directory_should_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    with pytest.raises(ConfigError, match="state"):
        Database.open(sqlite_url(tmp_path / "state" / "opskit.db"))


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ops@db.example/ops",
        "oracle://ops@db.example/ops",
        "nonsense://ops@db.example/ops",
        "postgresql+nonsense://ops@db.example/ops",
        "postgresql+psycopg://db.example:port/ops",
        "://",
    ],
)
def test_a_database_opskit_cannot_use_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Database.open(url)
    assert "\n" not in caught.value.message


def test_a_server_that_is_not_there_is_one_line_without_the_password() -> None:
    with pytest.raises(OutsideError) as caught:
        Database.open(f"postgresql+psycopg://ops:{CANARY}@127.0.0.1:1/ops")
    assert "\n" not in caught.value.message
    assert CANARY not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("wrong", ["password", "database", "user"])
def test_a_server_that_refuses_is_one_line_without_the_password(
    postgres: Postgres, wrong: str
) -> None:
    url = sa.make_url(postgres.url)
    changed = {
        "password": url.set(password=CANARY),
        "database": url.set(database="no_such_database"),
        "user": url.set(username="nobody", password=CANARY),
    }[wrong]
    with pytest.raises(OpskitError) as caught:
        Database.open(changed.render_as_string(hide_password=False))
    assert "\n" not in caught.value.message
    assert CANARY not in caught.value.message + caught.value.hint
    assert postgres.password not in caught.value.message


# Disks that fill up or cannot be written

FULL = """
import sys
from pathlib import Path
from opskit.core.clock import SystemClock
from opskit.core.errors import OpskitError
from opskit.outside.database import Database, sqlite_url
from opskit.records.ledger import Ledger, verify

directory = Path(sys.argv[1])
(directory / "ballast").write_bytes(b"x" * 200_000)
database = Database.open(sqlite_url(directory / "opskit.db"))
ledger = Ledger(SystemClock(), "person:alice")

def write():
    with database.write() as connection:
        for _ in range(3):
            ledger.append(connection, "thing.happened", "x", {"filling": "x" * 5_000})

kept = 0
try:
    while True:
        write()
        kept += 3
except OpskitError as error:
    print(type(error).__name__, error.message, error.retryable)
print(kept > 3, verify(database).checked == kept, verify(database).broken_at)
(directory / "ballast").unlink()
write()
print(verify(database).checked - kept, database.integrity())
database.close()
"""


def test_a_full_disk_loses_nothing_and_leaves_nothing_half(tmp_path: Path) -> None:
    done = isolated.with_disk(tmp_path, "size=1m", FULL, tmp_path)
    assert done.stdout.splitlines() == [
        f"OutsideError no space left for the database: {tmp_path}/opskit.db True",
        "True True None",
        "3 ok",
    ], done.stderr


OPENED = """
import subprocess, sys
from pathlib import Path
from opskit.core.errors import OpskitError
from opskit.outside.database import Database, sqlite_url

directory, *preparing = sys.argv[1:]
path = Path(directory) / "opskit.db"
if preparing:
    Database.open(sqlite_url(path)).close()
    subprocess.run(preparing, check=True)
try:
    database = Database.open(sqlite_url(path))
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
except OpskitError as error:
    print(type(error).__name__, error.retryable, str(path) in error.message)
"""


@pytest.mark.parametrize("size", ["4k", "32k", "64k", "100k"])
def test_a_disk_too_small_to_begin_with_is_one_line(tmp_path: Path, size: str) -> None:
    done = isolated.with_disk(tmp_path, f"size={size}", OPENED, tmp_path)
    assert done.stdout == "OutsideError True True\n", done.stderr


def test_a_read_only_disk_is_one_line(tmp_path: Path) -> None:
    remount = ("mount", "-o", "remount,ro", tmp_path)
    done = isolated.with_disk(tmp_path, "size=2m", OPENED, tmp_path, *remount)
    assert done.stdout == "ConfigError False True\n", done.stderr


def test_a_read_only_disk_without_a_database_is_one_line(tmp_path: Path) -> None:
    done = isolated.with_disk(tmp_path, "ro", OPENED, tmp_path)
    assert done.stdout == "ConfigError False True\n", done.stderr
