"""A server's state from plain words, as the cases of the rules tell it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from opskit.access.databases.model import (
    PUBLIC,
    Content,
    Database,
    DatabaseState,
    DefaultPrivileges,
    HbaLine,
    Membership,
    Owned,
    Privilege,
    Role,
    Routine,
    Thing,
)
from opskit.core.clock import from_datetime


def read(path: Path) -> dict[str, Any]:
    """Return a case as it is written."""
    case = yaml.safe_load(path.read_text())
    assert isinstance(case, dict)
    return case


def state(case: dict[str, Any]) -> DatabaseState:
    """Return the server that a case tells of, called `server`."""
    unknown = case.get("unknown", {})
    humans = case.get("humans")
    return DatabaseState(
        "server",
        case.get("version", 150018),
        settings=case.get("settings", {}),
        roles=tuple(role(text, oid) for oid, text in enumerate(case.get("roles", ()), 16_000)),
        memberships=tuple(membership(text) for text in case.get("memberships", ())),
        databases=tuple(database(one) for one in case.get("databases", ())),
        owned=None if "owned" in unknown else tuple(owned(one) for one in case.get("owned", ())),
        hba=None if "hba" in unknown else tuple(
            hba(number, one) for number, one in enumerate(case.get("hba", ()), 1)
        ),
        unknown=unknown,
        administrators=tuple(case.get("administrators", ())),
        humans=None if humans is None else frozenset(humans),
        granted=frozenset((a, b) for a, b in map(str.split, case.get("granted", ()))),
    )  # fmt: skip


def role(text: str, oid: int = 16_000) -> Role:
    """Read `alice login superuser until 2026-12-31`."""
    name, *words = text.split()
    until = None
    if "until" in words:
        at = words.index("until")
        until = from_datetime(datetime.fromisoformat(words[at + 1]).replace(tzinfo=UTC))
        del words[at : at + 2]
    if "bootstrap" in words:
        words.remove("bootstrap")
        oid = 10
    return Role(name, oid, valid_until=until, **dict.fromkeys(words, True))  # type: ignore[arg-type]


def membership(text: str) -> Membership:
    """Read `readers to alice admin noset noinherit by bob`."""
    group, _, member, *words = text.split()
    by = words[words.index("by") + 1] if "by" in words else "postgres"
    return Membership(
        group, member, by, "admin" in words, "noinherit" not in words, "noset" not in words
    )


def hba(number: int, text: str) -> HbaLine:
    """Read a line of pg_hba.conf, or `error: why`."""
    if text.startswith("error: "):
        return HbaLine(number, error=text.removeprefix("error: "))
    kind, databases, users, *rest = text.split()
    address = "" if kind == "local" else rest.pop(0)
    return HbaLine(
        number, kind, tuple(databases.split(",")), tuple(users.split(",")), address, "", rest[0]
    )


def owned(text: str) -> Owned:
    name, where, count = text.split()
    return Owned(name, "" if where == "-" else where, int(count))


def database(told: dict[str, Any]) -> Database:
    listed = [privilege(one) for one in told.get("privileges", ())]
    content = None
    if "unknown" not in told and not told.get("closed"):
        content = Content(
            tuple(thing(one) for one in told.get("things", ())),
            tuple(routine(one) for one in told.get("routines", ())),
            tuple(defaults(one) for one in told.get("defaults", ())),
            told.get("functions", {}),
        )
    connectable = not told.get("closed", False)
    reason = told.get("unknown", "")
    return Database(told["name"], "postgres", connectable, tuple(listed), content, reason)


def privilege(text: str) -> Privilege:
    """Read `SELECT to alice grantable`."""
    what, _, grantee, *words = text.split()
    return Privilege(
        what, PUBLIC if grantee == "PUBLIC" else grantee, grantable="grantable" in words
    )


def thing(text: str) -> Thing:
    """Read `table app.orders of app: SELECT to alice, INSERT to bob`."""
    head, _, listed = text.partition(": ")
    kind, name, _, owner = head.split()
    return Thing(kind, name, owner, tuple(privilege(one) for one in listed.split(", ")))


def routine(text: str) -> Routine:
    """Read `app.reset() of postgres path app, pg_temp` or `app.reset() of postgres closed`."""
    found = re.fullmatch(r"(\S+) of (\S+)( closed)?(?: path (.+))?", text)
    assert found, text
    return Routine(found[1], found[2], found[4], public=not found[3])


def defaults(text: str) -> DefaultPrivileges:
    """Read `app tables in public: SELECT to PUBLIC`."""
    head, _, listed = text.partition(": ")
    name, kind, *schema = head.split()
    given = tuple(privilege(one) for one in listed.split(", "))
    return DefaultPrivileges(name, kind, schema[1] if schema else "", given)
