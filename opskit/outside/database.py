"""The one database: SQLite by default, PostgreSQL by URL; same tables, same migrations.

Reads see a consistent snapshot. Writes start with `BEGIN IMMEDIATE` on SQLite, so that two
writers wait for each other instead of failing half way, and are on the disk when they return
(`synchronous=FULL`).
"""

from __future__ import annotations

import gc
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from opskit.core.errors import ConfigError, OpskitError, OutsideError
from opskit.core.text import clean
from opskit.outside.files import translated

METADATA = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)
# SQLite numbers rows by itself only where the type is exactly INTEGER.
BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

MIGRATIONS = Path(__file__).with_name("migrations")
# The newest revision in `migrations/versions`; a test holds the two together. Knowing it here
# spares every command the import of the migration tool.
HEAD = "0013"

_BUSY_SECONDS = 20
_MIGRATING = 7_013_001  # any number that nobody else locks
_VERSIONS = sa.table("alembic_version", sa.column("version_num"))


class Database:
    """Connections to one database, with its schema brought up to date on opening."""

    def __init__(self, url: str) -> None:
        self.url = _parsed(url)
        self._engine = _engine(self.url)
        # Head and entries are read one after the other; SQLite shows one moment by itself.
        snapshot = {} if self.dialect == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        self._reader = self._engine.execution_options(**snapshot)
        self._writer = self._engine.execution_options(opskit_begin="BEGIN IMMEDIATE")

    @classmethod
    def open(cls, url: str) -> Database:
        """Return the database at `url`, made and migrated where needed.

        Raises:
            ConfigError: it was written by a newer opskit, or cannot be opened.
        """
        database = cls(url)
        try:
            if database._version() != HEAD:
                database._migrate()
        except BaseException:
            database.close()
            raise
        return database

    @property
    def dialect(self) -> str:
        """Return `sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Yield a connection for reading one consistent snapshot."""
        with _translated(self.url), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Yield a connection whose changes are all kept, or none."""
        with _translated(self.url), self._writer.begin() as connection:
            yield connection

    def integrity(self) -> str:
        """Return `ok`, or what SQLite says is broken. PostgreSQL looks after itself: `ok`."""
        if self.dialect != "sqlite":
            return "ok"
        with self.read() as connection:
            return str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _version(self) -> str | None:
        with self.read() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(sa.select(_VERSIONS.c.version_num)).scalar()

    def _migrate(self) -> None:
        from alembic import command  # noqa: PLC0415  # heavy, and needed once per database
        from alembic.config import Config  # noqa: PLC0415
        from alembic.util import CommandError  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self.write() as connection:
            if self.dialect == "postgresql":  # two that find it empty must not both fill it
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise ConfigError(
                    f"the database {self.url.render_as_string()} was written by a newer opskit",
                    hint="upgrade opskit here, or point database: at another file",
                ) from error


@contextmanager
def uncollected() -> Iterator[None]:
    """Read many rows without the garbage collector going through all of them again and again.

    Rows hold no circles: there is nothing for it to find.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextmanager
def streamed(connection: sa.Connection, statement: str) -> Iterator[Iterator[Sequence[Any]]]:
    """Give the rows of a statement one by one, however many they are, as the driver has them."""
    with connection.exec_driver_sql(statement, execution_options={"yield_per": 10_000}) as result:
        # That of SQLite holds one row at a time by itself, and a layer above it costs a third more.
        driver: Any = result.cursor if connection.dialect.name == "sqlite" else result
        try:
            yield iter(driver)
        except sqlite3.DatabaseError as error:
            raise sa.exc.DatabaseError(statement, None, error) from error


def sqlite_url(path: Path) -> str:
    """Return the URL of a SQLite file, made if it is missing: readable by its owner only."""
    with translated(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    return f"sqlite:///{quote(str(path))}"


def _parsed(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
        parsed.get_dialect()
    except ModuleNotFoundError:
        return parsed  # the driver is missing; said where it is needed
    except (sa.exc.ArgumentError, ValueError) as error:
        raise ConfigError(
            "database: is no URL that opskit can use",
            hint="name a file, or write postgresql+psycopg://user@host/name",
        ) from error
    return parsed


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() != "sqlite":
        try:
            return sa.create_engine(url)
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"the driver for {url.get_backend_name()} is not installed ({error.name})",
                hint="pip install 'opskit[postgres]' and write postgresql+psycopg://...",
            ) from error
    engine = sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401  # the driver's own
    connection.isolation_level = None  # opskit says BEGIN itself, see _begin_sqlite
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    begin = connection.get_execution_options().get("opskit_begin", "BEGIN")
    connection.exec_driver_sql(begin)


@dataclass(frozen=True, slots=True)
class _Known:
    """A refusal of SQLite, by the words it uses, and what a person needs to hear."""

    words: str
    message: str
    hint: str
    retryable: bool = False


_KNOWN = (
    _Known("is locked", "another process holds the database", "wait for it to end", retryable=True),
    _Known("disk is full", "no space left for the database", "free some space", retryable=True),
    _Known("disk i/o error", "the disk refuses the database", "check the disk: dmesg | tail"),
    _Known("readonly database", "the database cannot be written", "check owner and disk"),
    _Known("unable to open", "the database cannot be opened", "check its directory and owner"),
    _Known("not a database", "this file is no opskit database", "move it, or restore a backup"),
    _Known("malformed", "the database is damaged", "keep the file and restore a backup"),
)


@contextmanager
def _translated(url: sa.URL) -> Iterator[None]:
    try:
        yield
    except OpskitError:
        raise
    except UnicodeDecodeError as error:  # SQLite quotes the damaged bytes in its message
        raise _as_opskit_error("malformed", url) from error
    except UnicodeEncodeError as error:
        raise ConfigError(
            f"what was given is no text that can be kept: {clean(error.object)[:80]}",
            hint="write it in UTF-8",
        ) from error
    except sa.exc.DatabaseError as error:
        # Without room for its index of the log SQLite speaks of I/O.
        full = getattr(error.orig, "sqlite_errorname", "") == "SQLITE_IOERR_SHMSIZE"
        reason = "disk is full" if full else str(error.orig)
        raise _as_opskit_error(reason, url) from error


def _as_opskit_error(reason: str, url: sa.URL) -> OpskitError:
    place = url.database if url.get_backend_name() == "sqlite" else url.render_as_string()
    for known in _KNOWN:
        if known.words in reason.lower():
            kind = OutsideError if known.retryable else ConfigError
            message = f"{known.message}: {place}"
            return kind(message, hint=known.hint, retryable=known.retryable)
    line = reason.strip().splitlines()[0] if reason.strip() else "no reason given"
    return OutsideError(f"the database {place} refused: {line}", hint="opskit doctor")


def schema_of(database: Database) -> dict[str, Any]:
    """Return each table's columns, keys and indexes, for comparing two schemas."""
    with database.read() as connection:
        inspector = sa.inspect(connection)
        return {
            table: {
                "columns": {
                    column["name"]: (str(column["type"]), column["nullable"])
                    for column in inspector.get_columns(table)
                },
                "primary key": inspector.get_pk_constraint(table)["constrained_columns"],
                "unique": sorted(
                    str(unique["column_names"])
                    for unique in inspector.get_unique_constraints(table)
                ),
                "indexes": sorted(
                    str(index["column_names"]) for index in inspector.get_indexes(table)
                ),
            }
            for table in inspector.get_table_names()
            if table != "alembic_version"
        }
