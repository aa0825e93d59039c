"""From the rows of the catalogues to a `DatabaseState`. Pure: who asks is given as a function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, Protocol, TypeVar

from opskit.access.databases import queries
from opskit.access.databases.model import (
    PUBLIC,
    Client,
    Content,
    Database,
    DatabaseState,
    DefaultPrivileges,
    HbaLine,
    Job,
    Membership,
    Owned,
    Password,
    Privilege,
    Role,
    Routine,
    Thing,
)

Row = Mapping[str, Any]
Made = TypeVar("Made")


class NotTold(Exception):
    """The server would not answer one question; the words say why."""


class Ask(Protocol):
    """Puts one query to one database. Raises `NotTold` where the server would not answer it."""

    def __call__(self, query: str) -> list[dict[str, Any]]:
        """Return the rows."""
        ...


def server(name: str, ask: Ask) -> DatabaseState:
    """Return what a server says of all its databases together, without what is in each.

    Raises:
        NotTold: it does not even tell its roles.
    """
    first = ask(queries.VERSION)[0]
    state = DatabaseState(
        name,
        first["version"],
        first["me"],
        settings={row["name"]: row["setting"] for row in ask(queries.SETTINGS)},
        roles=tuple(_made(Role, row) for row in _bounded(ask(queries.ROLES))),
        memberships=tuple(
            _made(Membership, row) for row in _bounded(ask(queries.memberships(first["version"])))
        ),
    )
    state = replace(state, databases=tuple(_databases(state, ask)))
    return _parts(_with_passwords(state, ask), ask)


def _with_passwords(state: DatabaseState, ask: Ask) -> DatabaseState:
    try:
        kinds = {row["name"]: Password(row["password"]) for row in ask(queries.PASSWORDS)}
    except NotTold as error:
        return replace(state, unknown={**state.unknown, "passwords": str(error)})
    roles = (replace(one, password=kinds.get(one.name, Password.UNKNOWN)) for one in state.roles)
    return replace(state, roles=tuple(roles))


def _parts(state: DatabaseState, ask: Ask) -> DatabaseState:
    unknown = dict(state.unknown)

    def part(what: str, query: str, kind: Callable[[Row], Made]) -> tuple[Made, ...] | None:
        try:
            return tuple(kind(row) for row in _bounded(ask(query)))
        except NotTold as error:
            unknown[what] = str(error)
            return None

    owned = part("owned", queries.OWNED, lambda row: _made(Owned, row))
    hba = part("hba", queries.hba(state.version), _hba_line)
    clients = part("clients", queries.CLIENTS, lambda row: _made(Client, row))
    jobs = part("jobs", queries.JOBS, lambda row: _made(Job, row)) if _has_cron(ask) else None
    return replace(state, owned=owned, hba=hba, clients=clients, jobs=jobs, unknown=unknown)


def _has_cron(ask: Ask) -> bool:
    """Return whether pg_cron is there and goes by the time that jobs are planted in."""
    found = ask(queries.HAS_CRON)
    return bool(found) and found[0]["zone"] in {"GMT", "UTC", "Etc/UTC"}


def _hba_line(row: Row) -> HbaLine:
    several = {name: tuple(row[name] or ()) for name in ("databases", "users", "options")}
    texts = {name: row[name] or "" for name in row.keys() - several.keys() - {"number"}}
    return _made(HbaLine, {"number": row["number"], **several, **texts})


def _databases(state: DatabaseState, ask: Ask) -> Iterable[Database]:
    names = _names(state)
    for row in _bounded(ask(queries.DATABASES)):
        privileges = _privileges(row["privileges"], names)
        yield Database(row["name"], row["owner"], row["connectable"], privileges)


def content(state: DatabaseState, ask: Ask) -> Content:
    """Return what is in the database that `ask` is connected to.

    Raises:
        NotTold: it would not answer, or holds more than is kept.
    """
    names = _names(state)
    listings = (queries.SCHEMAS, queries.RELATIONS, queries.FUNCTIONS)
    rows = [row for query in listings for row in _bounded(ask(query))]
    return Content(
        things=tuple(
            Thing(row["kind"], row["name"], names.get(row["owner_oid"], "?"), found)
            for row in rows
            if (found := _privileges(row["privileges"], names))
        ),
        routines=tuple(
            Routine(
                row["name"], names.get(row["owner_oid"], "?"), row["search_path"], row["public"]
            )
            for row in _bounded(ask(queries.ROUTINES))
        ),
        defaults=tuple(
            DefaultPrivileges(
                names.get(row["role_oid"], "?"),
                row["kind"],
                row["schema"],
                _privileges(row["privileges"], names),
            )
            for row in _bounded(ask(queries.DEFAULTS))
        ),
        public_functions={
            row["schema"]: row["count"] for row in _bounded(ask(queries.PUBLIC_FUNCTIONS))
        },
    )


def _bounded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(rows) > queries.MOST:
        message = f"there are more than {queries.MOST:,} of them"
        raise NotTold(message)
    return rows


def _names(state: DatabaseState) -> Mapping[int, str]:
    return {role.oid: role.name for role in state.roles} | {0: PUBLIC}


def _privileges(listed: Iterable[Row] | None, names: Mapping[int, str]) -> tuple[Privilege, ...]:
    return tuple(
        Privilege(
            one["privilege"],
            # A role that is gone is still somebody, and never everybody.
            names.get(one["grantee_oid"], f"({one['grantee_oid']})"),
            names.get(one["grantor_oid"], f"({one['grantor_oid']})"),
            one["grantable"],
        )
        for one in listed or ()
    )


def _made(kind: type[Made], row: Row) -> Made:
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]  # only dataclasses come
    return kind(**{name: value for name, value in row.items() if name in known})
