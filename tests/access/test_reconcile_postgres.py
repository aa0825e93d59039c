"""A real PostgreSQL: memberships and powers that nobody granted are found, taken, seen gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

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


def test_what_nobody_granted_in_a_database_is_taken_and_a_leavers_login_is_left_to_a_person(
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

    before = look(work, ["shop-db"])
    done = repair(work, before, ["shop-db"])

    assert before.unseen == ()
    assert {(one.finding.rule, one.finding.message) for one in before.found} == {
        ("PG-UNMANAGED", "mallory is a member of readers, and no grant gives it"),
        ("PG-UNMANAGED", "mallory has CREATEDB, and no grant gives it"),
        ("ACC-LEAVER", "eve left on 2026-09-30, and the role eve can log in"),
    }
    assert {one.finding.rule for one in done.settled} == {"PG-UNMANAGED"}
    assert [one.why for one in done.left] == ["ALTER ROLE eve NOLOGIN, as an administrator"]
