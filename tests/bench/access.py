"""How long a decision about access takes, in an office of a thousand.

    python -m tests.bench.access [ROUNDS]

1,000 people in 50 teams, 200 roles, 10,000 grants in force. `judge` is the decision by the files;
`check` adds what the records say: what is held, asked for before, and owed.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from opskit.access.judge import judge
from opskit.access.judgment import Ask, Verdict
from opskit.access.model import AccessPolicy, People, Role, Roles, Targets
from opskit.access.registry import Registry
from opskit.access.requesting import check
from opskit.access.store import grants
from opskit.access.store.tables import GRANTS
from opskit.core.clock import HOUR, Instant, SystemClock
from opskit.outside.database import Database, sqlite_url
from opskit.records import waivers as _waivers  # noqa: F401  # every table must be known
from tests.access.world import Obedient, ask, workplace

PEOPLE, TEAMS, ROLES, GRANTED = 1_000, 50, 200, 10_000


def office() -> Registry:
    people = {
        f"p{n}": {
            "name": f"P {n}", "team": f"t{n % TEAMS}", "manager": f"p{n // 10}" if n else "",
            "keys": [{"key": f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{n:A>43}"}],
        }
        for n in range(PEOPLE)
    }  # fmt: skip
    roles = {
        f"role-{n}": {
            "purpose": "One of many.", "owners": [f"t{n % TEAMS}"], "targets": [f"hosts-{n % 20}"],
            "linux": {"sudo": [{"commands": [f"/usr/bin/systemctl restart s{n}"]}]},
        }
        for n in range(ROLES)
    }  # fmt: skip
    both = [{"among": ["owners"], "at_least": 2}, {"among": ["manager", "peers"]}]
    policy = {
        "approvals": {"default": {"all_of": both}},
        "rules": [
            {"name": f"rule-{n}", "who": [f"t{n}", f"t{(n + 1) % TEAMS}"]} for n in range(TEAMS)
        ],
    }
    return Registry(
        People.model_validate_json(json.dumps({
            "people": people, "teams": {f"t{n}": {"purpose": "A team."} for n in range(TEAMS)},
        })),
        Roles.model_validate_json(json.dumps({"roles": roles})),
        Targets.model_validate_json(json.dumps({
            "targets": {f"hosts-{n}": {"kind": "linux", "hosts": f"h{n}"} for n in range(20)}
        })),
        AccessPolicy.model_validate_json(json.dumps(policy)),
    )  # fmt: skip


def planted(database: Database, files: Registry, now: int) -> None:
    def row(n: int) -> dict[str, object]:
        role: Role = files.roles.roles[f"role-{n % ROLES}"]
        return {
            "id": n + 1, "request": n + 1, "person": f"p{n % PEOPLE}", "account": f"p{n % PEOPLE}",
            "role": f"role-{n % ROLES}", "gives": role.model_dump_json(), "targets": '["hosts-0"]',
            "keys": "[]", "reason": "work", "duration": HOUR, "approved_at": now, "starts_at": now,
            "start_by": now, "state": "active", "version": 1, "ends_at": now + HOUR,
            "end_reason": "", "break_glass": 0, "reviewed_by": "", "reminded": 0,
        }  # fmt: skip

    with database.write() as connection:
        connection.execute(sa.insert(GRANTS), [row(n) for n in range(GRANTED)])
        assert len(grants.of_person(connection, "p7")) == GRANTED // PEOPLE


def timed(what: Callable[[int], object], rounds: int) -> list[float]:
    found = []
    for n in range(rounds):
        begin = time.perf_counter()
        what(n)
        found.append((time.perf_counter() - begin) * 1_000)
    return found


def shown(name: str, found: list[float]) -> None:
    ordered = sorted(found)
    p99 = ordered[int(len(ordered) * 0.99)]
    print(f"{name}: median {statistics.median(found):.3f} ms, p99 {p99:.3f} ms, n={len(found)}")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    files, clock = office(), SystemClock()
    day = datetime.now(UTC).date()

    def asked(n: int) -> Ask:
        who = f"p{n * 7 % PEOPLE}"
        team = n * 7 % PEOPLE % TEAMS
        return ask(who, f"role-{team}", targets=(f"hosts-{team % 20}",))

    with tempfile.TemporaryDirectory() as directory:
        database = Database.open(sqlite_url(Path(directory) / "opskit.db"))
        planted(database, files, Instant(clock.now()))
        work = workplace(database, clock, Obedient(clock), user="p0", files=files)
        assert check(work, asked(3)).verdict is Verdict.ASK
        shown("judge", timed(lambda n: judge(asked(n), files, day), rounds))
        shown("check", timed(lambda n: check(work, asked(n)), rounds))
        database.close()


if __name__ == "__main__":
    main()
