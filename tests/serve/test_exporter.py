"""The page: what the library would write, only faster; and large pages are shared."""

from __future__ import annotations

import math
import subprocess

import pytest
from hypothesis import given, strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from opskit.core.clock import FrozenClock, Instant
from opskit.core.metrics import Family, Sample, gauge, one, states, tidied
from opskit.serve.exporter import Pages, _Families, openmetrics, page
from tests.rig.command import missing
from tests.rig.plugin import require

NASTY = ['a"b', "a\\b", "a\nb", "\x1b[31m", "\u202e", "\ud800", "é", "x" * 500, ""]
TEXTS = st.text(max_size=20) | st.sampled_from(NASTY)
NUMBERS = (
    st.floats() | st.integers(-(10**9), 10**9).map(float) | st.sampled_from([1e6, 1.8e9, -0.0])
)
LABELS = st.dictionaries(st.sampled_from(["service", "window", "item"]), TEXTS, max_size=3)
SAMPLES = st.lists(st.builds(Sample, NUMBERS, LABELS.map(lambda d: tuple(d.items()))), max_size=6)
FAMILIES = st.lists(
    st.builds(
        Family,
        st.sampled_from(["opskit_a", "opskit_b_seconds"]),
        st.just("gauge"),
        TEXTS.map(lambda text: text.encode("utf-8", "replace").decode()),
        SAMPLES.map(tuple),
    ),
    max_size=3,
    unique_by=lambda family: family.name,
)


def by_the_library(families: tuple[Family, ...]) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Families(families))
    return generate_latest(registry)


@given(FAMILIES)
def test_the_page_is_what_the_library_would_write(families: list[Family]) -> None:
    tidy = tidied(families, 1_000)
    assert page(tidy) == by_the_library(tidy)


def test_a_counter_is_written_as_the_library_would_and_nothing_is_created() -> None:
    looks = Family("opskit_looks_total", "counter", "Tries.", (Sample(3.0),))
    text = page((looks,))
    assert text == by_the_library((looks,))
    assert text.decode() == (
        "# HELP opskit_looks_total Tries.\n"
        "# TYPE opskit_looks_total counter\n"
        "opskit_looks_total 3.0\n"
    )


def test_as_openmetrics_it_says_the_same() -> None:
    looks = Family("opskit_looks_total", "counter", "Tries.", (Sample(3.0),))
    left = gauge("opskit_left_seconds", "Left.", one(-1.5, service='a"b'))
    text = openmetrics((looks, left)).decode()
    assert "_created" not in text
    found = {
        (sample.name, sample.value, tuple(sample.labels.items()))
        for family in text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
        for sample in family.samples
    }
    assert found == {
        ("opskit_looks_total", 3.0, ()),
        ("opskit_left_seconds", -1.5, (("service", 'a"b'),)),
    }


@given(FAMILIES)
def test_no_foreign_text_breaks_a_line_or_drives_a_terminal(families: list[Family]) -> None:
    text = page(tidied(families, 1_000)).decode()
    samples = [line for line in text.split("\n") if line and not line.startswith("#")]
    assert all(line.startswith("opskit_") for line in samples)
    assert not any(char in line for line in samples for char in "\x1b\u202e\r\u2028")


def test_what_is_not_known_is_not_there() -> None:
    assert gauge("opskit_a", "A.", one(None)).samples == ()
    assert (
        page((gauge("opskit_a", "A.", one(None)),))
        == b"# HELP opskit_a A.\n# TYPE opskit_a gauge\n"
    )


def test_each_state_has_a_number_and_one_of_them_is_one() -> None:
    found = gauge("opskit_s", "S.", states("not evaluated", ("ok", "not evaluated"), ()))
    assert found.samples == (
        Sample(0.0, (("state", "ok"),)),
        Sample(1.0, (("state", "not_evaluated"),)),
    )


def test_what_is_over_the_limit_is_left_out_and_counted() -> None:
    many = gauge("opskit_many", "M.", ((1.0, (("n", str(n)),)) for n in range(10)))
    few = gauge("opskit_few", "F.", one(1.0))
    kept, other, dropped = tidied((many, few), 4)
    assert [sample.labels[0][1] for sample in kept.samples] == ["0", "1", "2", "3"]
    assert other == few
    assert {sample.labels[0][1]: sample.value for sample in dropped.samples} == {
        "opskit_many": 6.0,
        "opskit_few": 0.0,
    }


def test_two_that_are_the_same_once_cut_are_shown_once() -> None:
    twins = ((1.0, (("item", "x" * 300 + end + "y" * 300),)) for end in "ab")
    kept, dropped = tidied((gauge("opskit_a", "A.", twins),), 10)
    assert len(kept.samples) == 1
    assert dropped.samples[0].value == 1


class Source:
    """Counts how often it is asked."""

    def __init__(self, series: int) -> None:
        self.asked = 0
        self._series = series

    def __call__(self) -> tuple[Family, ...]:
        self.asked += 1
        return (gauge("opskit_a", "A.", ((1.0, (("n", str(n)),)) for n in range(self._series))),)


@pytest.mark.parametrize(("series", "asked"), [(10, 3), (20_000, 2)])
def test_a_large_page_is_shown_again_for_fifteen_seconds(series: int, asked: int) -> None:
    clock, source = FrozenClock(Instant(0)), Source(series)
    pages = Pages(source, clock)
    first = pages.text()
    clock.advance(14_999_999)
    assert (pages.text() == first) is (asked == 2)
    clock.advance(1)
    assert pages.text() != first
    assert source.asked == asked


def test_promtool_finds_nothing_wrong_with_numbers_and_texts_of_every_kind() -> None:
    require(missing({"promtool": "prometheus"}))
    values = (0.0, 1e-9, 1.8e9, -3.5, math.inf, math.nan)
    numbers = gauge(
        "opskit_wait_seconds", "A.", ((v, (("n", str(i)),)) for i, v in enumerate(values))
    )
    texts = gauge(
        "opskit_share_ratio", "B.", ((1.0, (("item", f"{i}{t}"),)) for i, t in enumerate(NASTY))
    )
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=page(tidied((numbers, texts), 100)),
        capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
