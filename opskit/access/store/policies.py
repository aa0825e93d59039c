"""The states of the files in `access/` that requests were judged by, in the order they were met.

A state that came back is kept once more: what was in force a day ago is the last one met by then.
"""

from __future__ import annotations

import json

import sqlalchemy as sa

from opskit.access.model import AccessPolicy, People, Roles, Targets
from opskit.access.registry import Registry
from opskit.access.store.tables import POLICIES
from opskit.core.clock import Instant
from opskit.records.ledger import Ledger, canonical


def is_kept(connection: sa.Connection, version: str) -> bool:
    """Return whether a state of the files is known."""
    known = sa.select(POLICIES.c.version).where(POLICIES.c.version == version)
    return connection.execute(known).first() is not None


_LAST = sa.select(POLICIES.c.version).order_by(POLICIES.c.id.desc()).limit(1)


def keep(connection: sa.Connection, ledger: Ledger, registry: Registry) -> None:
    """Keep this state of the files, and tell that it is another one than before."""
    version = registry.version
    before = connection.execute(_LAST).scalar() or ""
    if before == version:
        return
    entry = ledger.append(connection, "policy.changed", version, {"before": before})
    connection.execute(
        sa.insert(POLICIES).values(version=version, seen_at=entry.at, content=_content(registry))
    )


def in_force_at(connection: sa.Connection, at: Instant, now: Registry) -> Registry | None:
    """Return the state that was in force by then; nothing where none was known yet.

    Where it is the state of `now` that one is returned: there is nothing to read.
    """
    row = connection.execute(
        sa.select(POLICIES.c.version, POLICIES.c.content)
        .where(POLICIES.c.seen_at <= at)
        .order_by(POLICIES.c.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return now if row.version == now.version else _registry(row.content)


def version_at(connection: sa.Connection, at: Instant) -> str:
    """Return which state was in force by then; empty where none was known yet."""
    query = sa.select(POLICIES.c.version).where(POLICIES.c.seen_at <= at)
    return connection.execute(query.order_by(POLICIES.c.id.desc()).limit(1)).scalar() or ""


def newest(connection: sa.Connection) -> Registry | None:
    """Return the state that was met last; nothing where none was kept."""
    query = sa.select(POLICIES.c.content).order_by(POLICIES.c.id.desc()).limit(1)
    content = connection.execute(query).scalar()
    return None if content is None else _registry(content)


def contents(connection: sa.Connection) -> dict[str, str]:
    """Return every state kept, as JSON text by its version."""
    rows = connection.execute(sa.select(POLICIES.c.version, POLICIES.c.content))
    return {row.version: row.content for row in rows}


def kept(connection: sa.Connection) -> dict[str, Registry]:
    """Return every state kept that can still be read, by its version."""
    states = {name: _registry(content) for name, content in contents(connection).items()}
    return {name: state for name, state in states.items() if state is not None}


def _content(registry: Registry) -> str:
    return canonical(
        {
            "people": registry.people.model_dump(mode="json"),
            "roles": registry.roles.model_dump(mode="json"),
            "targets": registry.targets.model_dump(mode="json"),
            "policy": registry.policy.model_dump(mode="json"),
        }
    )


def _registry(content: str) -> Registry | None:
    """Return a state that was kept; nothing where this version of opskit cannot read it."""
    parts = json.loads(content)
    try:
        return Registry(
            People.model_validate(parts["people"]),
            Roles.model_validate(parts["roles"]),
            Targets.model_validate(parts["targets"]),
            AccessPolicy.model_validate(parts["policy"]),
        )
    except ValueError:
        return None
