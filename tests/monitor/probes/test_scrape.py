"""Scrapes: which series are kept, and what their values may be."""

from __future__ import annotations

from typing import Any

import pytest

from opskit.monitor.kinds import Around, Sight
from opskit.monitor.model import Seen
from opskit.monitor.probes.scrape import Selector
from opskit.outside.exposition import Series
from tests.monitor.probes.looking import look
from tests.outside.servers import Server, header, plain

PAGE = b"""# HELP disk_avail_bytes Room.
# TYPE disk_avail_bytes gauge
disk_avail_bytes{mount="/",device="a"} 5e+09
disk_avail_bytes{mount="/var",device="<script>\\"\\\\x"} 10
# TYPE requests_total counter
requests_total{code="200"} 7 1700000000000
up 1
odd NaN
endless +Inf
disk_avail_bytes_other 3
garbage {{{ \x1b[31m
"""


def scrape(near: Around, page: bytes = PAGE, **settings: Any) -> Sight:
    with Server(plain(page)) as server:
        sight = look({"kind": "scrape", "url": server.url, **settings}, near)
        assert header(server.requests[0], b"accept").startswith(b"text/plain")
        return sight


@pytest.mark.parametrize(
    ("selector", "values"),
    [
        ("up", [1]),
        ("disk_avail_bytes", [5e9, 10]),
        ('disk_avail_bytes{mount="/"}', [5e9]),
        ('disk_avail_bytes{mount!="/", }', [10]),
        ('disk_avail_bytes{mount=~"/v.*",device!="a"}', [10]),
        ('disk_avail_bytes{mount!~"/|/var"}', []),
        ('disk_avail_bytes{mount=~"v"}', []),
        ('disk_avail_bytes{none=""}', [5e9, 10]),
        (r'disk_avail_bytes{device="<script>\"\\x"}', [10]),
        ("requests_total", [7]),
    ],
)
def test_series_are_selected_as_promql_does(
    near: Around, selector: str, values: list[float]
) -> None:
    sight = scrape(near, keep=[selector])
    assert sorted(one.value for one in sight.facts) == sorted(values)
    assert sight.seen is (Seen.UP if values else Seen.DOWN)
    assert sight.reason == ("" if values else f"there is no series {selector}")


@pytest.mark.parametrize(
    ("limit", "seen", "reason"),
    [
        ({"fail_below": 10}, Seen.UP, ""),
        ({"fail_below": 11}, Seen.DOWN, "disk_avail_bytes is below 11"),
        ({"warn_below": 11}, Seen.DEGRADED, "disk_avail_bytes is below 11"),
        ({"warn_above": 100, "fail_below": 11}, Seen.DOWN, "disk_avail_bytes is below 11"),
        ({"fail_above": 1e6}, Seen.DOWN, "disk_avail_bytes is above 1e+06"),
        ({"series": "odd", "fail_above": 1}, Seen.UNKNOWN, "odd is not a number"),
        ({"series": "endless", "fail_above": 1}, Seen.DOWN, "endless is above 1"),
        ({"series": "none", "fail_above": 1}, Seen.UNKNOWN, "there is no series none"),
    ],
)
def test_the_worst_value_counts(
    near: Around, limit: dict[str, Any], seen: Seen, reason: str
) -> None:
    sight = scrape(near, limits=[{"series": "disk_avail_bytes", **limit}])
    assert (sight.seen, sight.reason) == (seen, reason)


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (b"", "there is no series up"),
        (b"<html>up</html>", "there is no series up"),
        (b"up one\n", "the page is not in Prometheus' text format"),
        (b'up{a="\n', "the page is not in Prometheus' text format"),
        (b"up{} " + b"\xff" * 100, "the page is not in Prometheus' text format"),
        (b"# x\n" * 1_200_000, "the page has more than 4,000,000 bytes"),
    ],
)
def test_what_is_no_page_of_metrics_is_down(near: Around, page: bytes, reason: str) -> None:
    sight = scrape(near, page, keep=["up"])
    assert (sight.seen, sight.reason) == (Seen.DOWN, reason)


def test_what_is_no_number_is_judged_and_not_kept(near: Around) -> None:
    sight = scrape(near, keep=["odd", "endless", "up"])
    assert (sight.seen, [one.name for one in sight.facts]) == (Seen.UP, ["up"])


def test_more_series_than_wanted_are_not_kept(near: Around) -> None:
    page = "".join(f'up{{n="{number}"}} 1\n' for number in range(50_000)).encode()
    sight = scrape(near, page, keep=["up"], max_series=10)
    assert (sight.seen, sight.reason) == (Seen.UNKNOWN, "more than 10 series are selected")
    assert len(sight.facts) == 10


@pytest.mark.parametrize(
    "text",
    ["", "1up", "up{", "up{a}", "up{a=b}", 'up{a="}', 'up{a=~"("}', 'up{a="b" c="d"}', "a b"],
)
def test_what_selects_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"selects nothing|cannot be read|no pattern"):
        Selector.parsed(text)


def test_a_name_alone_takes_every_series_of_it() -> None:
    assert Selector.parsed("up").takes(Series("up", (("a", "b"),), 1))
    assert not Selector.parsed("up").takes(Series("upper", (), 1))
