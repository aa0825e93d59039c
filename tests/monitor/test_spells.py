"""Runs of observations kept as one say what each of them said, wherever they are cut."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, strategies as st

from opskit.core.clock import Duration, Instant
from opskit.monitor.model import Observation, Seen, Spell
from opskit.monitor.spells import after, apart, before, continues, holds
from tests.monitor.world import observation

UP, DOWN, SUSPECT = Seen.UP, Seen.DOWN, Seen.SUSPECT


def spell(began: int, last: int, interval: int, seen: Seen = UP) -> Spell:
    return Spell(Instant(began), Instant(last), Duration(interval), seen, "")


def instants(one: Spell | None) -> list[int]:
    """Return when the observations were made that a spell stands for."""
    return [] if one is None else list(range(one.began_at, one.last_at + 1, one.interval))


@st.composite
def spells(draw: st.DrawFn, seen: Seen = UP) -> Spell:
    began, interval = draw(st.integers(0, 60)), draw(st.integers(1, 9))
    return spell(began, began + interval * draw(st.integers(0, 8)), interval, seen)


@given(spells(), st.integers(-5, 150))
def test_a_cut_loses_nothing_and_adds_nothing(one: Spell, at: int) -> None:
    parts = instants(before(one, at)) + instants(after(one, at))
    assert parts == [instant for instant in instants(one) if instant != at]
    assert holds(one, at) is (at in instants(one))


@given(st.lists(spells(), max_size=5))
def test_spells_that_reach_into_each_other_are_taken_apart(found: Sequence[Spell]) -> None:
    cut = apart(found)
    assert all(one.last_at < then.began_at for one, then in pairwise(cut))
    assert sorted(instant for one in cut for instant in instants(one)) == sorted(
        {instant for one in found for instant in instants(one)}
    )


def test_what_was_seen_in_between_splits_a_spell() -> None:
    assert apart([spell(0, 300, 60), spell(130, 130, 60, DOWN)]) == [
        spell(0, 120, 60), spell(130, 130, 60, DOWN), spell(180, 300, 60),
    ]  # fmt: skip


def test_two_that_look_in_turns_are_told_apart() -> None:
    first, second = spell(0, 200, 100), spell(50, 250, 100, DOWN)
    assert [one.seen for one in apart([first, second])] == [UP, DOWN] * 3


def grown(one: Spell, seen: Observation) -> bool:
    return continues(one, seen)


def test_a_spell_grows_by_the_same_one_interval_later_only() -> None:
    one = spell(0, 120, 60)
    assert grown(one, observation(180, UP, interval=60))
    for other in (
        observation(181, UP, interval=60),
        observation(240, UP, interval=60),
        observation(120, UP, interval=60),
        observation(180, DOWN, interval=60),
        observation(180, UP, "why", interval=60),
        observation(180, UP, interval=30),
    ):
        assert not grown(one, other)


def test_a_suspect_try_is_always_one_of_its_own() -> None:
    assert not grown(spell(0, 0, 60, SUSPECT), observation(60, SUSPECT, interval=60))
