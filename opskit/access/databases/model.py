"""What was read of a PostgreSQL server, before anybody judges it.

What could not be looked at is `None`, with its reason in `unknown`; it is never an empty tuple.
Names follow the catalogues they come from (pg_authid, pg_auth_members, aclexplode, ...).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from opskit.core.clock import Instant

# The grantee that stands for everybody.
PUBLIC = ""
# From here on memberships carry INHERIT and SET options, and CREATEROLE is confined.
OPTIONS_SINCE = 160_000
_BOOTSTRAP_OID = 10


class Password(StrEnum):
    """What the server keeps as a role's password; never the password."""

    NONE = "none"
    SCRAM = "scram-sha-256"
    MD5 = "md5"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Role:
    """A role with its attributes. `valid_until` ends its password, and only that."""

    name: str
    oid: int = 0
    superuser: bool = False
    createrole: bool = False
    createdb: bool = False
    replication: bool = False
    bypassrls: bool = False
    login: bool = False
    inherit: bool = True
    valid_until: Instant | None = None
    password: Password = Password.UNKNOWN
    comment: str = ""

    @property
    def bootstrap(self) -> bool:
        """Return whether the server was made with it: it cannot be less than a superuser."""
        return self.oid == _BOOTSTRAP_OID

    @property
    def attributes(self) -> tuple[str, ...]:
        """Return the attributes that give power, in SQL's words."""
        named = {
            "SUPERUSER": self.superuser,
            "CREATEROLE": self.createrole,
            "CREATEDB": self.createdb,
            "REPLICATION": self.replication,
            "BYPASSRLS": self.bypassrls,
        }
        return tuple(name for name, has in named.items() if has)

    @property
    def line(self) -> str:
        """Return it as one line of evidence."""
        words = [self.name, *self.attributes, "LOGIN" if self.login else "NOLOGIN"]
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Membership:
    """`member` is in `role`. `inherit` gives its privileges at once, `set` lets it become it."""

    role: str
    member: str
    grantor: str = ""
    admin: bool = False
    inherit: bool = True
    set: bool = True

    @property
    def line(self) -> str:
        """Return it as one line of evidence."""
        options = {"ADMIN": self.admin, "INHERIT": self.inherit, "SET": self.set}
        told = ", ".join(f"{name} {'TRUE' if on else 'FALSE'}" for name, on in options.items())
        by = f" BY {self.grantor}" if self.grantor else ""
        return f"{self.role} TO {self.member} WITH {told}{by}"


@dataclass(frozen=True, slots=True)
class Privilege:
    """One entry of an access control list; the grantee `PUBLIC` is everybody."""

    privilege: str
    grantee: str
    grantor: str = ""
    grantable: bool = False


@dataclass(frozen=True, slots=True)
class Thing:
    """Something privileges are held on: `kind` is schema, table, view, sequence, function."""

    kind: str
    name: str
    owner: str
    privileges: tuple[Privilege, ...] = ()


@dataclass(frozen=True, slots=True)
class Routine:
    """A SECURITY DEFINER function: it runs as its owner. `search_path` is the one it sets."""

    name: str
    owner: str
    search_path: str | None = None
    public: bool = True


@dataclass(frozen=True, slots=True)
class DefaultPrivileges:
    """What `role` gives away on each `kind` it will make; in all schemas if `schema` is ''."""

    role: str
    kind: str
    schema: str = ""
    privileges: tuple[Privilege, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """What is in one database.

    `things` are those whose privileges go beyond their owner; `public_functions` counts, for each
    schema, functions that everybody may execute.
    """

    things: tuple[Thing, ...] = ()
    routines: tuple[Routine, ...] = ()
    defaults: tuple[DefaultPrivileges, ...] = ()
    public_functions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Database:
    """A database; `content` is None where nobody could look into it, and `reason` says why."""

    name: str
    owner: str
    connectable: bool = True
    privileges: tuple[Privilege, ...] = ()
    content: Content | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Owned:
    """How many objects a role owns in a database; those of the whole server have database ''."""

    role: str
    database: str
    count: int


@dataclass(frozen=True, slots=True)
class HbaLine:
    """A line of pg_hba.conf as the server reads it: the first that matches decides.

    `file` and `number` are where it stands; `error` says why the server cannot use it. `address`
    and `netmask` are empty for `local`.
    """

    number: int
    type: str = ""
    databases: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    address: str = ""
    netmask: str = ""
    method: str = ""
    options: tuple[str, ...] = ()
    error: str = ""
    file: str = "pg_hba.conf"

    @property
    def line(self) -> str:
        """Return it about as it is written."""
        words = [self.type, ",".join(self.databases), ",".join(self.users)]
        words += [self.address, self.netmask, self.method, *self.options]
        return " ".join(filter(None, words)) or self.error


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody connected: as which role, to which database, from where, since when."""

    pid: int
    role: str
    database: str = ""
    application: str = ""
    address: str = ""
    since: Instant | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job of pg_cron: `command` is run as whoever planted it, when `schedule` says, in UTC."""

    name: str
    schedule: str
    command: str


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """One server. `version` is server_version_num, `user` who looked.

    `administrators` are the roles that may always administer it; `humans` the roles that are
    people's, or None where nobody said: then every role that can log in may be one. `granted` are
    (account, role) that grants in force account for. `unknown` names parts that were not seen
    (`passwords`, `hba`, `owned`, `clients`) with the reason; databases carry their own. `jobs` are
    opskit's own of pg_cron, None where the administrator's database does not have it.
    """

    name: str
    version: int
    user: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    roles: tuple[Role, ...] = ()
    memberships: tuple[Membership, ...] = ()
    databases: tuple[Database, ...] = ()
    owned: tuple[Owned, ...] | None = None
    hba: tuple[HbaLine, ...] | None = None
    clients: tuple[Client, ...] | None = None
    jobs: tuple[Job, ...] | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)
    administrators: tuple[str, ...] = ()
    humans: frozenset[str] | None = None
    granted: frozenset[tuple[str, str]] = frozenset()
    production: bool = False

    def role(self, name: str) -> Role | None:
        """Return the role of this name, if there is one."""
        return next((one for one in self.roles if one.name == name), None)

    def trusted(self, role: Role) -> bool:
        """Return whether it may have every right: the bootstrap role, and administrators."""
        return role.bootstrap or role.name in self.administrators

    def may_be_human(self, name: str) -> bool:
        """Return whether a role is, as far as known, a person's."""
        role = self.role(name)
        if role is None or self.trusted(role):
            return False
        return role.login if self.humans is None else name in self.humans
