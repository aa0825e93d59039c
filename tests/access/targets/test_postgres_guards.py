"""Names, servers and orders that mean harm, or nothing: a real PostgreSQL is kept from them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from opskit.access.databases.model import DatabaseState
from opskit.access.targets.kinds import EnforcedBy, Placement, Presence, Sight, Unmanaged
from opskit.core.errors import ConfigError
from tests.access.databases.place import ADMINISTRATOR, Place, order, placed
from tests.monitor.servers import Answer, Server, drip, garbage, silence
from tests.rig import postgres as postgresql
from tests.rig.plugin import require


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    require(postgresql.available())
    with placed(tmp_path_factory.mktemp("place")) as here:
        yield here


def carried_out(place: Place, *present: Placement, **more: Any) -> Any:
    answer = place.kind().carry_out([order(*present, **more)])["shop-db"]
    assert answer.sight.reached, answer.sight.reason
    return answer


def seen(place: Place, *placements: Placement) -> Sight:
    return place.kind().observe(["shop-db"], {"shop-db": placements})["shop-db"]


HOSTILE = (
    'a"; DROP ROLE readers; --',
    "o'brien",
    "back\\slash",
    "Ünï→cödé",
    "$$",
    "%s",
    "all",
    "a b",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_a_name_whatever_it_holds(place: Place, name: str) -> None:
    grant = place.placement("g23", "plain")
    grant = replace(grant, account=name, person=name)
    answer = carried_out(place, grant)
    assert (answer.refused, answer.failed) == ("", "")
    made = {role for (role,) in place.ask("SELECT rolname FROM pg_roles")}
    assert {name, "readers"} <= made
    answer = carried_out(place, absent=(grant,), end=(name,))
    assert (answer.failed, answer.sight.standings["g23"].presence) == ("", Presence.ABSENT)
    assert {role for (role,) in place.ask("SELECT rolname FROM pg_roles")} == made - {name}


@pytest.mark.parametrize("name", ["", "x" * 64, "zero\0byte"])
def test_a_name_that_the_server_would_cut_is_refused(place: Place, name: str) -> None:
    grant = replace(place.placement("g24", "plain"), account=name)
    answer = place.kind().carry_out([order(grant)])["shop-db"]
    assert "is no name of a role" in answer.refused


def test_a_server_s_own_words_are_not_taken_from_who_may_write_in_it(place: Place) -> None:
    """What a user puts in the place of the system's functions is not run as the administrator."""
    place.run(
        "CREATE TABLE caught (who text)",
        "CREATE FUNCTION public.coalesce_trap() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO caught VALUES (current_user); RETURN NEW; END $$",
        "CREATE FUNCTION public.shobj_description(oid, text) RETURNS text LANGUAGE sql AS"
        " $$ SELECT 'trapped'::text $$",
        "CREATE FUNCTION public.pg_terminate_backend(int) RETURNS bool LANGUAGE sql AS"
        " $$ SELECT true $$",
        "ALTER ROLE opskit SET search_path = public, pg_catalog",
    )
    try:
        grant = place.placement("g25", "yul")
        carried_out(place, grant)
        state = seen(place).state
        assert isinstance(state, DatabaseState)
        assert all("trapped" not in role.comment for role in state.roles)
        with place.connect("yul", place.password("yul")) as session:
            carried_out(place, absent=(grant,))
            with pytest.raises(psycopg.OperationalError):
                session.execute("SELECT 1")
    finally:
        place.run(
            "ALTER ROLE opskit RESET search_path",
            "DROP FUNCTION public.shobj_description(oid, text)",
            "DROP FUNCTION public.pg_terminate_backend(int)",
            "DROP FUNCTION public.coalesce_trap()",
        )


def test_an_administrator_who_is_no_superuser_says_what_it_could_not_see(place: Place) -> None:
    place.run("CREATE ROLE helper LOGIN CREATEROLE")
    (place.root / "helper").write_text(place.password("helper"))
    (place.root / "helper").chmod(0o600)
    kind = place.kind(user="helper", password_file="helper")
    state = kind.observe(["shop-db"], {})["shop-db"].state
    assert isinstance(state, DatabaseState)
    assert (state.hba, set(state.unknown)) == (None, {"hba", "passwords"})
    assert "permission denied" in state.unknown["hba"]
    grant = place.placement("g26", "zoe")
    answer = kind.carry_out([order(grant)])["shop-db"]
    assert answer.failed == ""
    # Without pg_hba.conf nobody knows whether VALID UNTIL means anything.
    assert answer.sight.standings["g26"].parts[0].enforced_by is EnforcedBy.NONE
    place.run("DROP OWNED BY helper", "DROP ROLE helper")


@pytest.mark.parametrize(
    ("account", "role", "says"),
    [
        (ADMINISTRATOR, "readers", "is never touched"),
        ("rob", "nowhere", "there is no role nowhere"),
        ("rob", "rob2", "can log in itself"),
        ("sleeper", "readers", "not opskit that said so"),
    ],
)
def test_an_order_that_cannot_be_is_refused_and_changes_nothing(
    place: Place, account: str, role: str, says: str
) -> None:
    for name, can in (("rob2", "LOGIN"), ("sleeper", "NOLOGIN")):
        if not place.ask(f"SELECT 1 FROM pg_roles WHERE rolname = '{name}'"):
            place.run(f"CREATE ROLE {name} {can}")
    answer = carried_out(place, place.placement("g19", account, "readers", role))
    assert says in answer.refused
    assert place.ask("SELECT 1 FROM pg_roles WHERE rolname = 'rob'") == []


def test_the_last_administrator_but_one_is_not_taken(place: Place) -> None:
    place.run("CREATE ROLE boss SUPERUSER LOGIN", "CREATE ROLE sam LOGIN", "GRANT boss TO sam")
    found = [one for one in seen(place).unmanaged if one.account == "boss"]
    assert found == [Unmanaged("attribute", "boss SUPERUSER", "boss", "SUPERUSER")]
    answer = place.kind().remove({"shop-db": found})["shop-db"]
    assert "could administer shop-db" in answer.refused
    assert place.ask("SELECT rolsuper FROM pg_roles WHERE rolname = 'boss'") == [(True,)]
    place.run("CREATE ROLE second SUPERUSER LOGIN")
    try:
        answer = place.kind().remove({"shop-db": found})["shop-db"]
        assert (answer.refused, answer.failed) == ("", "")
        assert place.ask("SELECT rolsuper FROM pg_roles WHERE rolname = 'boss'") == [(False,)]
    finally:
        place.run("DROP ROLE second", "DROP ROLE sam", "DROP ROLE boss")


def test_a_server_that_is_not_there_is_not_reached_and_the_other_is(place: Place) -> None:
    here = place.kind()
    targets = {**here.targets, "gone": place.target(address="127.0.0.1:1")}
    both = type(here)(targets, here.root, here.clock, here.given)
    sights = both.observe(["gone", "shop-db"], {})
    assert (sights["gone"].reached, sights["shop-db"].reached) == (False, True)
    assert "refused" in sights["gone"].reason.lower()
    grant = place.placement("g21", "vic")
    answer = both.carry_out([type(order())("gone", (grant,))])["gone"]
    assert (answer.sight.reached, answer.sight.standings) == (False, {})
    assert answer.failed


@pytest.mark.parametrize("says", [silence, garbage, drip])
def test_a_server_that_is_none_is_not_reached(place: Place, says: Answer) -> None:
    with Server(says) as server:
        kind = replace(
            place.kind(), seconds=0.3, targets={"x": place.target(address=server.address)}
        )
        sight = kind.observe(["x"], {})["x"]
    assert (sight.reached, bool(sight.reason)) == (False, True)


def test_a_server_s_port_is_postgresql_s_own_unless_it_is_named(place: Place) -> None:
    kind = replace(place.kind(), targets={"x": place.target(address="nowhere.invalid")})
    assert "nowhere.invalid cannot be resolved" in kind.observe(["x"], {})["x"].reason


def test_the_administrator_s_password_is_nowhere_to_be_seen(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "hunter2-Tr0ub4dor"
    (place.root / "wrong").write_text(secret)
    (place.root / "wrong").chmod(0o600)
    with caplog.at_level(logging.DEBUG):
        kind = place.kind(password_file="wrong")
        sight = kind.observe(["shop-db"], {})["shop-db"]
    assert "password authentication failed" in sight.reason
    assert secret not in repr((sight, kind, caplog.text))
    (place.root / "wrong").chmod(0o644)
    assert "can be read by anybody" in kind.observe(["shop-db"], {})["shop-db"].reason


def test_without_the_driver_it_says_what_to_install(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError) as caught:
        place.kind().observe(["shop-db"], {})
    assert "opskit[postgres]" in caught.value.hint


def test_a_database_is_looked_into_whatever_it_is_called(place: Place) -> None:
    name = "it's \\ a=b dbname"
    place.run(f'CREATE DATABASE "{name}"')
    try:
        state = seen(place).state
    finally:
        place.run(f'DROP DATABASE "{name}"')
    assert isinstance(state, DatabaseState)
    (found,) = [one for one in state.databases if one.name == name]
    assert (found.reason, found.content is None) == ("", False)
