"""PG: what a PostgreSQL server gives to everybody: objects, functions, the network."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.access.databases import hba
from opskit.access.databases.model import PUBLIC, DefaultPrivileges, HbaLine, Routine
from opskit.access.findings import AccessFinding, NotEvaluated, Scope
from opskit.access.rules import postgres
from opskit.access.rules.postgres_view import DatabaseView, at, catalogue
from opskit.access.rules.rule import Family, Rule
from opskit.core.findings import Severity
from opskit.core.text import plural

family: Family[DatabaseView] = Family(Scope.STATE)

_READS = frozenset({"SELECT", "USAGE", "EXECUTE"})


@family.rule("PG-PUBLIC", Severity.HIGH, needs=("content",))
def public(view: DatabaseView) -> Iterator[AccessFinding]:
    """Everybody has a privilege: it is granted to PUBLIC.

    What: tables, views and sequences that PUBLIC may read (medium) or write (high), schemas in
    which PUBLIC may create (high; the schema public up to PostgreSQL 14), databases in which it may
    create schemas (high) or temporary tables (medium, the default), and for each schema how many
    functions it may execute (low, the default). What extensions brought along is left out.

    Why: PUBLIC is every role there is and will be; no grant gives it and no revocation takes it.
    Who may create in a schema that others search puts functions in the place of theirs.

    Fix: REVOKE ... FROM PUBLIC, and give it to a role.

    Bad::

        GRANT SELECT ON customers TO PUBLIC;

    Good::

        REVOKE ALL ON customers FROM PUBLIC;
        GRANT SELECT ON customers TO readers;
    """
    for database in view.state.databases:
        held = {one.privilege for one in database.privileges if one.grantee == PUBLIC}
        for name, severity in (("CREATE", Severity.HIGH), ("TEMPORARY", Severity.MEDIUM)):
            if name in held and database.connectable:
                yield _public(view, severity, database.name, "database", database.name, {name})
    for database, content in view.contents:
        for thing in content.things:
            held = {one.privilege for one in thing.privileges if one.grantee == PUBLIC}
            held -= {"USAGE"} if thing.kind == "schema" else set()
            if held:
                severity = Severity.MEDIUM if held <= _READS else Severity.HIGH
                yield _public(view, severity, database.name, thing.kind, thing.name, held)
        for schema, count in content.public_functions.items():
            yield _functions(view, database.name, schema, count)


def _public(
    view: DatabaseView, severity: Severity, database: str, kind: str, name: str, held: set[str]
) -> AccessFinding:
    what = ", ".join(sorted(held))
    named = f"{kind} {name}" if kind == "database" else f"{kind} {name} in {database}"
    return view.finding(
        "PG-PUBLIC", severity, "PUBLIC", f"everybody has {what} on {named}",
        fix=f"REVOKE {what} ON {kind.upper()} {name} FROM PUBLIC",
        meaning=(database, kind, name, what), path=("PUBLIC", f"{what} on {named}"),
        evidence=(catalogue(f"{database}: {kind} {name}", f"{what} TO PUBLIC"),),
    )  # fmt: skip


def _functions(view: DatabaseView, database: str, schema: str, count: int) -> AccessFinding:
    what = f"{plural(count, 'function')} of schema {schema} in {database}"
    return view.finding(
        "PG-PUBLIC", Severity.LOW, "PUBLIC", f"everybody may execute {what}",
        fix=f"REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} FROM PUBLIC",
        meaning=(database, "functions", schema), path=("PUBLIC", f"EXECUTE on {what}"),
        evidence=(catalogue(f"{database}: pg_proc", f"{what}: EXECUTE TO PUBLIC"),),
    )  # fmt: skip


_WEAK = {
    "trust": "lets in whoever says so",
    "password": "sends the password in clear text",
    "md5": "accepts a hash that can be replayed and guessed; from 18 on it is deprecated",
    "ident": "believes what the other machine says",
}


@family.rule("PG-HBA", Severity.HIGH, needs=("hba",))
def client_authentication(view: DatabaseView) -> Iterator[AccessFinding]:
    """The server lets in too many, or asks them too little.

    What: a line of pg_hba.conf with trust, password, md5 or ident; one that lets in the whole world
    (all, 0.0.0.0/0, ::/0); one by which a superuser gets in from another machine; one over which
    the network is read along, since ssl is off (medium); one the server cannot use (medium). md5 is
    medium, since a role with a scram password is asked for it by scram all the same.

    Why: the first line that fits decides, and trust asks nothing. A superuser's password that is
    guessed from elsewhere is the server.

    Fix: hostssl with scram-sha-256, for roles and networks that need it; superusers local by peer.

    Bad::

        host all all 0.0.0.0/0 md5

    Good::

        local   all  postgres               peer
        hostssl shop +readers 10.1.2.0/24   scram-sha-256
    """
    lines = view.state.hba or ()
    for line in lines:
        if line.error:
            message = f"the server cannot use this line: {line.error}"
            yield _hba(view, Severity.MEDIUM, line, "unusable", message, "correct it")
    for line in hba.usable(lines):
        if line.method == "reject":
            continue
        yield from _asks_little(view, line)
        yield from _lets_in(view, line)


def _asks_little(view: DatabaseView, line: HbaLine) -> Iterator[AccessFinding]:
    if line.method in _WEAK:
        severity = Severity.MEDIUM if line.method == "md5" else Severity.HIGH
        message = f"{line.method} {_WEAK[line.method]}"
        yield _hba(view, severity, line, line.method, message, "use scram-sha-256")


def _lets_in(view: DatabaseView, line: HbaLine) -> Iterator[AccessFinding]:
    if line.type == "local":
        return
    if hba.from_anywhere(line):
        yield _hba(
            view, Severity.HIGH, line, "anywhere", "lets in the whole world", "name the networks"
        )
    if not hba.from_elsewhere(line):
        return
    for role in view.state.roles:
        groups = frozenset(view.reach.holds(role.name))
        fits = role.superuser and role.login and hba.deciding((line,), role.name, groups)
        if fits and line in hba.deciding(view.state.hba or (), role.name, groups):
            message = f"superuser {role.name} gets in from other machines"
            fix = f"put before it: host all {role.name} all reject"
            yield _hba(view, Severity.HIGH, line, f"superuser {role.name}", message, fix)
    if line.type != "hostssl" and view.state.settings.get("ssl") == "off":
        message = "what is said over the network can be read, since ssl is off"
        yield _hba(view, Severity.MEDIUM, line, "no tls", message, "ssl = on, and hostssl")


def _hba(
    view: DatabaseView, severity: Severity, line: HbaLine, what: str, message: str, fix: str
) -> AccessFinding:
    return view.finding(
        "PG-HBA", severity, line.line, message, fix=fix, meaning=(what,),
        path=(line.line, message), evidence=(at(line),),
    )  # fmt: skip


@family.rule("PG-SECDEF", Severity.HIGH, needs=("content",))
def security_definer(view: DatabaseView) -> Iterator[AccessFinding]:
    """Everybody can run a superuser's function, and choose what its names mean.

    What: a SECURITY DEFINER function that a superuser owns and PUBLIC may execute, without a
    search_path of its own, or with one in which "$user" stands (high), or whose search_path does
    not end in pg_temp (medium): it is searched first then, and everybody may create there.

    Why: the function runs as its owner. Whoever calls it sets the search_path, puts an operator or
    a table of theirs where the function means another, and runs it as a superuser.

    Fix: ALTER FUNCTION ... SET search_path = trusted_schema, pg_temp; REVOKE EXECUTE FROM PUBLIC.

    Bad::

        CREATE FUNCTION reset() ... SECURITY DEFINER;

    Good::

        CREATE FUNCTION reset() ... SECURITY DEFINER SET search_path = admin, pg_temp;
        REVOKE EXECUTE ON FUNCTION reset() FROM PUBLIC;
    """
    for database, content in view.contents:
        for routine in content.routines:
            role = view.roles.get(routine.owner)
            if routine.public and role is not None and role.superuser:
                yield from _definer(view, database.name, routine)


def _definer(view: DatabaseView, database: str, routine: Routine) -> Iterator[AccessFinding]:
    path = routine.search_path
    parts = [part.strip().strip('"') for part in (path or "").split(",")]
    if path is None or "$user" in parts:
        severity, how = Severity.HIGH, "whose search_path the caller chooses"
    elif parts[-1] != "pg_temp":
        severity, how = Severity.MEDIUM, "which searches pg_temp before its own schemas"
    else:
        return
    told = f"search_path = {path}" if path is not None else "no search_path"
    yield view.finding(
        "PG-SECDEF", severity, routine.name,
        f"everybody runs {routine.name} in {database} as superuser {routine.owner}, {how}",
        fix=f"ALTER FUNCTION {routine.name} SET search_path = SCHEMA, pg_temp",
        meaning=(database, how), path=("PUBLIC", f"EXECUTE on {routine.name}", routine.owner),
        evidence=(
            catalogue(f"{database}: pg_proc", f"{routine.name} OWNER {routine.owner} {told}"),
        ),
    )  # fmt: skip


@family.rule("PG-DEFACL", Severity.MEDIUM, needs=("content",))
def default_privileges(view: DatabaseView) -> Iterator[AccessFinding]:
    """What will be made is given away already.

    What: ALTER DEFAULT PRIVILEGES that give to PUBLIC, or to a person's role, what a role will
    create. Where nobody said which roles are people's, every role that can log in may be one.

    Why: each new table is open from its first second on, and no grant tells of it. A person's
    entry blocks DROP ROLE, and outlives what they were given it for.

    Fix: ALTER DEFAULT PRIVILEGES ... REVOKE ... FROM; name a role without LOGIN instead.

    Bad::

        ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC;

    Good::

        ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO readers;
    """
    for database, content in view.contents:
        for entry in content.defaults:
            yield from _defaults(view, database.name, entry)


def _defaults(
    view: DatabaseView, database: str, entry: DefaultPrivileges
) -> Iterator[AccessFinding]:
    held: dict[str, list[str]] = {}
    for one in entry.privileges:
        built_in = one.grantee == PUBLIC and one.privilege in {"EXECUTE", "USAGE"}
        person = one.grantee != PUBLIC and view.state.may_be_human(one.grantee)
        # For all schemas an entry repeats what PostgreSQL gives everybody anyway.
        if person or (one.grantee == PUBLIC and not (built_in and not entry.schema)):
            held.setdefault(one.grantee, []).append(one.privilege)
    for grantee, found in held.items():
        who, what = grantee or "PUBLIC", ", ".join(sorted(found))
        where = f"in schema {entry.schema} of {database}" if entry.schema else f"in {database}"
        yield view.finding(
            "PG-DEFACL", Severity.MEDIUM, who,
            f"{who} has {what} on {entry.kind} that {entry.role} will make {where}",
            fix=f"ALTER DEFAULT PRIVILEGES FOR ROLE {entry.role}"
            + (f" IN SCHEMA {entry.schema}" if entry.schema else "")
            + f" REVOKE {what} ON {entry.kind.upper()} FROM {who}",
            meaning=(database, entry.schema, entry.role, entry.kind, what),
            path=(who, f"{what} on {entry.kind} of {entry.role}"),
            evidence=(
                catalogue(f"{database}: pg_default_acl", f"{entry.role} {entry.kind} {what} {who}"),
            ),
        )  # fmt: skip


RULES: tuple[Rule[DatabaseView], ...] = (*postgres.family.rules, *family.rules)


def judge(view: DatabaseView) -> tuple[tuple[AccessFinding, ...], tuple[NotEvaluated, ...]]:
    """Return what all rules find on a server, and which of them could not be asked of what.

    A database that could not be looked into leaves a rule unasked there alone. One that accepts no
    connections gives nobody anything.
    """
    findings: list[AccessFinding] = []
    missing: list[NotEvaluated] = []
    for rule in RULES:
        absent = [need for need in rule.needs if need in {"hba", "owned"}]
        absent = [need for need in absent if getattr(view.state, need) is None]
        for need in absent:
            reason = view.state.unknown.get(need, "it was not looked at")
            missing.append(NotEvaluated(rule.id, view.state.name, f"{need}: {reason}"))
        if "content" in rule.needs:
            missing += _unseen(rule, view)
        if not absent:
            findings += rule.check(view)
    return tuple(findings), tuple(missing)


def _unseen(rule: Rule[DatabaseView], view: DatabaseView) -> Iterator[NotEvaluated]:
    for database in view.state.databases:
        if database.content is None and database.connectable:
            where = f"{view.state.name}/{database.name}"
            yield NotEvaluated(rule.id, where, database.reason or "it was not looked into")
