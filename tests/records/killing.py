"""A process that delivers, in a fork of its own, to be killed where or when a test says.

What arrives is appended to a file, one line each, so that it is there whatever dies afterwards.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from opskit.core.clock import FrozenClock
from opskit.outside.database import Database
from opskit.records.messages import Message, Terms
from opskit.records.outbox import Outbox


@dataclass(frozen=True)
class Arrived:
    """A line of the file: a message and whether it said that it may be a repeat."""

    key: str
    may_repeat: bool


@dataclass(frozen=True)
class Wire:
    """Keeps what arrives in a file; `between` is done before and after it does."""

    path: Path
    between: Callable[[str], None]

    def send(self, message: Message) -> None:
        self.between("before it is sent")
        line = json.dumps([message.key, message.attempts > 0]) + "\n"
        with self.path.open("ab", buffering=0) as stream:
            stream.write(line.encode())
        self.between("after it is sent")


def arrived(path: Path) -> list[Arrived]:
    """Return what is in the file."""
    if not path.exists():
        return []
    return [Arrived(*json.loads(line)) for line in path.read_text().splitlines()]


def nothing(_moment: str) -> None:
    """Do nothing at any moment."""


def forked(work: Callable[[], None]) -> int:
    """Do `work` in a process of its own and return its id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


def died() -> None:
    """End this process as kill -9 does."""
    os.kill(os.getpid(), signal.SIGKILL)


def deliver(
    url: str,
    clock: FrozenClock,
    path: Path,
    between: Callable[[str], None] = nothing,
    *,
    together: int = 1,
) -> None:
    """Deliver all that is due, in this process."""
    database = Database.open(url)
    with told(database, between):
        Outbox(database, clock, jitter=lambda: 0.0).deliver(
            {"mail": Wire(path, between)}, {"mail": Terms(digest_over=10, together=together)}
        )
    database.close()


@contextmanager
def told(database: Database, between: Callable[[str], None]) -> Iterator[None]:
    """Tell of each commit of a database, before and after it."""

    def before(_connection: sa.Connection) -> None:
        between("before a commit")

    writer = database._writer
    sa.event.listen(writer, "commit", before)
    try:
        yield
    finally:
        sa.event.remove(writer, "commit", before)
