"""Thirteen months of a large shop, planted straight into opskit's own tables.

1,000 services looked at each minute, 90,000 grants and 10,000 runs, 1,000,000 ledger entries whose
chain holds. The same each time. It is written by SQL: the verbs would take hours, and what reads it
cannot tell the difference.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from opskit.core.calendar import month
from opskit.core.clock import DAY, HOUR, MINUTE, SECOND, FrozenClock, Instant
from opskit.core.interval import Interval
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.store import targets
from opskit.outside.database import Database, sqlite_url
from opskit.records.ledger import GENESIS, Ledger, canonical, entry_hash

ZONE = ZoneInfo("Europe/Berlin")
MONTHS = tuple(month(2025 + (9 + n) // 12, (9 + n) % 12 + 1, ZONE) for n in range(13))
WHOLE = Interval(MONTHS[0].start, MONTHS[-1].end)
REPORTED = "2026-10"
SERVICES, GRANTS, RUNS, HOSTS, ENTRIES = 1_000, 90_000, 10_000, 20, 1_000_000

Note = tuple[int, str, str, str, str]


@dataclass
class Notes:
    """What goes into the ledger, told in any order: (at, actor, kind, subject, data)."""

    told: list[Note]

    def note(self, at: int, kind: str, subject: str, data: dict[str, object]) -> int:
        """Write one down and return its number, for now."""
        self.told.append((at, "opskit", kind, subject, canonical(data)))
        return len(self.told) - 1


def lay_out(
    root: Path, *, services: int = SERVICES, grants: int = GRANTS, runs: int = RUNS,
    entries: int = ENTRIES,
) -> Path:  # fmt: skip
    """Write an ops repository with such a past; return its directory."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "opskit.yaml").write_text(
        f"timezone: {ZONE.key}\ndatabase: {sqlite_url(_path(root))}\n"
    )
    catalogue = _catalogue(services)
    (root / "services.yaml").write_text(json.dumps(catalogue))
    database = Database.open(sqlite_url(_path(root)))
    parsed = Catalogue.model_validate_json(json.dumps(catalogue), strict=True)
    with database.write() as connection:
        at = Instant(WHOLE.start)
        targets.sync(connection, Ledger(FrozenClock(at), "bench"), parsed.targets())
    database.close()
    names = [one.id for one in parsed.targets()]
    with sqlite3.connect(_path(root)) as plain:
        plain.executescript("PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF;")
        _plant(plain, names, (grants, runs, entries))
    plain.close()
    return root


def _path(root: Path) -> Path:
    return root / "opskit.db"


def _catalogue(services: int) -> dict[str, object]:
    probe = {"kind": "http", "url": "http://h/", "interval": "60s"}
    return {
        "services": {
            f"s{n}": {"owner": f"t{n % 50}", "objective": {"availability": "99.9%"},
                      "probes": [probe]}
            for n in range(services)
        }
    }  # fmt: skip


def _plant(connection: sqlite3.Connection, names: list[str], sizes: tuple[int, int, int]) -> None:
    grants, runs, entries = sizes
    chance, notes = random.Random(1), Notes([])
    _look(connection, chance, names, notes)
    held = list(_grants(chance, grants, notes))
    ran = list(_runs(chance, runs, notes))
    episodes = list(_episodes(chance, ran, notes))
    for _ in range(entries - len(names) - len(notes.told)):
        at = WHOLE.start + chance.randrange(WHOLE.length)
        notes.note(at, "delivery.sent", f"m{len(notes.told)}", {"channel": "mail"})
    numbers = _chain(connection, notes)
    _write_access(connection, held)
    _write_fleet(connection, ran, episodes, numbers)


# Looks


def _look(
    connection: sqlite3.Connection, chance: random.Random, names: list[str], notes: Notes
) -> None:
    every = 60 * SECOND
    for number, name in enumerate(names, 1):
        rows, at = [], WHOLE.start + 30 * SECOND
        for moment in sorted(chance.randrange(*_ends()) for _ in range(40)):
            slot = at + (moment - at) // every * every
            if slot <= at + 2 * every:
                continue
            length = every * int(1 + chance.expovariate(1 / 12))
            rows.append((number, at, slot - every, every, "up", ""))
            rows.append((number, slot, slot + length, every, "down", "timed out"))
            for moved, seen in ((slot, "down"), (slot + length + every, "up")):
                notes.note(moved, "target.flipped", name, {"to": seen, "since": moved})
            at = slot + length + every
        last = (at, WHOLE.end + DAY, every, "up", "")
        first = (number, name, "", WHOLE.start + 30 * SECOND, every)
        connection.execute("INSERT INTO monitor_series VALUES (?,?,?,?,?,?,?,?,?,?)", first + last)
        connection.executemany("INSERT INTO monitor_spells VALUES (?,?,?,?,?,?,0,NULL)", rows)
    for at in range(WHOLE.start, WHOLE.end, HOUR):
        data = {"since": at, "until": at + HOUR, "spells": 1_000, "digest": "0" * 64}
        notes.note(at + HOUR, "observations.sealed", "monitor", data)
    connection.execute(
        "UPDATE monitor_state SET alive_at = ?, sealed_until = ?", (WHOLE.end + DAY, WHOLE.end)
    )


def _ends() -> tuple[int, int]:
    return WHOLE.start + HOUR, WHOLE.end - DAY


# Access


@dataclass(frozen=True)
class _Grant:
    number: int
    asked: int
    usable: int
    ends: int
    gone: int


def _grants(chance: random.Random, count: int, notes: Notes) -> Iterator[_Grant]:
    times = sorted(chance.randrange(*_ends()) for _ in range(count))
    for number, asked in enumerate(times, 1):
        usable = asked + int(chance.lognormvariate(0, 1.2) * HOUR)
        ends = usable + 8 * HOUR
        gone = ends + (30 * MINUTE if chance.random() < 0.03 else 5 * SECOND)
        request, grant = f"r{number}", f"g{number}"
        notes.note(asked, "request.created", request, {"role": "deploy"})
        notes.note(asked, "request.submitted", request, {})
        notes.note(usable - MINUTE, "request.approved", request, {})
        notes.note(usable - MINUTE, "grant.created", grant, {"request": request})
        notes.note(usable, "grant.activated", grant, {"places": ["h1"]})
        notes.note(ends, "grant.expired", grant, {})
        data = {"grant": grant, "desired": "absent"}
        notes.note(gone, "target.verified", "h1", dict(data))
        yield _Grant(number, asked, usable, ends, gone)


_ROLE = json.dumps({
    "purpose": "One of many.", "owners": ["t1"], "targets": ["hosts"], "max_duration": "8h",
    "linux": {"sudo": [{"commands": ["/usr/bin/systemctl restart shop"]}]},
})  # fmt: skip


def _write_access(connection: sqlite3.Connection, held: list[_Grant]) -> None:
    def request(one: _Grant) -> dict[str, object]:
        return {
            "id": one.number, "requester": f"p{one.number % 500}",
            "beneficiary": f"p{one.number % 500}", "role": "deploy", "targets": '["hosts"]',
            "duration": 8 * HOUR, "reason": "a release", "ticket": "", "break_glass": 0,
            "need": "", "created_at": one.asked, "state": "approved", "version": 4,
            "policy_version": "1", "judgment": "{}", "check_hash": "",
            "closed_at": one.usable - MINUTE,
        }  # fmt: skip

    def grant(one: _Grant) -> dict[str, object]:
        return {
            "id": one.number, "request": one.number, "person": f"p{one.number % 500}",
            "account": "a", "role": "deploy", "gives": _ROLE, "targets": '["hosts"]',
            "keys": "[]", "reason": "a release", "duration": 8 * HOUR,
            "approved_at": one.usable - MINUTE, "starts_at": one.asked, "start_by": one.ends,
            "state": "revoked", "version": 4, "provisioned_at": one.usable,
            "usable_at": one.usable, "ends_at": one.ends, "ended_at": one.gone,
            "end_reason": "its time is over", "break_glass": 0, "reviewed_by": "", "reminded": 0,
        }  # fmt: skip

    def place(one: _Grant) -> dict[str, object]:
        return {
            "grant_id": one.number, "place": "h1", "target": "hosts", "kind": "linux",
            "desired": "absent", "revision": 2, "observed": "absent", "enforced_by": "none",
            "observed_at": one.gone, "absent_at": one.gone, "reason": "", "parts": "[]",
            "attempts": 1,
        }  # fmt: skip

    for table, row in (
        ("access_requests", request), ("access_grants", grant), ("access_places", place),
    ):  # fmt: skip
        _insert(connection, table, [row(one) for one in held])


def _insert(connection: sqlite3.Connection, table: str, rows: list[dict[str, object]]) -> None:
    if rows:
        names = ", ".join(f'"{name}"' for name in rows[0])
        marks = ", ".join(f":{name}" for name in rows[0])
        connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


# Hosts


@dataclass(frozen=True)
class _Run:
    name: str
    at: int
    notes: tuple[int, int]
    drifted: int


def _runs(chance: random.Random, count: int, notes: Notes) -> Iterator[_Run]:
    for number in range(count):
        at = WHOLE.start + HOUR + number * ((WHOLE.length - DAY) // max(1, count))
        name = f"run-{number}"
        told = (
            notes.note(at, "run.started", name, {"mode": "check"}),
            notes.note(at + MINUTE, "run.finished", name, {"hosts": HOSTS}),
        )
        yield _Run(name, at, told, int(chance.random() * 3))


@dataclass(frozen=True)
class _Episode:
    host: str
    found: int
    fixed: int
    notes: tuple[int, int]


def _episodes(chance: random.Random, ran: list[_Run], notes: Notes) -> Iterator[_Episode]:
    for one in ran:
        for number in range(one.drifted):
            host = f"h{(int(chance.random() * HOSTS) + number) % HOSTS}"
            fixed = one.at + DAY // 2
            told = (
                notes.note(one.at + MINUTE, "drift.detected", host, {"run": one.name}),
                notes.note(fixed, "drift.fixed", host, {"run": one.name}),
            )
            yield _Episode(host, one.at + MINUTE, fixed, told)


def _write_fleet(
    connection: sqlite3.Connection, ran: list[_Run], episodes: list[_Episode], numbers: list[int]
) -> None:
    _insert(connection, "fleet_runs", [
        {
            "id": one.name, "mode": "check", "state": "finished", "standard": "standard.yml",
            "actor": "timer", "started_at": one.at, "finished_at": one.at + MINUTE,
            "owner_node": "n", "owner_pid": 1, "owner_started": 0.0,
            "started_seq": numbers[one.notes[0]], "finished_seq": numbers[one.notes[1]],
            "whole": 1, "problem": "", "provenance": _PROVENANCE,
        }
        for one in ran
    ])  # fmt: skip
    connection.executemany(
        "INSERT INTO fleet_hosts VALUES (?, ?, ?, '', 0, 0)",
        (
            (one.name, f"h{n}", "drifted" if n < one.drifted else "compliant")
            for one in ran
            for n in range(HOSTS)
        ),
    )
    _insert(connection, "fleet_episodes", [
        {
            "host": one.host, "path": "standard.yml", "task": "The banner is shown", "item": "",
            "control": "OPS-1", "severity": "low", "last_good_at": one.found - DAY,
            "detected_at": one.found, "detected_seq": numbers[one.notes[0]],
            "fixed_at": one.fixed, "fixed_seq": numbers[one.notes[1]],
        }
        for one in episodes
    ])  # fmt: skip


_PROVENANCE = "{}"


# The chain


def _chain(connection: sqlite3.Connection, notes: Notes) -> list[int]:
    """Write the ledger; return the entry number of each note."""
    seq, previous = connection.execute("SELECT seq, hash FROM ledger_head").fetchone()
    order = sorted(range(len(notes.told)), key=lambda index: notes.told[index][0])
    numbers = [0] * len(order)

    def rows() -> Iterator[tuple[object, ...]]:
        nonlocal seq, previous
        for index in order:
            seq += 1
            at, actor, kind, subject, data = notes.told[index]
            digest = entry_hash((previous or GENESIS, seq, at, actor, kind, subject, data))
            yield (seq, at, actor, kind, subject, data, previous, digest)
            numbers[index], previous = seq, digest

    connection.executemany("INSERT INTO ledger VALUES (?,?,?,?,?,?,?,?)", rows())
    connection.execute("UPDATE ledger_head SET seq = ?, hash = ?", (seq, previous))
    return numbers
