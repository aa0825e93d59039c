"""Where marks stand: values in, coordinates out, as files; and what holds of any values."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from opskit.core.clock import DAY, Instant
from opskit.core.interval import Interval
from opskit.outside.typed import from_json
from opskit.report import charts
from opskit.report.charts import Plot
from opskit.report.document import Chart, Table
from opskit.report.render.svg import looks
from opskit.report.render.svg.marks import Box, Drawing, Line, Signs, Words, written
from opskit.report.render.svg.measures import short, ticks, time_scale, wide
from opskit.report.render.svg.plots import NARROW, WIDE, drawing, svg
from opskit.report.times import Times
from tests.report.render.plots import PLOTS, chart

CASES = sorted((Path(__file__).parents[3] / "cases" / "report" / "charts").glob("*.json"))
DAYS = 10
START = Instant(1_790_812_800_000_000)
TIMES = Times(ZoneInfo("UTC"), Interval(START, Instant(START + DAYS * DAY)))


def lines(what: Drawing) -> list[str]:
    return re.sub(r"(?<=>)(?=<(?!title|/))", "\n", written(what.marks)).splitlines()


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_values_come_out_at_their_places(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    kind = getattr(charts, case["kind"])
    plot = from_json(json.dumps(case["plot"]), kind, name=path.name)
    found = drawing(plot, TIMES, case["width"])

    assert {"height": found.height, "drawn": lines(found)} == {
        "height": case["height"],
        "drawn": case["drawn"],
    }


numbers = st.floats() | st.sampled_from((0.0, 1.0, -1.0, 1e-9, 1e300, -1e300, float("nan")))
words = st.text(max_size=30)
instants = st.integers(START - DAY, START + (DAYS + 1) * DAY).map(Instant)
shares = st.none() | numbers
plots = st.one_of(
    st.builds(
        charts.StackedBars,
        st.lists(words, max_size=5).map(tuple),
        st.lists(
            st.builds(charts.Bar, words, st.lists(numbers, max_size=5).map(tuple), words),
            max_size=14,
        ).map(tuple),
        words,
        st.none() | st.floats(0, 1),
    ),
    st.builds(
        charts.BurnLines,
        st.lists(
            st.builds(
                charts.Burn,
                words,
                st.lists(st.tuples(instants, shares), max_size=6).map(
                    lambda one: tuple(sorted(one, key=lambda point: point[0]))
                ),
                words,
            ),
            max_size=14,
        ).map(tuple),
    ),
    st.builds(
        charts.Steps,
        st.lists(
            st.builds(
                charts.Curve,
                words,
                st.lists(st.tuples(numbers, numbers), max_size=5).map(tuple),
                words,
            ),
            max_size=3,
        ).map(tuple),
    ),
    st.builds(
        charts.Dots,
        st.lists(
            st.builds(
                charts.DotRow,
                words,
                st.lists(numbers, max_size=40).map(tuple),
                st.none() | st.tuples(numbers, numbers, numbers),
                words,
            ),
            max_size=4,
        ).map(tuple),
    ),
    st.builds(
        charts.Ranges,
        st.lists(
            st.builds(charts.RangeRow, words, numbers, numbers, numbers, words), max_size=4
        ).map(tuple),
        words,
        st.none() | st.tuples(words, numbers),
    ),
    st.builds(
        charts.Process,
        st.lists(st.builds(charts.Month, words, shares, words), max_size=14).map(tuple),
        st.none() | st.tuples(numbers, numbers, numbers),
        words,
    ),
)


def corners(what: Drawing) -> list[tuple[float, float]]:
    """Return the outermost points of all marks; of words, as wide as they are taken to be."""
    found: list[tuple[float, float]] = []
    for mark in what.marks:
        match mark:
            case Box():
                found += [(mark.x, mark.y), (mark.x + mark.width, mark.y + mark.height)]
            case Line():
                found += [point for points in mark.lines for point in points]
            case Signs():
                found += mark.points
            case Words():
                size = 11.0 if mark.look == "k-tick" else 12.0
                left = {"start": 0.0, "middle": 0.5, "end": 1.0}[mark.anchor] * wide(
                    mark.text, size
                )
                found += [(mark.x - left, mark.y)]
                found += [(mark.x - left + wide(mark.text, size), mark.y)]
    return found


@settings(max_examples=80, deadline=None)
@given(plots, st.sampled_from((NARROW, WIDE)))
def test_no_values_lead_outside_the_drawing(plot: Plot, width: float) -> None:
    found = drawing(plot, TIMES, width)

    assert found.width == width
    assert [
        (x, y) for x, y in corners(found) if not (-1 <= x <= width + 1 and 0 <= y <= found.height)
    ] == []


@settings(max_examples=50, deadline=None)
@given(plots)
def test_any_values_give_a_picture_that_can_be_read(plot: Plot) -> None:
    picture = svg(Chart("c", "t", "a <b>", plot, Table("t", "c", (), ())), TIMES)

    places = [
        one.attrib[name]
        for one in ET.fromstring(picture).iter()
        for name in ("d", "x", "y", "width", "height")
        if name in one.attrib
    ]
    assert all(re.fullmatch(r"[-0-9. MLahvlz]+", place) for place in places)
    assert svg(Chart("c", "t", "a <b>", plot, Table("t", "c", (), ())), TIMES) == picture


@pytest.mark.parametrize("name", PLOTS)
def test_a_picture_has_ground_words_and_fonts_of_its_own(name: str) -> None:
    picture = ET.fromstring(svg(chart(name), TIMES))
    style = picture.find("{*}style")

    assert picture.attrib["role"] == "img"
    assert picture.attrib["aria-label"] == chart(name).alt
    assert "sans-serif" in picture.attrib["font-family"]
    assert style is not None
    assert ".k-ground{fill:#ffffff}" in str(style.text)
    assert "var(" not in str(style.text)
    assert "url(" not in ET.tostring(picture, encoding="unicode")


@pytest.mark.parametrize("name", PLOTS)
def test_every_look_that_is_drawn_is_known(name: str) -> None:
    known = set(re.findall(r"\.(k-[a-z0-9-]+)\{", looks.css(looks.LIGHT)))
    used = {mark.look for mark in drawing(PLOTS[name], TIMES, WIDE).marks}

    assert used <= known


def test_what_was_not_observed_is_not_bridged() -> None:
    for name in ("burn", "process"):
        marks = drawing(PLOTS[name], TIMES, WIDE).marks
        gaps = [one for one in marks if isinstance(one, Box) and one.look == "k-gap"]
        curves = [
            points
            for one in marks
            if isinstance(one, Line) and one.look == "k-now"
            for points in one.lines
        ]
        assert gaps
        for gap in gaps:
            inside = range(int(gap.x) + 1, int(gap.x + gap.width) - 1)
            row = [
                line for line in curves if any(gap.y <= y <= gap.y + gap.height for _, y in line)
            ]
            assert not [line for line in row if any(line[0][0] < x < line[-1][0] for x in inside)]


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12))
def test_ticks_cover_what_they_measure(low: float, span: float) -> None:
    found = ticks(low, low + span)

    assert found[0] <= low
    assert found[-1] >= low + span
    assert 2 <= len(found) <= 9


def test_ticks_are_round_and_told_apart() -> None:
    assert [short(one, ticks(0, 107)) for one in ticks(0, 107)] == [
        "0", "50", "100", "150",
    ]  # fmt: skip
    assert [short(one, ticks(-0.2, 0.3)) for one in ticks(-0.2, 0.3)] == [
        "\u22120.2", "\u22120.1", "0.0", "0.1", "0.2", "0.3",
    ]  # fmt: skip


def test_lengths_of_time_have_named_ticks_around_them() -> None:
    scale = time_scale([2.0, 300.0], 0, 100)

    assert [name for _, name in scale.ticks()] == ["1 min", "10 min", "1 h", "8 h"]
    assert scale.at(1.0) == 0
    assert scale.at(480.0) == 100
