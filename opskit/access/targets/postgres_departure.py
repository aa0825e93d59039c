"""How a role leaves a server: its sessions end, what it owned is given away, it is dropped.

What it owned goes to a role without login or rights, made for this: functions of a leaver that run
as their owner must not run as a superuser from then on. Everything it held is revoked by DROP OWNED
with what hung on it, in every database; where one cannot be entered the role stays, without LOGIN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from opskit.access.databases import queries
from opskit.access.databases.model import DatabaseState, Role
from opskit.access.targets.kinds import Session as Connected
from opskit.access.targets.postgres_grants import HEIR, MADE
from opskit.access.targets.postgres_server import Server
from opskit.outside.dial import DialError
from opskit.outside.postgres import Session, StatementError, identifier, literal

# A session that is told to end does so at its next check for interrupts.
_LOOKS = 50
_BETWEEN_SECONDS = "0.1"


def end_sessions_of(
    server: Server, state: DatabaseState, roles: Sequence[Role]
) -> tuple[list[Connected], list[str]]:
    """End the sessions of roles; return those that ended, and what went wrong."""
    if not roles:
        return [], []
    try:
        with server.connected(read_only=True) as opened:
            return end_sessions(opened, state, roles)
    except DialError as error:
        return [], [f"sessions could not be ended: {error.reason}"]


def end_sessions(
    opened: Session, state: DatabaseState, roles: Sequence[Role]
) -> tuple[list[Connected], list[str]]:
    """Do so in a session, waiting until none is left."""
    ended: list[Connected] = []
    failed: list[str] = []
    known = {client.pid: client for client in state.clients or ()}
    for role in roles:
        try:
            told, going = _told_to_end(opened, role)
        except StatementError as error:
            failed.append(f"sessions of {role.name} go on: {error.reason}")
            continue
        if going:
            failed.append(f"sessions of {role.name} go on")
            continue
        for row in told:
            client = known.get(row["pid"])
            since = client.since if client else None
            ended.append(Connected(role.name, client.database if client else "", since))
    return ended, failed


def _told_to_end(opened: Session, role: Role) -> tuple[list[dict[str, Any]], bool]:
    """Tell all sessions of a role to end; return which those were, and whether any goes on.

    Who may still log in may be back at once: a session that began later has what the role has now.
    """
    by = opened.rows(queries.NOW, "0")[0]["now"]
    told = left = opened.rows(queries.END_SESSIONS, str(role.oid), by)
    for _ in range(_LOOKS):
        if not left:
            break
        opened.rows(queries.NOW, _BETWEEN_SECONDS)
        left = opened.rows(queries.END_SESSIONS, str(role.oid), by)
    return told, bool(left)


@dataclass
class Farewell:
    """How far a role's departure came: what to tell, and what went wrong."""

    server: Server
    role: Role
    told: list[str] = field(default_factory=list)
    failed: str = ""

    def say(self) -> None:
        """Empty the role in every database and drop it; what was done before a failure is told."""
        try:
            with self.server.connected(read_only=False) as opened:
                reason = self._leave(opened)
        except (DialError, StatementError) as error:
            reason = error.reason
        if reason:
            self.failed = f"{self.role.name} was kept without login: {reason}"

    def _leave(self, opened: Session) -> str:
        depends = opened.rows(queries.DEPENDS_IN, str(self.role.oid))
        closed = [row["database"] for row in depends if not row["connectable"]]
        if closed:
            return (
                f"it owns or holds something in {', '.join(closed)}, which accepts no connections"
            )
        if depends:
            _have_heir(opened)
            # What belongs to no database (a database itself, a tablespace) goes with any of them.
            for name in dict.fromkeys([*(row["database"] for row in depends), ""]):
                with self.server.connected(name, read_only=False) as inside:
                    self.told += _emptied(inside, self.role)
            self.told.append(f"what {self.role.name} owned belongs to {HEIR} now")
        opened.run(f"DROP ROLE {identifier(self.role.name)}")
        return ""


def _emptied(inside: Session, role: Role) -> list[str]:
    """Empty a role in one database; return who loses what it had given on."""
    lost = inside.rows(queries.GIVEN_ON, str(role.oid))
    with inside.transaction():
        inside.run(f"REASSIGN OWNED BY {identifier(role.name)} TO {identifier(HEIR)}")
        inside.run(f"DROP OWNED BY {identifier(role.name)}")
    return [
        f"{row['grantee']} lost {row['privilege']} on {row['thing']} as well: "
        f"{role.name} had given it on"
        for row in lost
    ]


def _have_heir(opened: Session) -> None:
    """Make the role that takes over, unless it is there and was made for this.

    Raises:
        StatementError: there is another role of this name.
    """
    query = (
        "SELECT coalesce(shobj_description(oid, 'pg_authid'), '') AS comment,"
        " rolsuper OR rolcanlogin AS strong FROM pg_roles WHERE rolname = $1"
    )
    found = opened.rows(query, HEIR)
    if found and (MADE not in found[0]["comment"] or found[0]["strong"]):
        message = f"role {HEIR} is not the one opskit makes for what leavers owned"
        raise StatementError(message, "")
    if not found:
        with opened.transaction():
            opened.run(f"CREATE ROLE {identifier(HEIR)} NOLOGIN")
            opened.run(f"COMMENT ON ROLE {identifier(HEIR)} IS {literal(MADE)}")
