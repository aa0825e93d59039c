"""Leases: at most one holder, an end of their own, and a token that fences off who slept."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from opskit.core.clock import MINUTE, SECOND, FrozenClock, Instant, iso
from opskit.core.errors import Conflict, OpskitError
from opskit.outside.database import Database
from opskit.records.leases import LEASES, Lease, Leases
from tests.records.waiting import until_blocked


def take(
    database: Database, clock: FrozenClock, resource: str, holder: str, length: int = MINUTE
) -> Lease:
    with database.write() as connection:
        return Leases(clock).take(connection, resource, holder, length)


def holds(database: Database, clock: FrozenClock, lease: Lease) -> bool:
    """Tell whether a write under LEASE goes through."""
    try:
        with database.write() as connection:
            Leases(clock).fence(connection, lease)
    except Conflict as error:
        assert error.retryable  # noqa: PT017  # either way is a result
        return False
    return True


def give_back(database: Database, clock: FrozenClock, lease: Lease) -> None:
    with database.write() as connection:
        Leases(clock).give_back(connection, lease)


def test_a_free_resource_is_taken(database: Database, clock: FrozenClock) -> None:
    lease = take(database, clock, "host:web1", "run-1")
    assert lease == Lease("host:web1", "run-1", 1, Instant(clock.now() + MINUTE))
    assert holds(database, clock, lease)


def test_a_held_resource_is_refused_with_who_and_until_when(
    database: Database, clock: FrozenClock
) -> None:
    lease = take(database, clock, "host:web1", "run-1")
    with pytest.raises(Conflict) as caught:
        take(database, clock, "host:web1", "run-2")
    assert caught.value.message == f"host:web1 is held by run-1 until {iso(lease.expires_at)}"
    assert caught.value.retryable
    assert holds(database, clock, lease)
    assert holds(database, clock, take(database, clock, "host:web2", "run-2"))


def test_a_lease_ends_by_itself(database: Database, clock: FrozenClock) -> None:
    first = take(database, clock, "host:web1", "run-1")
    clock.advance(MINUTE - 1)
    assert holds(database, clock, first)
    clock.advance(1)
    assert not holds(database, clock, first)
    second = take(database, clock, "host:web1", "run-2")
    assert second.token > first.token
    assert holds(database, clock, second)
    assert not holds(database, clock, first)


def test_a_holder_that_wakes_late_is_fenced_off_by_a_newer_one(
    database: Database, clock: FrozenClock
) -> None:
    slept = take(database, clock, "host:web1", "run-1", SECOND)
    clock.advance(MINUTE)
    take(database, clock, "host:web1", "run-2", SECOND)
    clock.advance(MINUTE)
    again = take(database, clock, "host:web1", "run-1")
    assert holds(database, clock, again)
    assert not holds(database, clock, slept)


def test_a_holder_may_renew_and_only_its_newest_lease_counts(
    database: Database, clock: FrozenClock
) -> None:
    first = take(database, clock, "host:web1", "run-1")
    clock.advance(MINUTE // 2)
    renewed = take(database, clock, "host:web1", "run-1")
    assert renewed.token > first.token
    assert renewed.expires_at == clock.now() + MINUTE
    assert holds(database, clock, renewed)
    assert not holds(database, clock, first)


def test_what_was_given_back_is_free_and_its_token_used_up(
    database: Database, clock: FrozenClock
) -> None:
    first = take(database, clock, "host:web1", "run-1")
    give_back(database, clock, first)
    assert not holds(database, clock, first)
    second = take(database, clock, "host:web1", "run-2")
    assert second.token > first.token
    give_back(database, clock, first)
    assert holds(database, clock, second), "what is no longer one's own cannot be given back"


def test_all_leases_of_a_holder_that_is_gone_end(database: Database, clock: FrozenClock) -> None:
    gone = [take(database, clock, f"host:web{n}", "run-1") for n in range(3)]
    other = take(database, clock, "host:db1", "run-2")
    with database.write() as connection:
        Leases(clock).release(connection, "run-1")
    assert not any(holds(database, clock, lease) for lease in gone)
    assert holds(database, clock, other)
    assert take(database, clock, "host:web1", "run-2").token > gone[1].token


def test_a_lease_on_what_was_never_taken_does_not_hold(
    database: Database, clock: FrozenClock
) -> None:
    assert not holds(database, clock, Lease("host:web1", "run-1", 1, Instant(clock.now() + 1)))


def test_a_lease_stands_or_falls_with_its_transaction(
    database: Database, clock: FrozenClock
) -> None:
    def fail() -> None:
        with database.write() as connection:
            Leases(clock).take(connection, "host:web1", "run-1", MINUTE)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert take(database, clock, "host:web1", "run-2").holder == "run-2"


def test_a_clock_that_goes_back_frees_nothing(database: Database, clock: FrozenClock) -> None:
    lease = take(database, clock, "host:web1", "run-1")
    clock.at = Instant(clock.at - 24 * 60 * MINUTE)
    with pytest.raises(Conflict):
        take(database, clock, "host:web1", "run-2")
    assert holds(database, clock, lease)


# Several at once


@dataclass
class Outcome:
    """What came of an attempt to take a lease in another thread."""

    lease: Lease | None = None
    error: BaseException | None = None

    def attempt(self, database: Database, clock: FrozenClock, resource: str, holder: str) -> None:
        try:
            self.lease = take(database, clock, resource, holder)
        except BaseException as error:  # noqa: BLE001  # compared by the test
            self.error = error


@pytest.mark.parametrize("known", [False, True], ids=["first taken", "taken before"])
def test_of_two_that_reach_out_at_once_one_gets_it(
    database: Database, clock: FrozenClock, known: bool
) -> None:
    if known:
        give_back(database, clock, take(database, clock, "host:web1", "run-0"))
    second = Outcome()
    thread = threading.Thread(target=second.attempt, args=(database, clock, "host:web1", "run-2"))
    with database.write() as connection:
        first = Leases(clock).take(connection, "host:web1", "run-1", MINUTE)
        thread.start()
        until_blocked(database, thread)
    thread.join()
    assert second.lease is None
    assert isinstance(second.error, Conflict), second.error
    assert holds(database, clock, first)


def test_of_many_that_race_exactly_one_wins_each_time(
    database: Database, clock: FrozenClock
) -> None:
    rounds, racers = 8, ("run-1", "run-2", "run-3")
    barrier = threading.Barrier(len(racers))
    outcomes: dict[tuple[int, str], Outcome] = {
        (number, holder): Outcome() for number in range(rounds) for holder in racers
    }

    def race(holder: str) -> None:
        for number in range(rounds):
            barrier.wait()
            # Odd rounds are for something that was never taken before.
            resource = f"host:new{number}" if number % 2 else f"host:old{number % 4}"
            outcomes[number, holder].attempt(database, clock, resource, holder)
            barrier.wait()
            if holder == racers[0]:
                clock.advance(2 * MINUTE)

    threads = [threading.Thread(target=race, args=(holder,)) for holder in racers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(rounds):
        this = [outcomes[number, holder] for holder in racers]
        assert [outcome.lease is not None for outcome in this].count(True) == 1
        assert all(isinstance(one.error, Conflict) for one in this if one.lease is None), this


def test_under_a_fence_nobody_else_can_take_it(
    database: Database, second: Database, clock: FrozenClock
) -> None:
    """A write that was fenced just before its lease ended must not land after the next take."""
    lease = take(database, clock, "host:web1", "run-1")
    with second.read() as connection:  # the same connection is used for the write below
        impatience = {"sqlite": "PRAGMA busy_timeout = 1", "postgresql": "SET lock_timeout = 100"}
        connection.exec_driver_sql(impatience[database.dialect])
    with database.write() as connection:
        Leases(clock).fence(connection, lease)
        clock.advance(2 * MINUTE)
        with pytest.raises(OpskitError):
            take(second, clock, "host:web1", "run-2")
    assert take(second, clock, "host:web1", "run-2").token > lease.token


# Whatever happens, in any order


class Holding(RuleBasedStateMachine):
    """Takes, renews, waits and gives back as it likes; a small model says who holds what."""

    leases = Bundle("leases")

    def __init__(self, database: Database, clock: FrozenClock) -> None:
        super().__init__()
        self.database = database
        self.clock = clock
        self.newest: dict[str, Lease] = {}
        self.ended: set[tuple[str, int]] = set()
        self.all: list[Lease] = []

    @initialize()
    def begin(self) -> None:
        with self.database.write() as connection:
            connection.execute(sa.delete(LEASES))

    def in_force(self, lease: Lease) -> bool:
        return (
            self.newest.get(lease.resource) == lease
            and (lease.resource, lease.token) not in self.ended
            and self.clock.now() < lease.expires_at
        )

    @rule(
        target=leases,
        resource=st.sampled_from(["web1", "web2"]),
        holder=st.sampled_from(["run-1", "run-2", "run-3"]),
        length=st.integers(1, 5),
    )
    def take(self, resource: str, holder: str, length: int) -> object:
        held = self.newest.get(resource)
        if held and self.in_force(held) and held.holder != holder:
            with pytest.raises(Conflict, match=f"{resource} is held by {held.holder} until"):
                take(self.database, self.clock, resource, holder, length)
            return multiple()
        lease = take(self.database, self.clock, resource, holder, length)
        assert lease.token > (held.token if held else 0)
        self.newest[resource] = lease
        self.all.append(lease)
        return lease

    @rule(length=st.integers(0, 4))
    def wait(self, length: int) -> None:
        self.clock.advance(length)

    @rule(lease=leases)
    def give_back(self, lease: Lease) -> None:
        give_back(self.database, self.clock, lease)
        self.ended.add((lease.resource, lease.token))

    @rule(holder=st.sampled_from(["run-1", "run-2", "run-3"]))
    def release(self, holder: str) -> None:
        with self.database.write() as connection:
            Leases(self.clock).release(connection, holder)
        self.ended |= {(one.resource, one.token) for one in self.all if one.holder == holder}

    @invariant()
    def exactly_the_leases_in_force_pass_the_fence(self) -> None:
        for lease in self.all[-8:]:
            assert holds(self.database, self.clock, lease) is self.in_force(lease)


def test_at_most_one_holds_it_whatever_happens(database: Database, clock: FrozenClock) -> None:
    class Here(Holding):
        def __init__(self) -> None:
            super().__init__(database, clock)

    run_state_machine_as_test(Here, settings=settings(max_examples=20, stateful_step_count=20))
