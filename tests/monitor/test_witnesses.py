"""What several locations say together: k of n over those that could tell, and whose path fails."""

from __future__ import annotations

from itertools import product

import pytest

from opskit.core.clock import NOTHING
from opskit.monitor import witnesses
from opskit.monitor.model import Seen
from opskit.monitor.witnesses import HERE, verdict

VOICES = (Seen.UP, Seen.DEGRADED, Seen.DOWN, Seen.UNKNOWN)
EVERY = [
    (voices, needed)
    for count in range(1, 6)
    for voices in product(VOICES, repeat=count)
    for needed in range(1, count + 1)
]


def said(*voices: Seen, groups: dict[str, set[str]] | None = None) -> list[witnesses.Testimony]:
    """Return what here, h1, h2 and so on saw."""
    return [
        witnesses.Testimony(
            f"h{index}" if index else HERE,
            seen,
            "refused" if seen is Seen.DOWN else "",
            NOTHING,
            frozenset((groups or {}).get(f"h{index}", ())),
        )
        for index, seen in enumerate(voices)
    ]


def count(voices: tuple[Seen, ...], *which: Seen) -> int:
    return sum(voice in which for voice in voices)


def test_k_of_n_over_the_locations_that_could_tell_whoever_they_are() -> None:
    for voices, needed in EVERY:
        down, unknown = count(voices, Seen.DOWN), count(voices, Seen.UNKNOWN)
        known = len(voices) - unknown
        seen, reason = verdict(said(*voices), needed)
        if known == 0 or (down and known < needed):
            assert seen is Seen.UNKNOWN, (voices, needed)
        elif down >= needed:
            assert seen is Seen.DOWN, (voices, needed)
        elif down:
            assert seen is Seen.DEGRADED, (voices, needed)
        else:
            assert seen is Seen.UP, (voices, needed)
        assert bool(reason) is (seen is not Seen.UP)


def test_no_order_of_locations_changes_what_they_say() -> None:
    for voices, needed in EVERY:
        assert verdict(said(*voices), needed)[0] is verdict(said(*voices[::-1]), needed)[0]


def test_one_more_that_sees_it_down_never_makes_it_better() -> None:
    # Unknown is no better and no worse than anything: it is left out.
    rank = {Seen.UP: 0, Seen.DEGRADED: 1, Seen.DOWN: 2}
    for voices, needed in EVERY:
        before = verdict(said(*voices), needed)[0]
        for index, voice in enumerate(voices):
            if voice in {Seen.UP, Seen.DEGRADED}:
                worse = (*voices[:index], Seen.DOWN, *voices[index + 1 :])
                after = verdict(said(*worse), needed)[0]
                assert Seen.UNKNOWN in {before, after} or rank[after] >= rank[before]


def test_more_are_never_needed_than_were_asked() -> None:
    assert verdict(said(Seen.DOWN), 3) == (Seen.DOWN, "refused")


def test_every_location_that_sees_it_down_is_named() -> None:
    for voices, needed in EVERY:
        seen, reason = verdict(said(*voices), needed)
        if seen is Seen.DEGRADED:
            names = ["here", *(f"h{index}" for index in range(1, len(voices)))]
            down = [name for name, voice in zip(names, voices, strict=True) if voice is Seen.DOWN]
            assert f"down from {', '.join(down)} only" in reason


D, U, N = Seen.DOWN, Seen.UP, Seen.UNKNOWN
SITES = {"h1": {"berlin", "web"}, "h2": {"berlin", "db"}, "h3": {"oslo", "web"}}


@pytest.mark.parametrize(
    ("voices", "needed", "words"),
    [
        ((D, D, D, D), 2, "refused (down from everywhere: the target itself)"),
        ((D, D, U, N), 2, "refused (down from here, h1, not from h2)"),
        ((D, U, U, U), 2, "down from here only, so our own path to it fails: refused"),
        (
            (D, D, D, U),
            4,
            "down from here, h1, h2 only, so the path that berlin and we share fails",
        ),
        ((D, D, U, U), 3, "down from here, h1 only, so some paths to it fail: refused"),
        ((U, D, D, U), 3, "down from h1, h2 only, so the path from berlin to it fails: refused"),
        ((D, N, N, N), 2, "down from here; too few other locations could tell: refused"),
        ((N, N), 2, "no location could tell"),
    ],
)
def test_the_path_at_fault_is_named_where_it_shows(
    voices: tuple[Seen, ...], needed: int, words: str
) -> None:
    assert verdict(said(*voices, groups=SITES), needed)[1].startswith(words)
