"""What is kept of the past is the same, however and in whatever order it came in."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings, strategies as st

from opskit.core.clock import HOUR, MINUTE, FrozenClock, Instant
from opskit.core.interval import Interval, State
from opskit.monitor.model import Observation, Seen
from opskit.monitor.rules import History, history
from opskit.monitor.store import seals, spells, targets
from opskit.monitor.uptime import uptimes
from opskit.outside.database import Database
from opskit.records.ledger import Ledger, verify
from tests.monitor.test_rules import Past, pasts, windows
from tests.monitor.world import SHOP, TARGET, World, catalogue, each, http, observation, tcp, window


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def kept(database: Database, seen: Sequence[Sequence[Observation]], wanted: Interval) -> History:
    """Return the history of a window after observations were written, batch by batch."""
    with database.write() as connection:
        forget(connection)
        for batch in seen:
            spells.insert(connection, batch, 0)
        found = spells.within(connection, wanted).get(TARGET, ())
        return history(found, targets.registrations(connection)[TARGET], wanted)


def forget(connection: sa.Connection) -> None:
    """Let nothing have been seen."""
    connection.execute(sa.delete(spells.SPELLS))
    connection.execute(sa.delete(spells.SERIES))


def set_registration(database: Database, past: Past) -> None:
    with database.write() as connection:
        connection.execute(
            sa.update(targets.TARGETS).values(
                registered_at=past.registration.since, retired_at=past.registration.until
            )
        )


_SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@_SHARED
@given(pasts(), windows())
def test_a_window_is_read_with_all_that_bears_on_it(
    world: World, past: Past, wanted: Interval
) -> None:
    set_registration(world.database, past)
    expected = past.history(wanted)
    found = kept(world.database, [past.observations], wanted)
    assert (found.timeline, found.blips, found.edge) == (
        expected.timeline, expected.blips, expected.edge,
    )  # fmt: skip


def test_a_failure_at_the_end_of_a_window_is_what_the_next_certain_try_says(world: World) -> None:
    seen = [
        observation(58, Seen.SUSPECT),
        observation(62, Seen.SUSPECT),
        observation(64, Seen.DOWN),
    ]
    with world.database.write() as connection:
        connection.execute(sa.update(targets.TARGETS).values(registered_at=0))
    (_, last) = kept(world.database, [seen], window(50, 60)).timeline
    assert (last.state, last.start, last.end) == (State.DOWN, 58, 60)


@_SHARED
@given(pasts(), windows(), st.randoms(use_true_random=False), st.integers(1, 5))
def test_order_and_repetition_change_nothing(
    world: World, past: Past, wanted: Interval, chance: object, size: int
) -> None:
    set_registration(world.database, past)
    straight = kept(world.database, [past.observations], wanted)
    mixed = [*past.observations, *past.observations]
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    batches = [mixed[first : first + size] for first in range(0, len(mixed), size)]
    assert kept(world.database, batches, wanted) == straight


def test_what_was_written_stays_as_it_was(world: World) -> None:
    first, second = observation(5, Seen.UP), observation(5, Seen.DOWN, "later")
    with world.database.write() as connection:
        spells.insert(connection, [first], 0)
        spells.insert(connection, [second], 0)
        assert spells.within(connection, window(0, 10)) == {TARGET: each([first])}


def test_a_new_target_is_registered_once(world: World, clock: FrozenClock) -> None:
    clock.advance(HOUR)
    world.recorder.begin(SHOP)
    (entry,) = world.entries("target.registered")
    assert entry.subject == TARGET
    with world.database.read() as connection:
        known = targets.registrations(connection)[TARGET]
    assert (known.since, known.seq, known.until) == (entry.at, entry.seq, None)


def test_a_target_that_left_the_catalogue_is_retired_and_may_come_back(
    world: World, clock: FrozenClock
) -> None:
    other = catalogue(mail=tcp())
    world.see(Seen.UP)
    clock.advance(HOUR)
    world.recorder.begin(other)
    with world.database.read() as connection:
        assert targets.registrations(connection)[TARGET].until == clock.now()
    clock.advance(HOUR)
    world.recorder.begin(SHOP)
    with world.database.read() as connection:
        assert targets.registrations(connection)[TARGET].until is None
    kinds = [one.kind for one in world.entries() if one.subject == TARGET]
    assert kinds == ["target.registered", "target.retired", "target.resumed"]


def test_the_time_in_which_a_target_was_retired_stays_excluded(
    world: World, clock: FrozenClock
) -> None:
    start = clock.now()
    for _ in range(60):
        world.see(Seen.UP)
    world.recorder.begin(catalogue(mail=tcp()))
    clock.advance(HOUR)
    world.recorder.begin(SHOP)
    for _ in range(60):
        world.see(Seen.UP)
    with world.database.read() as connection:
        (found,) = uptimes(connection, SHOP, Interval(start, clock.now()), ZoneInfo("UTC"))
    assert found.availability.totals.unknown <= 3 * MINUTE
    assert found.availability.totals.excluded >= 57 * MINUTE


def test_a_password_in_a_url_never_reaches_the_ledger(
    database: Database, clock: FrozenClock
) -> None:
    watched = catalogue(shop=http("example.org/login?password=hunter22"))
    with database.write() as connection:
        targets.sync(connection, Ledger(clock, "test"), watched.targets())
        (data,) = connection.exec_driver_sql("SELECT data FROM ledger").scalars()
    assert "hunter22" not in data
    assert "example.org" in data


def test_the_newest_spell_is_the_newest_by_time(world: World) -> None:
    with world.database.write() as connection:
        seen = [observation(at, Seen.UP, str(at)) for at in (30, 10, 20)]
        spells.insert(connection, seen, 0)
        assert spells.newest(connection)[TARGET].last_at == 30


def test_a_month_of_the_same_is_one_row(world: World) -> None:
    seen = [observation(minute * MINUTE, Seen.UP) for minute in range(43_200)]
    with world.database.write() as connection:
        for first in range(0, len(seen), 100):
            spells.insert(connection, seen[first : first + 100], 0)
        assert connection.execute(sa.select(spells.SPELLS)).all() == []
        (one,) = spells.series(connection)
    assert (one.newest.began_at, one.newest.last_at) == (0, 43_199 * MINUTE)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_seal_binds_what_was_not_sealed_yet(world: World, count: int) -> None:
    for _ in range(count):
        world.see(Seen.UP)
    world.seal()
    world.seal()
    sealed = world.entries("observations.sealed")
    assert len(sealed) == (1 if count else 0)
    if count:
        assert f'"until":{world.clock.now()}' in sealed[0].data


def test_sealed_observations_hold_as_long_as_nobody_touches_them(world: World) -> None:
    for seen in (Seen.UP, Seen.UP, Seen.SUSPECT, Seen.DOWN, Seen.DOWN, Seen.UP):
        world.see(seen)
        world.seal()
    assert len(world.entries("observations.sealed")) == 6
    with world.database.read() as connection:
        assert seals.broken_seals(connection) == ()


def test_a_spell_that_grew_since_does_not_break_its_seals(world: World) -> None:
    for _ in range(5):
        for _ in range(7):
            world.see(Seen.UP)
        world.seal()
    with world.database.read() as connection:
        assert seals.broken_seals(connection) == ()
        assert connection.execute(sa.select(spells.SPELLS)).all() == []


def test_what_comes_after_its_time_was_sealed_is_bound_by_the_next_seal(world: World) -> None:
    world.see(Seen.UP)
    missed = Instant(world.clock.now() + MINUTE)
    world.see(Seen.UP, after=3 * MINUTE)
    world.seal()
    late = observation(missed, Seen.DOWN, "told late")
    for _ in range(2):
        world.recorder.record([late])
    world.see(Seen.UP)
    world.seal()
    with world.database.write() as connection:
        assert seals.broken_seals(connection) == ()
        (found,) = spells.within(connection, Interval(missed, Instant(missed + 1))).values()
        assert [one.seen for one in found[:2]] == [Seen.UP, Seen.DOWN]
        connection.exec_driver_sql("UPDATE monitor_spells SET seen = 'up' WHERE late = 1")
        assert seals.broken_seals(connection) == (world.entries("observations.sealed")[1].seq,)


TAMPERINGS = {
    "state": "UPDATE monitor_spells SET seen = 'up' WHERE seen = 'down'",
    "begin": "UPDATE monitor_spells SET began_at = began_at + 1 WHERE seen = 'down'",
    "end": "UPDATE monitor_spells SET last_at = last_at + interval WHERE seen = 'down'",
    "reason": "UPDATE monitor_spells SET reason = 'nothing' WHERE seen = 'down'",
    "interval": "UPDATE monitor_spells SET interval = 1 WHERE seen = 'down'",
    "lateness": "UPDATE monitor_spells SET late = 1 WHERE seen = 'down'",
    "deleted": "DELETE FROM monitor_spells WHERE seen = 'down'",
    "added": "INSERT INTO monitor_spells SELECT series, began_at + 1, last_at + 1, interval, seen,"
    " reason, late, seal_seq FROM monitor_spells WHERE seen = 'down'",
}


@pytest.mark.parametrize("tampering", TAMPERINGS.values(), ids=TAMPERINGS)
def test_a_hand_in_the_observations_is_noticed(world: World, tampering: str) -> None:
    world.see(Seen.UP)
    world.seal()
    world.see(Seen.DOWN, "refused")
    world.see(Seen.UP)
    world.seal()
    world.see(Seen.UNKNOWN)
    with world.database.write() as connection:
        connection.exec_driver_sql(tampering)
        broken = seals.broken_seals(connection)
    assert broken == (world.entries("observations.sealed")[1].seq,)


def test_a_hand_in_the_newest_spell_is_noticed(world: World) -> None:
    world.see(Seen.UP)
    world.seal()
    world.see(Seen.DOWN, "refused")
    world.seal()
    with world.database.write() as connection:
        connection.exec_driver_sql("UPDATE monitor_series SET seen = 'up'")
        broken = seals.broken_seals(connection)
    assert broken == (world.entries("observations.sealed")[1].seq,)


@pytest.mark.parametrize("data", ["{}", "nonsense", "[]", '{"digest": null}'])
def test_a_hand_in_the_seal_itself_is_no_crash(world: World, data: str) -> None:
    world.see(Seen.UP)
    world.seal()
    with world.database.write() as connection:
        broken = sa.text("UPDATE ledger SET data = :data WHERE kind = 'observations.sealed'")
        connection.execute(broken, {"data": data})
        assert len(seals.broken_seals(connection)) == 1
    assert verify(world.database).broken_at is not None
