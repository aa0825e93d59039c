"""Access to a real PostgreSQL is given, ends, is taken, and is proven to be gone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from opskit.access.databases.model import DatabaseState
from opskit.access.targets.kinds import EnforcedBy, Placement, Presence, Sight
from opskit.core.clock import DAY, HOUR, SECOND, Instant
from tests.access.databases.place import ADMINISTRATOR, HBA, Place, order, placed
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


def roles_of(place: Place, account: str) -> list[str]:
    query = (
        "SELECT g.rolname FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid"
        f" JOIN pg_roles m ON m.oid = a.member WHERE m.rolname = '{account}' ORDER BY 1"
    )
    return [name for (name,) in place.ask(query)]


def refused(place: Place, account: str, password: str) -> str:
    with pytest.raises(psycopg.OperationalError) as caught:
        place.connect(account, password)
    return str(caught.value)


def test_what_is_given_works_and_what_is_taken_ends_at_once(place: Place) -> None:
    grant = place.placement("g1", "alice")
    answer = carried_out(place, grant)
    assert (answer.failed, answer.refused) == ("", "")
    assert answer.sight.standings["g1"].presence is Presence.PRESENT
    password = place.password("alice")
    with place.connect("alice", password) as session:
        session.execute("SET ROLE readers")  # which outlives the membership
        assert session.execute("SELECT count(*) FROM orders").fetchone() == (0,)
        answer = carried_out(place, absent=(grant,))
        assert answer.sight.standings["g1"].presence is Presence.ABSENT
        assert [one.account for one in answer.ended] == ["alice"]
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT count(*) FROM orders")
    assert "not permitted to log in" in refused(place, "alice", password)
    assert roles_of(place, "alice") == []
    again = carried_out(place, absent=(grant,))
    assert again.sight.standings["g1"].presence is Presence.ABSENT
    assert (again.failed, again.ended) == ("", ())


def test_a_grant_that_comes_back_finds_its_role_and_password(place: Place) -> None:
    grant = place.placement("g2", "bea")
    carried_out(place, grant)
    password = place.password("bea")
    carried_out(place, absent=(grant,))
    carried_out(place, grant)
    with place.connect("bea", password) as session:
        assert session.execute("SELECT count(*) FROM orders").fetchone() == (0,)


def test_carrying_out_twice_changes_nothing_more(place: Place) -> None:
    grant = place.placement("g3", "carl")
    carried_out(place, grant)
    before = place.ask("SELECT xmin::text FROM pg_authid WHERE rolname = 'carl'")
    carried_out(place, grant)
    assert place.ask("SELECT xmin::text FROM pg_authid WHERE rolname = 'carl'") == before


def test_a_new_role_can_nothing_but_log_in(place: Place) -> None:
    carried_out(place, place.placement("g4", "dora"))
    state = seen(place).state
    assert isinstance(state, DatabaseState)
    role = state.role("dora")
    assert role is not None
    assert (role.attributes, role.login, role.password.value) == ((), True, "none")


def test_what_another_grant_gives_stays(place: Place) -> None:
    first = place.placement("g5", "emil", "readers", "writers")
    second = place.placement("g6", "emil", until=Instant(place.clock.now() + 2 * DAY))
    carried_out(place, first, second)
    answer = carried_out(place, second, absent=(first,))
    assert answer.sight.standings["g5"].presence is Presence.ABSENT
    assert answer.sight.standings["g6"].presence is Presence.PRESENT
    assert roles_of(place, "emil") == ["readers"]
    carried_out(place, absent=(first, second))
    assert roles_of(place, "emil") == []


def test_a_session_does_not_keep_a_role_that_its_account_lost(place: Place) -> None:
    """Another grant keeps the account, but the session had become the role that is taken."""
    first, second = place.placement("g27", "abe", "writers"), place.placement("g28", "abe")
    carried_out(place, first, second)
    password = place.password("abe")
    with place.connect("abe", password) as session:
        session.execute("SET ROLE writers")
        answer = carried_out(place, second, absent=(first,))
        assert [one.account for one in answer.ended] == ["abe"]
        with pytest.raises(psycopg.OperationalError):
            session.execute("INSERT INTO orders VALUES (1)")
    with place.connect("abe", password) as session:
        assert session.execute("SELECT count(*) FROM orders").fetchone() == (0,)


def test_the_account_ends_with_the_latest_of_its_grants(place: Place) -> None:
    now = place.clock.now()
    early = place.placement("g7", "fay", until=Instant(now + HOUR))
    late = place.placement("g8", "fay", "writers", until=Instant(now + 3 * HOUR))
    answer = carried_out(place, early, late)
    end = Instant((now + 3 * HOUR) // SECOND * SECOND)
    login = answer.sight.standings["g7"].parts[0]
    assert (login.what, login.enforced_by) == ("login role fay", EnforcedBy.ACCOUNT)
    assert login.fence_until == end
    answer = carried_out(place, early, absent=(late,))
    assert answer.sight.standings["g7"].parts[0].fence_until == end - 2 * HOUR


def test_nothing_on_the_server_ends_a_membership(place: Place) -> None:
    standing = carried_out(place, place.placement("g9", "gus")).sight.standings["g9"]
    assert standing.parts[1].enforced_by is EnforcedBy.NONE
    assert (standing.enforced_by, standing.fence_until) == (EnforcedBy.NONE, None)


def test_a_password_that_is_past_its_time_is_refused(place: Place) -> None:
    carried_out(place, place.placement("g10", "hal", until=Instant(place.clock.now() - HOUR)))
    assert "password authentication failed" in refused(place, "hal", place.password("hal"))


@pytest.mark.parametrize("line", ["local all all peer", "host all hans 10.0.0.0/8 trust"])
def test_no_expiry_is_claimed_where_a_password_is_not_asked_for(place: Place, line: str) -> None:
    place.hba(f"local all {ADMINISTRATOR} trust\n{line}\n{HBA}")
    try:
        login = carried_out(place, place.placement("g11", "hans")).sight.standings["g11"].parts[0]
    finally:
        place.hba(HBA)
    assert (login.presence, login.enforced_by) == (Presence.PRESENT, EnforcedBy.NONE)


def test_a_role_of_somebody_else_keeps_its_login_and_its_time(place: Place) -> None:
    place.run("CREATE ROLE ida LOGIN VALID UNTIL '2030-01-01'", "COMMENT ON ROLE ida IS 'ours'")
    before = place.ask("SELECT rolvaliduntil FROM pg_roles WHERE rolname = 'ida'")
    grant = place.placement("g12", "ida")
    answer = carried_out(place, grant)
    assert [part.what for part in answer.sight.standings["g12"].parts] == ["ida in readers"]
    answer = carried_out(place, absent=(grant,))
    assert answer.sight.standings["g12"].presence is Presence.ABSENT
    query = "SELECT rolvaliduntil FROM pg_roles WHERE rolname = 'ida' AND rolcanlogin"
    assert place.ask(query) == before
    answer = carried_out(place, absent=(grant,), end=("ida",))
    assert place.ask(query) == []
    assert place.ask("SELECT shobj_description('ida'::regrole, 'pg_authid')") == [
        ("ours [opskit: login taken]",)
    ]
    assert carried_out(place, grant).refused == ""
    assert place.ask("SELECT shobj_description('ida'::regrole, 'pg_authid')") == [("ours",)]


def test_a_leaver_is_gone_with_what_they_owned_in_two_databases(place: Place) -> None:
    grant = place.placement("g13", "jan")
    carried_out(place, grant)
    for database in ("shop", "stock"):
        place.run(
            "CREATE SCHEMA jan AUTHORIZATION jan",
            "CREATE TABLE jan.notes (id int)",
            "ALTER TABLE jan.notes OWNER TO jan",
            "CREATE FUNCTION jan.run() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'",
            "ALTER FUNCTION jan.run() OWNER TO jan",
            database=database,
        )
    answer = carried_out(place, absent=(grant,), end=("jan",))
    assert (answer.failed, answer.refused) == ("", "")
    assert answer.sight.standings["g13"].presence is Presence.ABSENT
    assert place.ask("SELECT 1 FROM pg_roles WHERE rolname = 'jan'") == []
    assert answer.told == ("what jan owned belongs to opskit_leavers now",)
    # Not to a superuser, as whom the function would run from now on.
    query = "SELECT proowner::regrole::text FROM pg_proc WHERE proname = 'run'"
    assert place.ask(query, "stock") == [("opskit_leavers",)]


def test_a_database_that_lets_nobody_in_keeps_the_role_but_not_its_login(place: Place) -> None:
    grant = place.placement("g14", "kim")
    carried_out(place, grant)
    place.run("CREATE DATABASE closed", "CREATE TABLE t ()")
    place.run("CREATE TABLE t ()", "ALTER TABLE t OWNER TO kim", database="closed")
    place.run("DROP TABLE t", "ALTER DATABASE closed ALLOW_CONNECTIONS false")
    answer = carried_out(place, absent=(grant,), end=("kim",))
    assert "closed, which accepts no connections" in answer.failed
    assert answer.sight.standings["g14"].presence is Presence.ABSENT
    state = seen(place).state
    assert isinstance(state, DatabaseState)
    (closed,) = [one for one in state.databases if one.name == "closed"]
    assert (closed.content, closed.reason) == (None, "it accepts no connections")
    place.run("ALTER DATABASE closed ALLOW_CONNECTIONS true")
    assert carried_out(place, absent=(grant,), end=("kim",)).failed == ""
    assert place.ask("SELECT 1 FROM pg_roles WHERE rolname = 'kim'") == []
    place.run("DROP DATABASE closed")


def test_what_was_given_on_goes_with_it_and_is_told(place: Place) -> None:
    grant = place.placement("g15", "lea")
    carried_out(place, grant)
    place.run("CREATE ROLE mia LOGIN", "GRANT readers TO lea WITH ADMIN OPTION")
    password = place.password("lea")
    with place.connect("lea", password) as session:
        session.execute("GRANT readers TO mia WITH ADMIN OPTION")
    answer = carried_out(place, absent=(grant,))
    assert answer.told == ("mia lost readers as well: lea had given it on",)
    assert (roles_of(place, "lea"), roles_of(place, "mia")) == ([], [])


def test_privileges_that_a_leaver_gave_on_go_with_them_and_are_told(place: Place) -> None:
    grant = place.placement("g22", "wim")
    carried_out(place, grant)
    place.run("CREATE ROLE xia LOGIN")
    place.run(
        "CREATE TABLE lent (id int)",
        "GRANT SELECT ON lent TO wim WITH GRANT OPTION",
        "SET ROLE wim",
        "GRANT SELECT ON lent TO xia",
        database="stock",
    )
    answer = carried_out(place, absent=(grant,), end=("wim",))
    assert answer.failed == ""
    assert "xia lost SELECT on public.lent as well: wim had given it on" in answer.told
    assert place.ask("SELECT has_table_privilege('xia', 'lent', 'SELECT')", "stock") == [(False,)]


def test_what_was_given_on_stays_where_a_grant_gives_it(place: Place) -> None:
    lent, own = place.placement("g16", "nia"), place.placement("g17", "ole")
    carried_out(place, lent, own)
    place.run("REVOKE readers FROM ole", "GRANT readers TO nia WITH ADMIN OPTION")
    with place.connect("nia", place.password("nia")) as session:
        session.execute("GRANT readers TO ole")
    answer = carried_out(place, own, absent=(lent,))
    assert answer.sight.standings["g17"].presence is Presence.PRESENT


def test_a_lock_of_the_leaver_s_does_not_keep_them(place: Place) -> None:
    grant = place.placement("g18", "pia")
    carried_out(place, grant)
    with place.connect("pia", place.password("pia")) as session:
        session.execute("BEGIN")
        session.execute("ALTER ROLE pia PASSWORD 'another'")
        hasty = place.kind()
        answer = type(hasty)(
            hasty.targets, hasty.root, hasty.clock, hasty.given, seconds=2.0
        ).carry_out([order(absent=(grant,))])["shop-db"]
        assert answer.failed == ""
        assert answer.sight.standings["g18"].presence is Presence.ABSENT
        with pytest.raises(psycopg.OperationalError):
            session.execute("COMMIT")


def test_many_orders_at_once_are_all_true_afterwards(place: Place) -> None:
    grants = [place.placement(f"m{number}", "quin", "readers", "writers") for number in range(4)]
    kind, start = place.kind(), threading.Barrier(4)

    def give(grant: Placement) -> Any:
        start.wait()
        return kind.carry_out([order(grant)])["shop-db"]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(give, grants))
    assert [one.failed for one in answers] == [""] * 4
    assert all(one.sight.standings[g.grant].presence is Presence.PRESENT
               for one, g in zip(answers, grants, strict=True))  # fmt: skip


def test_what_nobody_granted_is_found_and_taken(place: Place) -> None:
    place.run("CREATE ROLE tom LOGIN CREATEDB", "GRANT readers TO tom")
    granted = place.placement("g20", "uma")
    carried_out(place, granted)
    found = [one for one in seen(place, granted).unmanaged if one.account in {"tom", "uma"}]
    assert [one.key for one in found] == ["tom in readers", "tom CREATEDB"]
    with place.connect("tom", place.password("tom")):
        answer = place.kind().remove({"shop-db": found})["shop-db"]
        assert [one.account for one in answer.ended] == ["tom"]
    assert [one for one in answer.sight.unmanaged if one.account == "tom"] == []
    assert (
        place.kind().remove({"shop-db": found})["shop-db"].failed == ""
    )  # gone already is removed well


def test_who_comes_back_at_once_has_lost_what_they_lost(place: Place) -> None:
    place.run("CREATE ROLE will LOGIN", "GRANT readers TO will")
    found = [one for one in seen(place).unmanaged if one.account == "will"]
    password, enough = place.password("will"), threading.Event()

    def stay() -> None:
        while not enough.is_set():
            try:
                with place.connect("will", password) as session:
                    session.execute("SELECT pg_sleep(60)")
            except psycopg.OperationalError:
                continue

    with ThreadPoolExecutor(2) as pool:
        busy = [pool.submit(stay) for _ in range(2)]
        while not place.ask("SELECT 1 FROM pg_stat_activity WHERE usename = 'will'"):
            continue
        answer = place.kind().remove({"shop-db": found})["shop-db"]
        enough.set()
        place.run("ALTER ROLE will NOLOGIN")
        while not all(one.done() for one in busy):
            place.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'will'"
            )
    assert (answer.refused, answer.failed) == ("", "")
    assert {one.account for one in answer.ended} == {"will"}
    assert [one for one in answer.sight.unmanaged if one.account == "will"] == []
