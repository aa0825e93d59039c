"""An office in which alice operates nginx, a grant of hers, and logs of its use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from opskit.access.deciding import Word, decide
from opskit.access.hosts.publickeys import public_key
from opskit.access.logfiles import Read
from opskit.access.loglines import Login, Ran, Said
from opskit.access.registry import Registry
from opskit.access.requesting import request
from opskit.access.settling import start_now
from opskit.access.store import grants, usage
from opskit.access.store.grants import Grant
from opskit.access.usage import Recorded, record
from opskit.core.clock import Instant
from opskit.core.interval import Interval
from tests.access.world import OFFICE, World, ask, registry
from tests.conftest import CASES

LOGS = CASES / "access" / "usage"
COMMANDS = (
    "/usr/bin/systemctl restart nginx",
    "/usr/bin/systemctl status *",
    "/usr/bin/cat /var/log/nginx/error.log",
)


def office(commands: Sequence[str] = COMMANDS, key: str = "", **role: object) -> Registry:
    """Return the office with other commands for who operates nginx, and a real key of alice's."""
    roles: Mapping[str, Any] = yaml.safe_load((OFFICE / "roles.yaml").read_text())["roles"]
    people: Mapping[str, Any] = yaml.safe_load((OFFICE / "people.yaml").read_text())["people"]
    own = {"key": key or (LOGS / "alice.pub").read_text().strip()}
    operator = {
        **roles["nginx-operator"], "linux": {"sudo": [{"commands": list(commands)}]}, **role,
    }  # fmt: skip
    return registry(
        roles={"roles": {**roles, "nginx-operator": operator}},
        people={"people": {**people, "alice": {**people["alice"], "keys": [own]}}},
    )


def granted(world: World, **values: object) -> Grant:
    """Return a grant of alice's on web1 and web2, in force."""
    one = request(world.as_("alice"), ask(**values)).request  # type: ignore[arg-type]  # its fields
    decided = decide(world.as_("bob"), one.id, Word("bob", "approve"))
    assert decided.grant is not None
    start_now(world.as_("bob"), decided.grant)
    with world.database.read() as connection:
        return grants.one(connection, decided.grant.id)


def uses(world: World, number: int = 1) -> dict[tuple[str, str], int]:
    """Return how often a grant was used, by host and what for."""
    with world.database.read() as connection:
        found = usage.of_grant(connection, number)
    return {(one.place, one.what): one.times for one in found}


def fingerprint() -> str:
    """Return how alice's key is called in logs."""
    return public_key((LOGS / "alice.pub").read_text()).fingerprint


def logged(
    world: World, start: int, end: int, *, host: str = "web1", ran: Sequence[tuple[int, str]] = ()
) -> Recorded:
    """Write what the logs of a host said from start to end: a login of root's, and commands."""
    events: list[Said] = [Login(Instant(start), "root", "SHA256:operator")]
    events += [Ran(Instant(at), "alice", "root", what) for at, what in ran]
    read = Read(host, events, programs={"sshd", "sudo"})
    read.covers(Interval(Instant(start), Instant(end)))
    return record(world.as_("bob"), [read])[0]


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
