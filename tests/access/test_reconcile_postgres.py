"""A real PostgreSQL: memberships and powers that nobody granted are found, taken, seen gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest

from opskit.access.reconcile import look
from opskit.access.repair import repair
from opskit.core.clock import FrozenClock
from opskit.outside.database import Database
from tests.access.databases.place import Place, placed
from tests.access.town import Town, keyed
from tests.access.world import World
from tests.rig import postgres as postgresql
from tests.rig.plugin import require


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    require(postgresql.available())
    with placed(tmp_path_factory.mktemp("place")) as here:
        yield here


def test_what_nobody_granted_in_a_database_is_taken_and_a_leaver_cannot_log_in_any_more(
    place: Place, database: Database, clock: FrozenClock
) -> None:
    place.run("CREATE ROLE mallory LOGIN CREATEDB IN ROLE readers", "CREATE ROLE eve LOGIN")
    target = {"kind": "postgres", "address": "127.0.0.1:1"}
    files = keyed(
        targets={"targets": {"shop-db": target, "web": target, "staging": target}},
        roles={"roles": {}},
        policy={"rules": [], "break_glass": None, "separation": []},
    )
    work = replace(
        World(database, clock, Town(clock), files).as_("bob"),
        kind=lambda _: place.kind(),
        places=lambda _: ("shop-db",),
    )

    password = place.password("eve")
    before = look(work, ["shop-db"])
    with closing(place.connect("eve", password)) as session:
        done = repair(work, before, ["shop-db"])
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")

    assert before.unseen == ()
    assert {(one.finding.rule, one.finding.message) for one in before.found} == {
        ("PG-UNMANAGED", "mallory is a member of readers, and no grant gives it"),
        ("PG-UNMANAGED", "mallory has CREATEDB, and no grant gives it"),
        ("ACC-LEAVER", "eve left on 2026-09-30, and the role eve can log in"),
    }
    assert {one.finding.rule for one in done.settled} == {"PG-UNMANAGED", "ACC-LEAVER"}
    assert done.left == ()
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        place.connect("eve", password)
