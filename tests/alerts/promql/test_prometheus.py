"""The evaluator answers as a real Prometheus does: same labels, values equal to 1e-9 of themselves.

What Prometheus refuses is refused. Two answers are compared as sets of labels with values; the
order only for `sort`. Equal are also two NaN, and values both below 1e-9 in size.
"""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from opskit.alerts.promql.evaluation import Settings, instant, over
from opskit.alerts.promql.nodes import QueryError
from opskit.alerts.promql.parsing import parsed
from opskit.alerts.promql.ranges import Edges
from opskit.alerts.promql.series import Labels, Sample
from tests.alerts.promql.recorded import END, START, lines, memory
from tests.conftest import CASES
from tests.rig.plugin import require
from tests.rig.prometheus import Prometheus, available

pytestmark = pytest.mark.real
FILES = sorted((CASES / "promql").glob("*.promql"))
EXPRESSIONS = [line for path in FILES for line in path.read_text().splitlines()]
STORAGE = memory()
AS_THEN = Settings(edges=Edges.CLOSED)
INSTANTS = (START + 45 * 60_000, START + 100 * 60_000 + 7_123)
PERIOD = (START + 50 * 60_000, END + 4 * 60_000, 13 * 60_000 + 1_000)
Found = dict[Labels, list[tuple[int, float]]] | str | None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    require(available())
    with Prometheus(tmp_path_factory.mktemp("prometheus"), list(lines())) as running:
        yield running.url


def _asked(url: str, path: str, **parameters: str) -> dict[str, Any] | None:
    """Return what the server answers, None where it refuses."""
    data = urllib.parse.urlencode(parameters).encode()
    try:
        with urllib.request.urlopen(f"{url}/api/v1/{path}", data, timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)["data"]
            return found
    except urllib.error.HTTPError as error:
        if error.code not in {400, 422}:
            raise
        return None


def _points(pairs: list[Any]) -> list[tuple[int, float]]:
    return [(round(time * 1000), float(value)) for time, value in pairs]


def _theirs(data: dict[str, Any] | None) -> Found:
    if data is None:
        return None
    result = data["result"]
    match data["resultType"]:
        case "string":
            return str(result[1])
        case "scalar":
            return {Labels(): _points([result])}
        case "vector":
            return {Labels.of(one["metric"]): _points([one["value"]]) for one in result}
        case _:
            return {Labels.of(one["metric"]): _points(one["values"]) for one in result}


def _ours(text: str, at: int) -> Found:
    try:
        answer = instant(parsed(text), STORAGE, at, AS_THEN)
    except QueryError:
        return None
    if isinstance(answer, str):
        return answer
    if isinstance(answer, float):
        return {Labels(): [(at, answer)]}
    return {
        one.labels: [(at, one.value)]
        if isinstance(one, Sample)
        else list(zip(one.times, one.values, strict=True))
        for one in answer
    }


def _over(text: str) -> Found:
    try:
        found = over(parsed(text), STORAGE, *PERIOD, AS_THEN)
    except QueryError:
        return None
    return {one.labels: list(zip(one.times, one.values, strict=True)) for one in found}


def _same_value(left: float, right: float) -> bool:
    if math.isnan(left) or math.isnan(right):
        return math.isnan(left) and math.isnan(right)
    return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)


def _same(ours: Found, theirs: Found) -> bool:
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        return ours == theirs
    return ours.keys() == theirs.keys() and all(
        [time for time, _ in points] == [time for time, _ in theirs[labels]]
        and all(
            _same_value(mine[1], other[1])
            for mine, other in zip(points, theirs[labels], strict=True)
        )
        for labels, points in ours.items()
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_at_an_instant_it_answers_as_prometheus(server: str, path: Any) -> None:
    different = [
        (text, at)
        for text in path.read_text().splitlines()
        for at in INSTANTS
        if not _same(
            _ours(text, at), _theirs(_asked(server, "query", query=text, time=f"{at / 1000:.3f}"))
        )
    ]
    assert different == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_over_a_period_it_answers_as_prometheus(server: str, path: Any) -> None:
    start, end, step = (f"{value / 1000:.3f}" for value in PERIOD)
    different = [
        text
        for text in path.read_text().splitlines()
        if not _same(
            _over(text),
            _theirs(_asked(server, "query_range", query=text, start=start, end=end, step=step)),
        )
    ]
    assert different == []


@pytest.mark.parametrize("text", ["sort(load)", "sort_desc(load)", "sort(odd)"])
def test_sorted_is_sorted_as_by_prometheus(server: str, text: str) -> None:
    at = INSTANTS[0]
    ours, theirs = (
        _ours(text, at),
        _theirs(_asked(server, "query", query=text, time=str(at / 1000))),
    )
    assert isinstance(ours, dict)
    assert isinstance(theirs, dict)
    assert list(ours) == list(theirs)


_names = st.sampled_from(["load", "patchy", "up", "requests_total", "limit", "ended"])
_lengths = st.sampled_from(["20s", "90s", "5m", "17m"])
_leaves = st.one_of(
    _names,
    st.builds(lambda name, job: f'{name}{{job=~"{job}"}}', _names, st.sampled_from(["web", ".*b"])),
    st.builds(
        lambda function, name, length, offset: f"{function}({name}[{length}]{offset})",
        st.sampled_from(["rate", "delta", "avg_over_time", "max_over_time", "changes"]),
        _names,
        _lengths,
        st.sampled_from(["", " offset 1m", " offset -90s"]),
    ),
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["+", "-", "*", "/", "> bool", "<", "and", "or", "unless"])
    how = st.sampled_from(["", " on(instance)", " ignoring(code)", " on(job)"])
    grouping = st.sampled_from(["", " by (job)", " without (instance)", " by (job, code)"])
    return st.one_of(
        st.builds(lambda a, o, h, b: f"({a} {o}{h} {b})", inner, operators, how, inner),
        st.builds(lambda a, o: f"({a} {o} 3.5)", inner, st.sampled_from(["+", "<=", "^"])),
        st.builds(
            lambda f, g, a: f"{f}{g} ({a})", st.sampled_from(["sum", "avg", "max"]), grouping, inner
        ),
        st.builds(
            lambda f, a: f"{f}({a})", st.sampled_from(["abs", "-", "floor", "absent"]), inner
        ),
        st.builds(lambda a, n: f"max_over_time(({a})[{n}:1m])", inner, st.sampled_from(["3m"])),
    )


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=st.recursive(_leaves, _grown, max_leaves=4))
def test_whatever_is_asked_it_answers_as_prometheus(server: str, text: str) -> None:
    at = INSTANTS[1]
    theirs = _theirs(_asked(server, "query", query=text, time=f"{at / 1000:.3f}"))
    assert _same(_ours(text, at), theirs)


def test_there_is_much_to_ask() -> None:
    assert len(EXPRESSIONS) > 500
