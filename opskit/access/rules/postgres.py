"""PG: what roles of a PostgreSQL server may do, directly and by membership."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.access.databases.hba import expires_by_password
from opskit.access.databases.membership import superusers
from opskit.access.databases.model import OPTIONS_SINCE, Membership, Privilege, Role
from opskit.access.findings import AccessFinding, Scope
from opskit.access.rules.postgres_view import DatabaseView, at, catalogue, chain
from opskit.access.rules.rule import Family
from opskit.core.clock import iso
from opskit.core.findings import Severity
from opskit.core.text import plural

family: Family[DatabaseView] = Family(Scope.STATE)

_JUST_IN_TIME = "revoke it, and grant it for as long as it is needed"


@family.rule("PG-SUPER", Severity.CRITICAL)
def superuser(view: DatabaseView) -> Iterator[AccessFinding]:
    """Somebody is a superuser, or can become one.

    What: a role that can log in has SUPERUSER, or is a member, over any number of steps, of a role
    that has it and can SET ROLE to it. The bootstrap role and the target's administrators are left
    out. Attributes are not inherited: a membership without SET (16 and later) does not count.

    Why: a superuser passes every check, reads and writes files of the server and runs commands as
    its operating system account. Nothing done so can be told from what the server does itself.

    Fix: ALTER ROLE ... NOSUPERUSER, or REVOKE the membership; give the predefined role that is
    needed (pg_monitor, pg_maintain, ...) for a time.

    Bad::

        CREATE ROLE alice LOGIN SUPERUSER;

    Good::

        CREATE ROLE alice LOGIN;
        GRANT pg_monitor TO alice;
    """
    for role, above, path in superusers(view.state, view.reach):
        if view.state.trusted(role):
            continue
        how = "is a superuser" if not path else f"can become superuser {above.name}"
        fix = (
            f"ALTER ROLE {role.name} NOSUPERUSER"
            if not path
            else f"REVOKE {path[-1].role} FROM {path[-1].member}"
        )
        yield view.finding(
            "PG-SUPER", Severity.CRITICAL, role.name, f"{role.name} {how}", fix=fix,
            meaning=(above.name,), path=chain(role, path, "SUPERUSER"),
            evidence=view.evident(role, path),
        )  # fmt: skip


_ATTRIBUTES = {
    "BYPASSRLS": "reads rows that row security hides",
    "REPLICATION": "may copy the whole server, passwords included",
    "CREATEROLE": "may make roles and change others",
    "CREATEDB": "may make databases and fill the disk",
}


@family.rule("PG-ATTR", Severity.HIGH)
def attribute(view: DatabaseView) -> Iterator[AccessFinding]:
    """A role has an attribute that passes checks: BYPASSRLS, REPLICATION, CREATEROLE, CREATEDB.

    What: a role that can log in has one of them, or can become a role that has. Superusers have
    all and are told by PG-SUPER.

    Why: up to PostgreSQL 15, CREATEROLE is critical: it may grant itself membership in any role
    that is no superuser, pg_execute_server_program included, which runs commands on the server.
    From 16 on it reaches only roles it made or was given with ADMIN OPTION. REPLICATION reads
    everything there is, BYPASSRLS every row.

    Fix: ALTER ROLE ... NOCREATEROLE and so on; let opskit make roles.

    Bad::

        ALTER ROLE alice CREATEROLE;

    Good::

        ALTER ROLE alice NOCREATEROLE;
    """
    for role in view.logins:
        if role.superuser:
            continue
        seen: set[str] = set()
        for above, path in view.becomes(role):
            if above.superuser:
                continue
            for name in above.attributes:
                if name not in seen:
                    seen.add(name)
                    yield _attribute(view, role, above, path, name)


def _attribute(
    view: DatabaseView, role: Role, above: Role, path: tuple[Membership, ...], name: str
) -> AccessFinding:
    unconfined = name == "CREATEROLE" and view.state.version < OPTIONS_SINCE
    what = "may give itself any role but a superuser's" if unconfined else _ATTRIBUTES[name]
    return view.finding(
        "PG-ATTR", Severity.CRITICAL if unconfined else Severity.HIGH, role.name,
        f"{role.name} {what} ({name})", fix=f"ALTER ROLE {above.name} NO{name}",
        meaning=(name, above.name), path=chain(role, path, name),
        evidence=view.evident(role, path),
    )  # fmt: skip


_SERVER_FILES = {
    "pg_execute_server_program": "runs commands on the server as its operating system account",
    "pg_write_server_files": "writes files of the server, its configuration included",
    "pg_read_server_files": "reads files of the server, its keys and passwords included",
}


@family.rule("PG-SRVFILE", Severity.CRITICAL)
def server_files(view: DatabaseView) -> Iterator[AccessFinding]:
    """A role reaches the files or the shell of the server.

    What: a role that can log in is a member, over any number of steps, of
    pg_execute_server_program, pg_write_server_files or pg_read_server_files.

    Why: COPY ... FROM PROGRAM runs any command as the account that the server runs as; writing its
    files comes to the same; reading them gives every password and key. All three pass every
    check inside the database.

    Fix: REVOKE the membership; load data from the client, by psql's own copy.

    Bad::

        GRANT pg_execute_server_program TO etl;

    Good::

        REVOKE pg_execute_server_program FROM etl;
    """
    for role, path, name in _members(view, _SERVER_FILES):
        last = path[-1]
        yield view.finding(
            "PG-SRVFILE", Severity.CRITICAL, role.name, f"{role.name} {_SERVER_FILES[name]}",
            fix=f"REVOKE {last.role} FROM {last.member}", meaning=(name,),
            path=chain(role, path, _SERVER_FILES[name]), evidence=view.evident(role, path),
        )  # fmt: skip


_READ_ALL = {
    "pg_read_all_data": (Severity.HIGH, "reads every table of every database"),
    "pg_write_all_data": (Severity.HIGH, "writes every table of every database"),
    "pg_monitor": (Severity.MEDIUM, "reads every setting and what everybody is running"),
}


@family.rule("PG-READALL", Severity.HIGH)
def read_all(view: DatabaseView) -> Iterator[AccessFinding]:
    """A person reads or writes all data, always.

    What: a person's role is a member, over any number of steps, of pg_read_all_data,
    pg_write_all_data (high) or pg_monitor (medium), and no grant in force accounts for it. Where
    nobody said which roles are people's, every role that can log in may be one.

    Why: these roles ignore what was granted on each table. What is held always is held as well
    when the password is stolen.

    Fix: revoke it, and grant it for as long as it is needed.

    Bad::

        GRANT pg_read_all_data TO alice;

    Good::

        CREATE ROLE analysts NOLOGIN;
        GRANT pg_read_all_data TO analysts;  -- and access to analysts for a time
    """
    for role, path, name in _members(view, _READ_ALL):
        granted = (path[0].member, path[0].role) in view.state.granted
        if granted or not view.state.may_be_human(role.name):
            continue
        severity, able = _READ_ALL[name]
        yield view.finding(
            "PG-READALL", severity, role.name, f"{role.name} {able}, always", fix=_JUST_IN_TIME,
            meaning=(name,), path=chain(role, path, able), evidence=view.evident(role, path),
        )  # fmt: skip


def _members(
    view: DatabaseView, names: dict[str, str] | dict[str, tuple[Severity, str]]
) -> Iterator[tuple[Role, tuple[Membership, ...], str]]:
    """Yield (role, way, name) for each role that logs in and holds one of the roles named."""
    for role in view.logins:
        if role.superuser:
            continue
        ways = view.reach.holds(role.name)
        yield from ((role, ways[name], name) for name in names if name in ways)


@family.rule("PG-GRANTOPT", Severity.HIGH, needs=("content",))
def grant_option(view: DatabaseView) -> Iterator[AccessFinding]:
    """A role may give on what it has.

    What: a membership WITH ADMIN OPTION, or a privilege WITH GRANT OPTION on a database, schema,
    table or function, held by another than its owner, an administrator or a superuser.

    Why: what is given on was asked for by nobody and approved by nobody. A later REVOKE fails
    ("dependent privileges exist") or has to take from people who were not named.

    Fix: REVOKE ADMIN OPTION FOR ..., REVOKE GRANT OPTION FOR ... CASCADE; look first at whom it
    was given on to.

    Bad::

        GRANT readers TO alice WITH ADMIN OPTION;

    Good::

        GRANT readers TO alice;
    """
    for edge in view.state.memberships:
        role = view.roles.get(edge.member)
        if edge.admin and role and not (role.superuser or view.state.trusted(role)):
            yield view.finding(
                "PG-GRANTOPT", Severity.HIGH, edge.member,
                f"{edge.member} may give membership in {edge.role} to others",
                fix=f"REVOKE ADMIN OPTION FOR {edge.role} FROM {edge.member} CASCADE",
                meaning=("role", edge.role), path=(edge.member, f"ADMIN OPTION on {edge.role}"),
                evidence=(catalogue("pg_auth_members", edge.line),),
            )  # fmt: skip
    for database in view.state.databases:
        yield from _grantable(
            view, f"database {database.name}", database.name, database.privileges, database.owner
        )
    for database, content in view.contents:
        for thing in content.things:
            named = f"{thing.kind} {thing.name}"
            yield from _grantable(view, named, database.name, thing.privileges, thing.owner)


def _grantable(
    view: DatabaseView, named: str, database: str, privileges: tuple[Privilege, ...], owner: str
) -> Iterator[AccessFinding]:
    holders: dict[str, list[str]] = {}
    for one in privileges:
        role = view.roles.get(one.grantee)
        if one.grantable and one.grantee != owner and not (role and role.superuser):
            holders.setdefault(one.grantee, []).append(one.privilege)
    for grantee, found in holders.items():
        what = ", ".join(sorted(found))
        yield view.finding(
            "PG-GRANTOPT", Severity.HIGH, grantee,
            f"{grantee} may give {what} on {named} in {database} to others",
            fix=f"REVOKE GRANT OPTION FOR {what} ON {named.upper().split()[0]} "
            f"{named.partition(' ')[2]} FROM {grantee} CASCADE",
            meaning=(database, named, what), path=(grantee, f"GRANT OPTION on {named}"),
            evidence=(catalogue(f"{database}: {named}", f"{what} TO {grantee} WITH GRANT OPTION"),),
        )  # fmt: skip


@family.rule("PG-VALIDUNTIL", Severity.HIGH, needs=("hba",))
def valid_until(view: DatabaseView) -> Iterator[AccessFinding]:
    """An expiry is relied on that does not expire.

    What: a role that can log in has VALID UNTIL, and a line of pg_hba.conf that may decide about it
    asks for no password: trust, peer, cert, gss, ldap, ...

    Why: VALID UNTIL ends the password, not the role. An expired role still logs in under trust,
    peer or a certificate, and its open sessions go on in any case.

    Fix: take LOGIN when the time is over (opskit does), or let the role in by scram-sha-256 alone.

    Bad::

        CREATE ROLE contractor LOGIN VALID UNTIL '2026-12-31';   -- and in pg_hba.conf:
        hostssl all all 10.0.0.0/8 cert

    Good::

        hostssl all contractor 10.0.0.0/8 scram-sha-256
        hostssl all all        10.0.0.0/8 cert
    """
    for role in view.logins:
        groups = frozenset(view.reach.holds(role.name))
        expires, line = expires_by_password(view.state.hba or (), role.name, groups)
        if role.valid_until is None or expires or line is None:
            continue
        ends = iso(role.valid_until)
        yield view.finding(
            "PG-VALIDUNTIL", Severity.HIGH, role.name,
            f"{role.name} still gets in by {line.method} after {ends}",
            fix=f"ALTER ROLE {role.name} NOLOGIN at that time, or scram-sha-256 for it alone",
            meaning=(line.method,), path=(role.name, f"VALID UNTIL {ends}", line.line),
            evidence=(catalogue("pg_roles", f"{role.line} VALID UNTIL {ends}"), at(line)),
        )  # fmt: skip


@family.rule("PG-OWNER", Severity.MEDIUM, needs=("owned",))
def owner(view: DatabaseView) -> Iterator[AccessFinding]:
    """A person owns objects.

    What: a person's role owns tables, functions, schemas or databases. Where nobody said which
    roles are people's, every role that can log in may be one.

    Why: the owner may do anything with it and give it away, whatever was granted. When the person
    leaves, DROP ROLE is refused until everything has another owner.

    Fix: REASSIGN OWNED BY person TO a role without LOGIN, in each database.

    Bad::

        CREATE TABLE orders (...);            -- as alice

    Good::

        SET ROLE shop_owner;
        CREATE TABLE orders (...);
    """
    for one in view.state.owned or ():
        if not view.state.may_be_human(one.role) or view.roles[one.role].superuser:
            continue
        where = f"in {one.database}" if one.database else "of the whole server"
        count = plural(one.count, "object")
        yield view.finding(
            "PG-OWNER", Severity.MEDIUM, one.role, f"{one.role} owns {count} {where}",
            fix=f"REASSIGN OWNED BY {one.role} TO a role without LOGIN", meaning=(one.database,),
            path=(one.role, f"owner of {count} {where}"),
            evidence=(catalogue("pg_shdepend", f"{one.role} owns {count} {where}"),),
        )  # fmt: skip
