"""Wait for another transaction to wait: the only way to see two of them meet."""

from __future__ import annotations

import threading

import sqlalchemy as sa

from opskit.outside.database import Database

_WAITING = sa.text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def until_blocked(database: Database, thread: threading.Thread) -> None:
    """Return once THREAD waits for a lock of the database, or has ended.

    On SQLite it waits for the whole file, from its first statement on: nothing to look at.
    """
    if database.dialect == "sqlite":
        return
    while thread.is_alive():
        with database.read() as connection:
            if connection.scalar(_WAITING):
                return
        thread.join(0.01)
