"""Windows of Prometheus 3 leave out the sample at their beginning; staleness ends a series."""

from __future__ import annotations

import pytest

from opskit.alerts.promql.evaluation import Settings, instant
from opskit.alerts.promql.parsing import parsed
from opskit.alerts.promql.ranges import Edges
from opskit.alerts.promql.series import STALE, Labels, Memory, Sample, Series

MINUTE = 60_000
CLOSED = Settings(edges=Edges.CLOSED)


def stored(*values: float) -> Memory:
    """Return series `a` with these values, one each minute from 0."""
    storage = Memory()
    points = [(index * MINUTE, value) for index, value in enumerate(values)]
    storage.add(Series.made(Labels.of({"__name__": "a"}), points))
    return storage


def value(text: str, storage: Memory, at: int, settings: Settings) -> float | None:
    found = instant(parsed(text), storage, at, settings)
    assert isinstance(found, list)
    return next((one.value for one in found if isinstance(one, Sample)), None)


# The migration guide of Prometheus 3: a range as long as five intervals holds five samples, not
# six; a range or a subquery as long as its step holds one, too few for a rate.
@pytest.mark.parametrize(
    ("text", "three", "two"),
    [
        ("count_over_time(a[5m])", 5.0, 6.0),
        ("count_over_time(a[1m])", 1.0, 2.0),
        ("count_over_time(a[5m:1m])", 5.0, 6.0),
        ("rate(a[1m])", None, 1 / 60),
        ("increase(a[1m:1m])", None, 1.0),
        ("increase(a[2m])", 2.0, 2.0),
        ("sum_over_time(a[2m])", 19.0, 27.0),
        ("a offset -1m", 10.0, 10.0),
    ],
)
def test_a_window_begins_behind_its_edge(text: str, three: float | None, two: float) -> None:
    storage = stored(*map(float, range(11)))

    assert value(text, storage, 10 * MINUTE, Settings()) == (
        three if three is None else pytest.approx(three)
    )
    assert value(text, storage, 10 * MINUTE, CLOSED) == pytest.approx(two)


@pytest.mark.parametrize(("settings", "seen"), [(Settings(), None), (CLOSED, 3.0)])
def test_a_sample_as_old_as_the_lookback_is_seen_by_prometheus_2_only(
    settings: Settings, seen: float | None
) -> None:
    assert value("a", stored(3.0), 5 * MINUTE - 1, settings) == 3.0
    assert value("a", stored(3.0), 5 * MINUTE, settings) == seen
    assert value("a", stored(3.0), 5 * MINUTE + 1, settings) is None


def test_a_stale_mark_ends_a_series_at_once() -> None:
    storage = stored(1.0, 2.0, STALE)

    assert value("a", storage, 2 * MINUTE - 1, Settings()) == 2.0
    assert value("a", storage, 2 * MINUTE, Settings()) is None
    assert value("count_over_time(a[5m])", storage, 2 * MINUTE, Settings()) == 2.0
    assert value("absent(a)", storage, 2 * MINUTE, Settings()) == 1.0


def test_what_is_appended_is_seen() -> None:
    storage = stored(1.0)
    labels = Labels.of({"__name__": "a"})
    assert value("a", storage, MINUTE, Settings()) == 1.0
    storage.append(labels, MINUTE, 5.0)
    storage.append(Labels.of({"__name__": "a", "host": "x"}), MINUTE, 7.0)

    assert value("sum(a)", storage, MINUTE, Settings()) == 12.0
