"""When looks are due: spread, steady, the same for whoever looks."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, strategies as st

from opskit.core.clock import MINUTE, NOTHING, SECOND, Instant
from opskit.monitor import schedule
from opskit.monitor.catalogue import Target
from tests.monitor.world import catalogue, tcp

NOON = Instant(1_790_856_000_000_000)


def target(name: str = "shop", **settings: str) -> Target:
    return catalogue(**{name: tcp(**settings)}).targets()[0]


@given(st.integers(0, 10**16), st.sampled_from(["400ms", "7s", "60s", "1h"]))
def test_the_next_look_is_one_of_the_target_s_own_instants(now: int, interval: str) -> None:
    one = target(interval=interval, timeout="300ms", confirm_after="100ms")
    due = schedule.following(one, now)
    assert now < due.at <= now + one.probe.interval
    assert schedule.following(one, due.at).at == due.at + one.probe.interval
    assert schedule.following(one, due.at - 1).at == due.at


def test_a_restart_keeps_the_rhythm() -> None:
    one = target()
    instants = {schedule.following(one, NOON + back * SECOND).at for back in range(240)}
    assert {at % MINUTE for at in instants} == {schedule.offset(one.id, MINUTE)}


def test_a_thousand_targets_are_spread_over_the_interval() -> None:
    names = [f"service{number}" for number in range(1_000)]
    seconds = Counter(schedule.offset(f"{name}/tcp", MINUTE) // SECOND for name in names)
    assert len(seconds) == 60
    assert max(seconds.values()) < 40


def test_first_looks_are_soon_and_not_all_at_once() -> None:
    dues = [schedule.first(target(f"s{number}"), NOON, 1_000) for number in range(1_000)]
    assert all(NOON <= due.at < NOON + 2 * SECOND for due in dues)
    assert len({due.at // (SECOND // 10) for due in dues}) == 20


def test_a_look_that_began_in_time_stands_for_the_instant_it_was_due() -> None:
    due = schedule.following(target(), NOON)
    assert due.stands_for(Instant(due.at + MINUTE // 100)) == due.at
    late = Instant(due.at + MINUTE // 20)
    assert due.stands_for(late) == late


def test_a_second_try_stands_for_its_own_instant() -> None:
    second = schedule.confirming(schedule.following(target(), NOON), NOON, NOTHING)
    assert second.at == NOON + SECOND // 10
    began = Instant(second.at + 5)
    assert second.stands_for(began) == began


def test_looks_are_gathered_for_a_time_that_no_timeout_notices() -> None:
    few = schedule.tick([target().probe])
    many = schedule.tick([target(interval="4s", timeout="1s").probe] * 4_000)
    hasty = schedule.tick([target(interval="1s", timeout="100ms", confirm_after="100ms").probe])
    assert few == SECOND // 50
    assert many == 4_000
    assert hasty == 2_500
