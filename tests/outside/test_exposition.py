"""Prometheus' text format: named series out of a page of any size."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from opskit.outside.exposition import Series, read

PAGE = b'# TYPE up gauge\nup{job="a\\"b"} 1\nupper 2\n up 3\nup{job="c"} 4 1700000000000\n'


def test_only_series_of_the_wanted_names_are_read() -> None:
    assert read(PAGE, {"up"}, 10) == [
        Series("up", (("job", 'a"b'),), 1.0),
        Series("up", (("job", "c"),), 4.0),
    ]


@pytest.mark.parametrize("limit", [1, 7])
def test_of_a_page_without_end_no_more_is_read_than_shows_that(limit: int) -> None:
    page = b"".join(b'up{n="%d"} 1\n' % number for number in range(1_000))
    assert len(read(page, {"up"}, limit)) == limit + 1


def test_what_stands_in_other_lines_does_not_matter() -> None:
    page = b"\xff\xfe {{{\nup 1\n\x1b[31m\nother{ 1\n"
    assert read(page, {"up"}, 10) == [Series("up", (), 1.0)]


@given(st.binary(max_size=200))
def test_any_line_is_read_or_refused(rest: bytes) -> None:
    try:
        found = read(b"up" + rest, {"up"}, 10)
    except ValueError:
        return
    assert all(one.name == "up" for one in found)
