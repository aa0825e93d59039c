"""Two at once, on both databases: one is first, the other is told, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from opskit.access.deciding import Decided, Word, decide
from opskit.access.ending import revoke
from opskit.access.lifecycle import GrantState
from opskit.access.requesting import request, withdraw
from opskit.access.settling import settle, start_now
from opskit.access.store import grants, requests
from opskit.access.workplace import Workplace
from opskit.core.clock import FrozenClock
from opskit.core.errors import OpskitError
from opskit.outside.database import Database, sqlite_url
from opskit.records.ledger import entries, verify
from tests.access.world import Obedient, World, ask, registry
from tests.outside import databases
from tests.rig.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path_factory.mktemp("race") / "opskit.db")
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = databases.create(server)
    yield databases.url(server, name)
    databases.drop(server, name)


@pytest.fixture
def office(url: str, clock: FrozenClock) -> Iterator[World]:
    database = Database.open(url)
    yield World(database, clock, Obedient(clock), registry())
    database.close()


def at_once(
    office: World, url: str, *deeds: tuple[str, Callable[[Workplace], object]]
) -> list[object]:
    """Do things at the same moment, as processes would; return what came, or went wrong."""
    barrier = Barrier(len(deeds))

    def one(who: str, deed: Callable[[Workplace], object]) -> object:
        database = Database.open(url)
        own = World(database, office.clock, office.kind, office.files)
        try:
            barrier.wait()
            return deed(own.as_(who))
        except OpskitError as error:
            return error
        finally:
            database.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(lambda each: one(*each), deeds))


def counted(office: World, kind: str) -> int:
    with office.database.read() as connection:
        return sum(entry.kind == kind for entry in entries(connection))


def yes(number: int, who: str) -> Callable[[Workplace], Decided]:
    return lambda work: decide(work, number, Word(who, "approve"))


def test_of_two_who_approve_at_once_one_gives_the_grant(office: World, url: str) -> None:
    request(office.as_("alice"), ask())
    found = at_once(office, url, ("bob", yes(1, "bob")), ("dora", yes(1, "dora")))
    assert sum(isinstance(one, Decided) and one.grant is not None for one in found) == 1
    assert counted(office, "grant.created") == 1
    assert verify(office.database).broken_at is None


def test_a_yes_and_a_no_at_once_end_in_one_of_them(office: World, url: str) -> None:
    request(office.as_("alice"), ask())
    at_once(
        office, url,
        ("bob", yes(1, "bob")), ("dora", lambda work: decide(work, 1, Word("dora", "deny"))),
        ("alice", lambda work: withdraw(work, 1)),
    )  # fmt: skip
    with office.database.read() as connection:
        one = requests.one(connection, 1)
        grant = grants.of_request(connection, 1)
    assert one.state.is_final
    assert (grant is not None) == (one.state.value == "approved")


def test_one_person_at_two_terminals_decides_once(office: World, url: str) -> None:
    request(office.as_("alice"), ask(role="web-admin"))
    at_once(office, url, ("bob", yes(1, "bob")), ("bob", yes(1, "bob")))
    assert counted(office, "decision.approved") == 1


def test_a_grant_that_is_put_on_and_taken_away_at_once_is_gone_in_the_end(
    office: World, url: str, clock: FrozenClock
) -> None:
    request(office.as_("alice"), ask())
    grant = decide(office.as_("bob"), 1, Word("bob", "approve")).grant
    assert grant is not None
    at_once(
        office, url,
        ("bob", lambda work: start_now(work, grant)),
        ("charlie", lambda work: revoke(work, (1,), "a mistake")),
        ("dora", settle),
    )  # fmt: skip
    for _ in range(3):
        clock.advance(1_800_000_000)
        settle(office.as_("bob"))
    with office.database.read() as connection:
        after = grants.one(connection, 1)
    assert after.state in {GrantState.REVOKED, GrantState.ACTIVE}
    if after.state is GrantState.REVOKED:
        assert not office.kind.opens("web1", "alice")
    assert after.end_reason.startswith("a mistake") == (after.state is GrantState.REVOKED)


def test_two_who_settle_at_once_start_a_grant_once(office: World, url: str) -> None:
    request(office.as_("alice"), ask())
    decide(office.as_("bob"), 1, Word("bob", "approve"))
    at_once(office, url, ("bob", settle), ("dora", settle))
    assert counted(office, "grant.provisioning") == 1
    assert counted(office, "grant.activated") == 1
    assert office.kind.opens("web1", "alice")


def test_a_grant_given_anew_while_the_old_one_is_taken_away_is_in_force(
    office: World, url: str, clock: FrozenClock
) -> None:
    for number in (1, 2):
        request(office.as_("alice"), ask(reason=f"reason {number}"))
        decide(office.as_("bob"), number, Word("bob", "approve"))
        if number == 1:
            settle(office.as_("bob"))
    at_once(
        office, url, ("charlie", lambda work: revoke(work, (1,), "the old one")), ("bob", settle)
    )
    clock.advance(1_800_000_000)
    settle(office.as_("bob"))
    with office.database.read() as connection:
        states = [grants.one(connection, number).state for number in (1, 2)]
    assert states == [GrantState.REVOKED, GrantState.ACTIVE]
    assert set(office.kind.held["web1"]) == {"g2"}
