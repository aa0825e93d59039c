"""What cannot be evaluated as Prometheus would is refused when it is read, in one line."""

from __future__ import annotations

import pytest

from opskit.alerts.promql.evaluation import instant, over
from opskit.alerts.promql.nodes import QueryError
from opskit.alerts.promql.parsing import parsed
from opskit.alerts.promql.series import Labels, Memory, Series
from tests.conftest import CASES

REFUSED = (CASES / "promql" / "refused.txt").read_text().splitlines()


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_supported_is_refused_by_name(case: str) -> None:
    text, message = case.split("  =>  ")
    with pytest.raises(QueryError) as refused:
        parsed(text)
    assert refused.value.message == message


@pytest.mark.parametrize(
    "text", ["(" * 300 + "1" + ")" * 300, "-" * 300 + "a", "1" + "+1" * 300, "(" * 50_000]
)
def test_what_is_nested_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match="not supported"):
        parsed(text)


def test_ambiguous_matches_are_refused_in_the_words_of_prometheus() -> None:
    storage = Memory()
    for name, host in (("a", "1"), ("a", "2"), ("b", "1"), ("b", "2"), ("c", "")):
        labels = Labels.of({"__name__": name, "host": host, "job": "x"})
        storage.add(Series.made(labels, [(0, 1.0)]))

    with pytest.raises(QueryError, match="many-to-many matching not allowed"):
        instant(parsed("a + on(job) b"), storage, 0)
    with pytest.raises(QueryError, match="many-to-one matching must be explicit"):
        instant(parsed("a + on(job) c"), storage, 0)
    with pytest.raises(QueryError, match="vector cannot contain metrics with the same labelset"):
        instant(parsed('rate({__name__=~"a|b"}[5m]) + 1 or abs({__name__=~"a|b"})'), storage, 0)


@pytest.mark.parametrize(("text", "step"), [("a[5m]", 1000), ("a", 0), ("a", 1)])
def test_periods_without_sense_are_refused(text: str, step: int) -> None:
    with pytest.raises(QueryError):
        over(parsed(text), Memory(), 0, 100_000, step)
