"""What is asked of a server's catalogues, by its version. Text only: nothing here connects.

Each query gives at most `LIMIT` rows: one more than is kept, so that a cut is noticed. They keep to
what PostgreSQL 13 to 18 have in common; where catalogues differ, the version decides.
"""
# ruff: noqa: S608  # composed of the constants of this module alone; values are parameters

from __future__ import annotations

from opskit.access.databases.model import OPTIONS_SINCE

# What is kept of one answer. A server with more is not judged in that part, and says so.
MOST = 20_000
LIMIT = MOST + 1

VERSION = "SELECT current_setting('server_version_num')::int AS version, session_user AS me"

SETTINGS = """
SELECT name, setting FROM pg_settings
WHERE name IN ('password_encryption', 'listen_addresses', 'ssl', 'hba_file', 'log_connections')
"""

ROLES = f"""
SELECT r.rolname AS name, r.oid::int8 AS oid, r.rolsuper AS superuser,
       r.rolcreaterole AS createrole, r.rolcreatedb AS createdb,
       r.rolreplication AS replication, r.rolbypassrls AS bypassrls,
       r.rolcanlogin AS login, r.rolinherit AS inherit,
       CASE WHEN isfinite(r.rolvaliduntil)
            THEN (extract(epoch FROM r.rolvaliduntil) * 1000000)::int8 END AS valid_until,
       coalesce(shobj_description(r.oid, 'pg_authid'), '') AS comment
FROM pg_roles r ORDER BY r.oid LIMIT {LIMIT}
"""

# The kind of a password only: what is kept of it never leaves the server.
PASSWORDS = f"""
SELECT rolname AS name,
       CASE WHEN rolpassword IS NULL THEN 'none'
            WHEN rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'scram-sha-256'
            WHEN rolpassword LIKE 'md5%' THEN 'md5' ELSE 'unknown' END AS password
FROM pg_authid ORDER BY oid LIMIT {LIMIT}
"""

_MEMBERSHIPS = """
SELECT g.rolname AS role, m.rolname AS member, coalesce(b.rolname, '') AS grantor,
       a.admin_option AS admin, {inherit} AS inherit, {set} AS "set"
FROM pg_auth_members a
JOIN pg_roles g ON g.oid = a.roleid
JOIN pg_roles m ON m.oid = a.member
LEFT JOIN pg_roles b ON b.oid = a.grantor
ORDER BY 1, 2, 3 LIMIT {limit}
"""

DATABASES = f"""
SELECT d.datname AS name, r.rolname AS owner, d.datallowconn AS connectable,
       (SELECT json_agg(json_build_object('privilege', x.privilege_type,
               'grantee_oid', x.grantee::int8, 'grantor_oid', x.grantor::int8,
               'grantable', x.is_grantable))
        FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) x) AS privileges
FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba ORDER BY d.datname LIMIT {LIMIT}
"""

# pg_shdepend is shared: it tells owners in databases that nobody can connect to as well.
OWNED = f"""
SELECT r.rolname AS role, coalesce(d.datname, '') AS database, count(*)::int8 AS count
FROM pg_shdepend s
JOIN pg_roles r ON r.oid = s.refobjid
LEFT JOIN pg_database d ON d.oid = s.dbid
WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype = 'o'
GROUP BY 1, 2 ORDER BY 1, 2 LIMIT {LIMIT}
"""

_HBA = """
SELECT line_number AS number, type, database AS databases, user_name AS users, address, netmask,
       auth_method AS method, options, error, {file} AS file
FROM pg_hba_file_rules ORDER BY {order} LIMIT {limit}
"""

# The session of a role that was dropped goes on: it is told by the role's number.
CLIENTS = f"""
SELECT a.pid, coalesce(r.rolname, '(' || a.usesysid || ')') AS role,
       coalesce(a.datname, '') AS database,
       coalesce(a.application_name, '') AS application,
       coalesce(host(a.client_addr), '') AS address,
       (extract(epoch FROM a.backend_start) * 1000000)::int8 AS since
FROM pg_stat_activity a LEFT JOIN pg_roles r ON r.oid = a.usesysid
WHERE a.usesysid IS NOT NULL AND a.pid <> pg_backend_pid()
  AND a.backend_type IN ('client backend', 'walsender')
ORDER BY a.pid LIMIT {LIMIT}
"""


def _given(acl: str, owner: str) -> str:
    """Return the subquery for what an access control list gives beyond its owner."""
    return f"""
(SELECT json_agg(json_build_object('privilege', x.privilege_type, 'grantee_oid', x.grantee::int8,
        'grantor_oid', x.grantor::int8, 'grantable', x.is_grantable))
 FROM aclexplode({acl}) x WHERE x.grantee <> {owner} AND (x.grantee = 0 OR x.is_grantable))
"""


_OWN_SCHEMAS = """
n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
"""
# What an extension brought along is the extension's business.
_NO_EXTENSION = """
NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '{table}'::regclass AND e.objid = {oid}
            AND e.deptype = 'e')
"""

SCHEMAS = f"""
SELECT 'schema' AS kind, n.nspname AS name, n.nspowner::int8 AS owner_oid,
       {_given("coalesce(n.nspacl, acldefault('n', n.nspowner))", "n.nspowner")}
       AS privileges
FROM pg_namespace n WHERE {_OWN_SCHEMAS} ORDER BY n.nspname LIMIT {LIMIT}
"""

RELATIONS = f"""
SELECT CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'view'
       ELSE 'table' END AS kind, format('%I.%I', n.nspname, c.relname) AS name,
       c.relowner::int8 AS owner_oid,
       {_given("c.relacl", "c.relowner")} AS privileges
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relacl IS NOT NULL AND {_OWN_SCHEMAS}
  AND {_NO_EXTENSION.format(table="pg_class", oid="c.oid")}
  AND EXISTS (SELECT FROM aclexplode(c.relacl) x
              WHERE x.grantee <> c.relowner AND (x.grantee = 0 OR x.is_grantable))
ORDER BY 2 LIMIT {LIMIT}
"""

_EXECUTABLE = """
EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
        WHERE x.grantee = 0)
"""

FUNCTIONS = f"""
SELECT 'function' AS kind, format('%I.%I', n.nspname, p.proname) AS name,
       p.proowner::int8 AS owner_oid,
       {_given("p.proacl", "p.proowner")} AS privileges
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.proacl IS NOT NULL AND {_OWN_SCHEMAS}
  AND {_NO_EXTENSION.format(table="pg_proc", oid="p.oid")}
  AND EXISTS (SELECT FROM aclexplode(p.proacl) x
              WHERE x.grantee <> p.proowner AND x.grantee <> 0 AND x.is_grantable)
ORDER BY 2 LIMIT {LIMIT}
"""

PUBLIC_FUNCTIONS = f"""
SELECT n.nspname AS schema, count(*)::int8 AS count
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE {_OWN_SCHEMAS} AND {_EXECUTABLE}
  AND {_NO_EXTENSION.format(table="pg_proc", oid="p.oid")}
GROUP BY 1 ORDER BY 1 LIMIT {LIMIT}
"""

ROUTINES = f"""
SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS name,
       p.proowner::int8 AS owner_oid,
       (SELECT substr(s, length('search_path=') + 1) FROM unnest(p.proconfig) s
        WHERE s LIKE 'search\\_path=%' LIMIT 1) AS search_path,
       {_EXECUTABLE} AS public
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.prosecdef AND {_OWN_SCHEMAS}
ORDER BY 1 LIMIT {LIMIT}
"""

DEFAULTS = f"""
SELECT d.defaclrole::int8 AS role_oid, coalesce(n.nspname, '') AS schema,
       CASE d.defaclobjtype::text WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences'
            WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas'
            WHEN 'L' THEN 'large objects' ELSE d.defaclobjtype::text END AS kind,
       (SELECT json_agg(json_build_object('privilege', x.privilege_type,
               'grantee_oid', x.grantee::int8, 'grantor_oid', x.grantor::int8,
               'grantable', x.is_grantable))
        FROM aclexplode(d.defaclacl) x WHERE x.grantee <> d.defaclrole) AS privileges
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
ORDER BY 1, 2, 3 LIMIT {LIMIT}
"""

# Only the extension's own table is asked: anybody who may create a schema can call one `cron`.
HAS_CRON = """
SELECT coalesce(current_setting('cron.timezone', true), 'GMT') AS zone
FROM pg_extension e
JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
                AND d.deptype = 'e' AND d.classid = 'pg_class'::regclass
JOIN pg_class c ON c.oid = d.objid AND c.relname = 'job'
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'cron'
WHERE e.extname = 'pg_cron'
"""
JOBS = f"""
SELECT jobname AS name, schedule, command FROM cron.job
WHERE jobname LIKE 'opskit %' AND active AND username = current_user
ORDER BY jobname LIMIT {LIMIT}
"""

# A role's sessions by its number: they outlive its name.
END_SESSIONS = """
SELECT a.pid, pg_terminate_backend(a.pid) AS told
FROM pg_stat_activity a WHERE a.usesysid::text = $1 AND a.pid <> pg_backend_pid()
  AND a.backend_start <= $2::timestamptz
"""
NOW = "SELECT clock_timestamp()::text AS now FROM pg_sleep($1::float8)"
# Where a role owns something or holds privileges: it cannot be dropped before all of it is gone.
DEPENDS_IN = """
SELECT DISTINCT coalesce(d.datname, '') AS database, coalesce(d.datallowconn, true) AS connectable
FROM pg_shdepend s LEFT JOIN pg_database d ON d.oid = s.dbid
WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid::text = $1
ORDER BY 1
"""

# What a role gave on by a grant option: DROP OWNED takes it from those who have it.
GIVEN_ON = f"""
SELECT coalesce(r.rolname, 'PUBLIC') AS grantee, g.privilege_type AS privilege, g.thing
FROM (
  SELECT x.*, 'schema ' || o.nspname AS thing, o.nspowner AS owner
  FROM pg_namespace o, aclexplode(o.nspacl) x
  UNION ALL
  SELECT x.*, o.oid::regclass::text, o.relowner FROM pg_class o, aclexplode(o.relacl) x
  UNION ALL
  SELECT x.*, o.oid::regprocedure::text, o.proowner FROM pg_proc o, aclexplode(o.proacl) x
) g LEFT JOIN pg_roles r ON r.oid = g.grantee
WHERE g.grantor::text = $1 AND g.owner::text <> $1 AND g.grantee::text <> $1
ORDER BY 1, 3, 2 LIMIT {LIMIT}
"""


def memberships(version: int) -> str:
    """Return the query for memberships: their options are columns from PostgreSQL 16 on."""
    has_options = version >= OPTIONS_SINCE
    return _MEMBERSHIPS.format(
        inherit="a.inherit_option" if has_options else "m.rolinherit",
        set="a.set_option" if has_options else "true",
        limit=LIMIT,
    )


def hba(version: int) -> str:
    """Return the query for pg_hba.conf: which file a line stands in is told from 16 on."""
    several = version >= OPTIONS_SINCE
    return _HBA.format(
        file="file_name" if several else "current_setting('hba_file')",
        order="rule_number NULLS LAST, line_number" if several else "line_number",
        limit=LIMIT,
    )
