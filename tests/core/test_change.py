"""The diff of observed and desired: doing what it says makes the one the other."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given, strategies as st

from opskit.core.change import Change, ChangeKind, diff, keyed_hash

VALUES = st.none() | st.integers(0, 3) | st.sampled_from(["a", "b"])
STATES = st.dictionaries(st.sampled_from("abcdef"), VALUES)


def applied(observed: dict[str, object], changes: tuple[Change, ...]) -> dict[str, object]:
    """Return what OBSERVED becomes when each change is carried out."""
    state = dict(observed)
    for change in changes:
        if change.kind is ChangeKind.REMOVE:
            del state[change.key]
        else:
            assert (change.key in state) is (change.kind is ChangeKind.REPLACE)
            state[change.key] = change.desired
    return state


@given(STATES, STATES)
def test_applying_the_diff_to_observed_gives_desired(
    observed: dict[str, object], desired: dict[str, object]
) -> None:
    assert applied(observed, diff(observed, desired)) == desired


@given(STATES, STATES)
def test_the_diff_names_each_differing_key_once_in_order(
    observed: dict[str, object], desired: dict[str, object]
) -> None:
    keys = [change.key for change in diff(observed, desired)]
    differing = {
        key
        for key in observed.keys() | desired.keys()
        if (key in observed, observed.get(key)) != (key in desired, desired.get(key))
    }
    assert keys == sorted(differing)


@given(STATES)
def test_what_is_as_desired_needs_no_change(state: dict[str, object]) -> None:
    assert diff(state, dict(state)) == ()


def test_a_change_says_what_was_seen_and_what_is_wanted() -> None:
    assert diff({"mode": "0644", "old": 1}, {"mode": "0600", "new": 2}) == (
        Change("mode", ChangeKind.REPLACE, "0644", "0600"),
        Change("new", ChangeKind.ADD, None, 2),
        Change("old", ChangeKind.REMOVE, 1, None),
    )


@given(st.binary(min_size=1, max_size=64), st.text())
def test_the_hash_of_a_state_is_a_cut_hmac_sha256(key: bytes, text: str) -> None:
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    assert keyed_hash(key, text) == expected[:32]


def test_without_the_key_a_guess_cannot_be_tested() -> None:
    assert keyed_hash(b"one", "hunter2") != keyed_hash(b"two", "hunter2")


@pytest.mark.parametrize("text", ["\ud800", "a\udcffb"])
def test_a_state_with_broken_text_still_has_a_hash(text: str) -> None:
    assert keyed_hash(b"k", text) != keyed_hash(b"k", text + "x")
