"""What the router knows from one turn to the next, as the table has it: only changes are written.

A row holds one group; one holds all else that the router knows, and one who is on call.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from opskit.alerts.routing.flapping import Steadiness
from opskit.alerts.routing.groups import Group, GroupKey, Told
from opskit.alerts.routing.router import Memory, Waiting
from opskit.alerts.routing.verdicts import Alert
from opskit.alerts.store.tables import ROUTING

_REST, _ON_CALL, _GROUP = "rest", "on call", "group "
Json = dict[str, Any]


@dataclass(frozen=True)
class Remembered:
    """What the router knows, who was on call by rota, and the rows it was read from."""

    memory: Memory
    rows: Mapping[str, str]
    on_call: Mapping[str, str]


def read(connection: sa.Connection) -> Remembered:
    """Return what is remembered; nothing at the very first time."""
    rows = {row.key: row.body for row in connection.execute(sa.select(ROUTING))}
    rest = json.loads(rows[_REST]) if _REST in rows else {}
    groups = (_group(json.loads(body)) for key, body in rows.items() if key.startswith(_GROUP))
    memory = Memory(
        groups={one.key: one for one in groups},
        waiting=tuple(_waiting(one) for one in rest.get("waiting", ())),
        steadiness={
            name: Steadiness(tuple(bool(one) for one in looks), bool(flaps))
            for name, (looks, flaps) in rest.get("steadiness", {}).items()
        },
        digests=rest.get("digests", 0),
    )
    return Remembered(memory, rows, json.loads(rows.get(_ON_CALL, "{}")))


def write(
    connection: sa.Connection,
    before: Mapping[str, str],
    memory: Memory,
    on_call: Mapping[str, str],
) -> None:
    """Write what is to be remembered, where it differs from the rows before."""
    after = dict(_rows(memory))
    after |= {_ON_CALL: _text(dict(on_call))} if on_call else {}
    own = ROUTING.c.key == sa.bindparam("own")
    new = [{"key": key, "body": body} for key, body in after.items() if key not in before]
    changed = [
        {"own": key, "body": body} for key, body in after.items() if before.get(key, body) != body
    ]
    gone = [{"own": key} for key in before.keys() - after.keys()]
    for statement, rows in (
        (sa.delete(ROUTING).where(own), gone),
        (sa.insert(ROUTING), new),
        (sa.update(ROUTING).where(own), changed),
    ):
        if rows:
            connection.execute(statement, rows)


def _rows(memory: Memory) -> Iterator[tuple[str, str]]:
    for key, group in memory.groups.items():
        yield f"{_GROUP}{key}", _text(_of_group(group))
    rest: Json = {
        "waiting": [_of_waiting(one) for one in memory.waiting],
        "steadiness": {
            name: ([int(look) for look in one.looks], int(one.flaps))
            for name, one in memory.steadiness.items()
        },
        "digests": memory.digests,
    }
    if any(rest.values()):
        yield _REST, _text(rest)


def _text(data: Json) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def _of_key(key: GroupKey) -> Json:
    return {"route": key.route, "labels": [list(pair) for pair in key.labels]}


def _key(data: Json) -> GroupKey:
    return GroupKey(data["route"], tuple((name, value) for name, value in data["labels"]))


def _of_group(group: Group) -> Json:
    return {
        "key": _of_key(group.key),
        "begun_at": group.begun_at,
        "look_at": group.look_at,
        "number": group.number,
        "told": {name: [one.episode, sorted(one.to)] for name, one in group.told.items()},
        "told_at": group.told_at,
        "open_since": group.open_since,
        "steps": group.steps,
    }


def _group(data: Json) -> Group:
    told = {name: Told(episode, frozenset(to)) for name, (episode, to) in data["told"].items()}
    return Group(**{**data, "key": _key(data["key"]), "told": told})


def _of_waiting(one: Waiting) -> Json:
    alert = one.alert
    return {
        "key": _of_key(one.key),
        "receiver": one.receiver,
        "alert": {
            "fingerprint": alert.fingerprint,
            "labels": dict(alert.labels),
            "annotations": dict(alert.annotations),
            "starts_at": alert.starts_at,
            "ends_at": alert.ends_at,
        },
    }


def _waiting(data: Json) -> Waiting:
    return Waiting(_key(data["key"]), data["receiver"], Alert(**data["alert"]))
