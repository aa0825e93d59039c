"""A PostgreSQL server of a test's own, with the kind that gives access there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from opskit.access.model import PostgresRights, PostgresTarget
from opskit.access.targets.kinds import Order, Placement
from opskit.access.targets.postgres import PostgresKind
from opskit.core.clock import DAY, FrozenClock, Instant, SystemClock
from tests.rig.postgres import Postgres

ADMINISTRATOR = "opskit"
# Who is on the machine is trusted as the administrator alone; all others need a password.
HBA = f"""
local all {ADMINISTRATOR} trust
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
"""


@dataclass
class Place:
    """The server, and the kind with one target, `shop-db`."""

    server: Postgres
    root: Path
    clock: FrozenClock = field(default_factory=lambda: FrozenClock(SystemClock().now()))

    def target(self, **changes: Any) -> PostgresTarget:
        known: dict[str, Any] = {
            "kind": "postgres",
            "address": f"127.0.0.1:{self.server.port}",
            "user": ADMINISTRATOR,
            "password_file": "password",
            "sslmode": "disable",
            "administrators": (ADMINISTRATOR,),
        }
        return PostgresTarget.model_validate(known | changes)

    def kind(self, **changes: Any) -> PostgresKind:
        return PostgresKind(
            {"shop-db": self.target(**changes)}, self.root, self.clock, frozenset({"readers"})
        )

    def connect(self, user: str = ADMINISTRATOR, password: str = "", database: str = "postgres"):  # type: ignore[no-untyped-def]  # noqa: ANN201
        """Log in as somebody would, over TCP."""
        secret = self.server.password if user == ADMINISTRATOR else password
        return psycopg.connect(
            host="127.0.0.1",
            port=self.server.port,
            user=user,
            password=secret,
            dbname=database,
            autocommit=True,
            connect_timeout=20,
        )

    def run(self, *statements: str, database: str = "postgres") -> None:
        with self.connect(database=database) as opened:
            for one in statements:
                opened.execute(one)

    def ask(self, query: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        with self.connect(database=database) as opened:
            return list(opened.execute(query).fetchall())

    def password(self, account: str, password: str = "correct horse") -> str:
        """Give a role a password, as whoever runs the server would."""
        with self.connect() as opened:
            opened.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(account), password)
            )
        return password

    def hba(self, text: str) -> None:
        """Replace pg_hba.conf, and wait until the server has read it."""
        (self.server.directory / "data" / "pg_hba.conf").write_text(text)
        self.run("SELECT pg_reload_conf()")

    def placement(self, grant: str, account: str, *roles: str, **changes: Any) -> Placement:
        until = changes.pop("until", Instant(self.clock.now() + DAY))
        rights = PostgresRights(member_of=roles or ("readers",), **changes)
        return Placement(grant, account, account, rights, until)


def order(
    *present: Placement, absent: tuple[Placement, ...] = (), end: tuple[str, ...] = ()
) -> Order:
    return Order("shop-db", present, absent, end)


@contextmanager
def placed(directory: Path) -> Iterator[Place]:
    """Run a server with the roles `readers` and `writers`, and a table that only they may read."""
    with Postgres(directory / "server") as server:
        secret = directory / "password"
        secret.write_text(server.password)
        secret.chmod(0o600)
        place = Place(server, directory)
        place.hba(HBA)
        place.run(
            "CREATE ROLE readers NOLOGIN",
            "CREATE ROLE writers NOLOGIN",
            "CREATE TABLE orders (id int)",
            "GRANT SELECT ON orders TO readers",
            "GRANT INSERT ON orders TO writers",
            "CREATE DATABASE shop",
            "CREATE DATABASE stock",
        )
        yield place
