"""A throwaway PostgreSQL for tests, on a Unix socket and on a loopback port."""

import os
import pwd
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from tests.rig.command import ENVIRONMENT, RigError, free_port, is_root, must, one_line

__all__ = ["Postgres", "available"]

_INSTALLED = Path("/usr/lib/postgresql")
_USER = "opskit"
_STARTS_WITHIN = 30.0
_ENDS_WITHIN = 10.0
_READY_LINE = 7
_ENCODING = ("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
_ACCESS = ("--auth-local=trust", "--auth-host=scram-sha-256")


@dataclass(frozen=True, eq=False)
class Postgres:
    """One server; its data is in DIRECTORY and is worth nothing after the test."""

    directory: Path
    port: int = field(default_factory=free_port)
    password: str = field(default_factory=secrets.token_hex, repr=False)
    _stack: ExitStack = field(default_factory=ExitStack, init=False, repr=False)

    @property
    def url(self) -> str:
        """Where SQLAlchemy finds the server over TCP."""
        return f"postgresql+psycopg://{_USER}:{self.password}@127.0.0.1:{self.port}/postgres"

    @property
    def socket_url(self) -> str:
        """Where SQLAlchemy finds the server over its Unix socket, without a password."""
        place = f"host={quote(str(self.directory / 'socket'), safe='')}&port={self.port}"
        return f"postgresql+psycopg://{_USER}@/postgres?{place}"

    def __enter__(self) -> Self:
        """Create the data directory and start the server; return when it accepts."""
        _initialize(self)
        with ExitStack() as stack:
            process = stack.enter_context(_served(self))
            _wait_until_ready(self, process)
            self._stack.push(stack.pop_all())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self._stack.close()


def available() -> str | None:
    """Say in one line why this machine cannot run PostgreSQL, or return None if it can."""
    if _binary("initdb") is None:
        return "PostgreSQL is missing: apt-get install postgresql"
    if is_root() and _account() is None:
        return "PostgreSQL refuses to run as root, and there is no user postgres or nobody"
    return None


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.parent.parent.name.split(".") if part.isdigit())


def _binary(name: str) -> Path | None:
    return max(_INSTALLED.glob(f"*/bin/{name}"), key=_version, default=None)


def _account() -> pwd.struct_passwd | None:
    accounts = {account.pw_name: account for account in pwd.getpwall()}
    return accounts.get("postgres") or accounts.get("nobody")


def _unprivileged() -> Sequence[str]:
    """Return what to put before a command, because PostgreSQL refuses to run as root.

    Test directories are closed to other users, so the command may look through them,
    but not write there.
    """
    account = _account() if is_root() else None
    if account is None:
        return ("setpriv", "--pdeathsig", "INT")
    return (
        *("setpriv", "--reuid", str(account.pw_uid), "--regid", str(account.pw_gid)),
        *("--clear-groups", "--inh-caps", "+dac_read_search"),
        *("--ambient-caps", "+dac_read_search", "--pdeathsig", "INT"),
    )


def _program(name: str) -> Sequence[str]:
    binary = _binary(name)
    if binary is None:
        raise RigError(f"there is no {name} below {_INSTALLED}")
    return (*_unprivileged(), str(binary))


def _initialize(server: Postgres) -> None:
    password = server.directory / "password"
    server.directory.mkdir(parents=True, exist_ok=True)
    password.write_text(server.password)
    for path in (server.directory / "data", server.directory / "socket"):
        path.mkdir(mode=0o700)
        _give_away(path)
    _give_away(password)
    arguments = (f"--pgdata={server.directory / 'data'}", f"--pwfile={password}")
    must((*_program("initdb"), f"--username={_USER}", *_ENCODING, *_ACCESS, *arguments))


def _give_away(path: Path) -> None:
    account = _account() if is_root() else None
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)


def _settings(server: Postgres) -> Sequence[str]:
    values = {
        "listen_addresses": "127.0.0.1",
        "port": str(server.port),
        "unix_socket_directories": str(server.directory / "socket"),
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
    }
    return [f"--{name}={value}" for name, value in values.items()]


@contextmanager
def _served(server: Postgres) -> Iterator[subprocess.Popen[bytes]]:
    data = server.directory / "data"
    with (server.directory / "log").open("wb") as log:
        process = subprocess.Popen(
            (*_program("postgres"), "-D", str(data), *_settings(server)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=ENVIRONMENT,
            start_new_session=True,
        )
    with process:
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)


def _wait_until_ready(server: Postgres, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while not _is_ready(server.directory / "data/postmaster.pid"):
        if process.poll() is not None or time.monotonic() > deadline:
            log = (server.directory / "log").read_text()
            raise RigError(f"PostgreSQL did not start: {one_line(log)}")
        time.sleep(0.01)


def _is_ready(status: Path) -> bool:
    lines = status.read_text().splitlines() if status.exists() else []
    return len(lines) > _READY_LINE and lines[_READY_LINE].strip() == "ready"
