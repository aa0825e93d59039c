"""Values from outside are data, at any depth."""

from __future__ import annotations

from hypothesis import given, strategies as st

from opskit.outside.ansible.values import unsafe

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


def opened(value: object) -> object:
    """Return VALUE without the marks, failing on a text that has none."""
    assert not isinstance(value, str), f"{value!r} would be templated"
    if isinstance(value, dict) and value.keys() == {"__ansible_unsafe"}:
        return value["__ansible_unsafe"]
    if isinstance(value, dict):
        return {key: opened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [opened(item) for item in value]
    return value


@given(VALUES)
def test_every_text_is_marked_and_nothing_else_changes(value: object) -> None:
    assert opened(unsafe(value)) == value


def test_a_tuple_is_a_list_and_a_key_a_text() -> None:
    assert unsafe({1: ("a",)}) == {"1": [{"__ansible_unsafe": "a"}]}
