"""One PostgreSQL server as its administrator meets it: sessions, and what they show."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from opskit.access.databases import reading
from opskit.access.databases.model import Content, Database, DatabaseState
from opskit.access.databases.reading import NotTold
from opskit.access.model import Environment, PostgresTarget
from opskit.core.errors import ConfigError
from opskit.outside.dial import DialError
from opskit.outside.files import read_secret
from opskit.outside.postgres import NoDriver, Session, StatementError, session

Read = TypeVar("Read")

_PORT = 5432
_HAS_PORT = re.compile(r":[0-9]+$")


class Unreachable(Exception):
    """The server was not reached, or broke off; the words say why."""


@dataclass(frozen=True)
class Server:
    """A target of the kind `postgres`. Each single answer is waited for `seconds` at most."""

    name: str
    target: PostgresTarget
    root: Path
    seconds: float

    def connected(self, database: str = "", *, read_only: bool) -> AbstractContextManager[Session]:
        """Open a session in a database, by default the administrator's.

        Raises:
            ConfigError: psycopg is missing, or the password's file is not as it should be.
            DialError: as the session itself.
        """
        known = {
            "user": self.target.user,
            "dbname": database or self.target.database,
            "sslmode": self.target.sslmode,
        }
        if self.target.password_file:
            known["password"] = read_secret(self.root / self.target.password_file)
        if self.target.sslrootcert:
            known["sslrootcert"] = str(self.root / self.target.sslrootcert)
        address = self.target.address
        place = address if _HAS_PORT.search(address) else f"{address}:{_PORT}"
        return session(place, known, self.seconds, read_only=read_only)

    def look(self, *, inside: bool) -> DatabaseState:
        """Return what the server shows; with `inside`, also what is in each database.

        Raises:
            Unreachable: nothing was seen.
            ConfigError: psycopg is missing.
        """
        try:
            state = self._asked("", lambda ask: reading.server(self.name, ask))
        except NotTold as error:
            raise Unreachable(str(error)) from error
        production = self.target.environment is Environment.PRODUCTION
        state = replace(state, administrators=self.target.administrators, production=production)
        if not inside:
            return state
        return replace(state, databases=tuple(self._opened(state, one) for one in state.databases))

    def _opened(self, state: DatabaseState, database: Database) -> Database:
        if not database.connectable:
            return replace(database, reason="it accepts no connections")

        def read(ask: reading.Ask) -> Content:
            return reading.content(state, ask)

        try:
            return replace(database, content=self._asked(database.name, read))
        except (NotTold, Unreachable) as error:
            return replace(database, reason=str(error))

    def _asked(self, database: str, read: Callable[[reading.Ask], Read]) -> Read:
        with reached(), self.connected(database, read_only=True) as opened:
            return read(_asking(opened))


@contextmanager
def reached() -> Iterator[None]:
    """Turn each way of not reaching a server into `Unreachable`.

    Raises:
        Unreachable: the server was not reached, or this target's password cannot be read.
        ConfigError: psycopg is missing, for all targets alike.
    """
    try:
        yield
    except NoDriver as error:
        raise ConfigError("psycopg is missing", hint="pip install 'opskit[postgres]'") from error
    except DialError as error:
        raise Unreachable(error.reason) from error
    except ConfigError as error:
        raise Unreachable(error.message) from error


def _asking(opened: Session) -> reading.Ask:
    def ask(query: str) -> list[dict[str, Any]]:
        try:
            return opened.rows(query)
        except StatementError as error:
            raise NotTold(error.reason) from error

    return ask
