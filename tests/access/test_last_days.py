"""Whoever leaves: what they hold ends with their last day, and they ask and decide no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from opskit.access import revocation
from opskit.access.arrivals import onboard
from opskit.access.deciding import Word, decide
from opskit.access.departures import offboard
from opskit.access.ending import revoke
from opskit.access.hosts.publickeys import public_key
from opskit.access.lifecycle import GrantState
from opskit.access.registry import Registry
from opskit.access.requesting import extend, request
from opskit.access.roll import Leaving
from opskit.access.settling import settle, start_now
from opskit.access.store import grants
from opskit.access.store.grants import Grant
from opskit.core.clock import HOUR, MINUTE, Duration, FrozenClock, Instant, from_datetime
from opskit.core.errors import Conflict, Refused
from opskit.outside.database import Database
from tests.access.town import Town, keyed
from tests.access.world import World, ask


def edited(files: Registry, name: str, **changes: object) -> Registry:
    """Return the files with something else said of a person."""
    people = files.people.people
    one = {**people, name: people[name].model_copy(update=changes)}
    return replace(files, people=files.people.model_copy(update={"people": one}))


def leaves(world: World, name: str, day: int) -> World:
    return replace(world, files=edited(world.files, name, ends=date(2026, 10, day)))


def granted(world: World, **values: object) -> Grant:
    one = request(world.as_("alice"), ask(**values)).request  # type: ignore[arg-type]  # its fields
    grant = decide(world.as_("bob"), one.id, Word("bob", "approve")).grant
    assert grant is not None
    start_now(world.as_("bob"), grant)
    return now(world, grant.id)


def now(world: World, number: int) -> Grant:
    with world.database.read() as connection:
        return grants.one(connection, number)


def test_what_is_given_ends_with_the_last_day_in_the_zone_of_the_office(
    world: World, clock: FrozenClock
) -> None:
    clock.at = Instant(from_datetime(datetime(2026, 10, 3, 12, tzinfo=UTC)))
    sydney = ZoneInfo("Australia/Sydney")  # 22:00 there; the clocks change that night
    office = leaves(world, "alice", 3)
    one = request(replace(office.as_("alice"), zone=sydney), ask()).request
    grant = decide(replace(office.as_("bob"), zone=sydney), one.id, Word("bob", "approve")).grant
    assert grant is not None
    clock.advance(HOUR)
    start_now(replace(office.as_("bob"), zone=sydney), grant)
    assert now(office, 1).ends_at == from_datetime(datetime(2026, 10, 3, 14, tzinfo=UTC))
    assert office.kind.held["web1"]["g1"].until == now(office, 1).ends_at


def test_a_last_day_that_comes_nearer_is_planted_on_the_targets(
    world: World, clock: FrozenClock
) -> None:
    clock.advance(11 * HOUR)
    granted(world)
    settle(leaves(world, "alice", 1).as_("bob"))
    end = from_datetime(datetime(2026, 10, 2, tzinfo=UTC))
    assert now(world, 1).ends_at == end
    assert {one["g1"].until for one in world.kind.held.values()} == {end}
    clock.advance(HOUR)
    assert not world.kind.opens("web1", "alice")  # and nobody was at work since


def test_more_time_ends_with_the_last_day_too(world: World, clock: FrozenClock) -> None:
    clock.advance(5 * HOUR)
    granted(world)
    office = leaves(world, "alice", 1)
    more = extend(office.as_("alice"), 1, Duration(8 * HOUR), "not done").request
    decide(office.as_("bob"), more.id, Word("bob", "approve"))
    assert now(world, 1).ends_at == from_datetime(datetime(2026, 10, 2, tzinfo=UTC))


@pytest.mark.parametrize("gone", ["left", "removed"])
def test_whoever_the_files_say_is_gone_holds_nothing(world: World, gone: str) -> None:
    granted(world)
    files = leaves(world, "alice", 1).files if gone == "left" else world.files
    people = {name: one for name, one in files.people.people.items() if name != "alice"}
    if gone == "removed":
        files = replace(files, people=files.people.model_copy(update={"people": people}))
    else:
        files = edited(files, "alice", ends=date(2026, 9, 30))
    settle(world.as_("bob", files))
    assert now(world, 1).state is GrantState.REVOKED
    assert not world.kind.opens("web1", "alice")


def test_what_was_to_start_later_does_not_for_who_left_before(
    world: World, clock: FrozenClock
) -> None:
    granted(world, starts_at=Instant(clock.now() + 24 * HOUR))
    clock.advance(24 * HOUR + MINUTE)
    settle(leaves(world, "alice", 1).as_("bob"))
    assert now(world, 1).state is GrantState.REVOKED
    assert not world.kind.orders


def test_what_was_to_start_later_does_not_where_the_files_allow_it_no_more(
    world: World, clock: FrozenClock
) -> None:
    granted(world, starts_at=Instant(clock.now() + 3 * HOUR))
    clock.advance(3 * HOUR + MINUTE)
    policy = world.files.policy.model_copy(update={"rules": ()})
    settle(world.as_("bob", replace(world.files, policy=policy)))
    assert now(world, 1).state is GrantState.REVOKED
    assert "the files allow it no more" in now(world, 1).end_reason
    assert not world.kind.orders


def test_a_key_that_is_lost_is_taken_off_what_is_in_force(world: World, clock: FrozenClock) -> None:
    office = replace(world, files=keyed())
    granted(office)
    assert office.kind.held["web1"]["g1"].keys
    alice = office.files.people.people["alice"]
    keys = tuple(one.model_copy(update={"revoked": date(2026, 10, 1)}) for one in alice.keys)
    settle(office.as_("bob", edited(office.files, "alice", keys=keys)))
    assert office.kind.held["web1"]["g1"].keys == ()
    assert "grant.trimmed" in office.kinds_of_entries()


def test_a_key_that_was_revoked_apart_from_the_files_is_taken_off_too(world: World) -> None:
    office = replace(world, files=keyed())
    granted(office)
    (key,) = office.files.people.people["alice"].keys
    revocation.revoke(office.as_("dora"), public_key(key.key).fingerprint, "laptop lost")
    settle(office.as_("bob"))
    assert office.kind.held["web1"]["g1"].keys == ()


# Offboarded before the files say so


@pytest.fixture
def office(database: Database, clock: FrozenClock) -> World:
    return World(database, clock, Town(clock), keyed())


def offboarded(office: World, name: str) -> None:
    offboard(office.as_("charlie"), Leaving(name, name), "dismissed")


def test_whoever_was_offboarded_asks_for_nothing_until_they_are_brought_back(
    office: World,
) -> None:
    offboarded(office, "alice")
    with pytest.raises(Refused, match="alice was offboarded"):
        request(office.as_("alice"), ask())
    with pytest.raises(Refused, match="alice was offboarded"):  # nor does anybody for them
        request(office.as_("bob"), ask(requester="bob", targets=("staging",)))
    with pytest.raises(Refused, match="alice has left"):
        onboard(office.as_("alice"), "alice")
    found = onboard(office.as_("charlie"), "alice")
    assert found.steps == ()
    assert request(office.as_("alice"), ask()).request.id == 1


def test_whoever_was_offboarded_decides_and_ends_nothing(office: World) -> None:
    one = request(office.as_("alice"), ask()).request
    offboarded(office, "bob")
    with pytest.raises(Conflict, match="checked anew"):
        decide(office.as_("dora"), one.id, Word("dora", "approve"))
    with pytest.raises(Refused, match="bob is no approver"):
        decide(office.as_("bob"), one.id, Word("bob", "approve"))
    decide(office.as_("dora"), one.id, Word("dora", "approve"))
    with pytest.raises(Refused, match="bob has left"):
        revoke(office.as_("bob"), (1,), "spite")


def test_an_offboarding_that_was_killed_is_finished_by_whoever_works_next(
    office: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted(office)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("opskit.access.departures._end", killed)
        with pytest.raises(KeyboardInterrupt):
            offboarded(office, "alice")
    assert office.kind.opens("web1", "alice")
    settle(office.as_("bob"))
    assert not office.kind.opens("web1", "alice")


def test_nobody_offboards_themselves(office: World) -> None:
    with pytest.raises(Refused, match="nobody offboards themselves"):
        offboarded(office, "charlie")
