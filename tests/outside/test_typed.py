"""Whatever a report is built from comes back from JSON as it was, and in one form only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from opskit.core.clock import Instant
from opskit.core.errors import DataError
from opskit.core.evidence import (
    AccessEvidence,
    DeskEvidence,
    DriftEvidence,
    HostEvidence,
    RunEvidence,
    ServiceEvidence,
    WarningEvidence,
    WordEvidence,
)
from opskit.core.interval import Interval
from opskit.outside.typed import from_json, to_json
from opskit.report.assumptions import Assumption, Baseline
from opskit.report.inputs import EvidenceRow, Inputs, Seal, Source
from opskit.report.statistics.draws import Triangular
from tests.report.render import samples


def rows_of(group: type[Any]) -> tuple[type[Any], ...]:
    """Return the kinds of rows of a group."""
    hints = get_type_hints(group)
    found = (get_args(hints[one.name])[0] for one in fields(group))
    return tuple(one for one in found if one is not str)


KINDS = (
    ServiceEvidence, DriftEvidence, RunEvidence, HostEvidence, Assumption, Baseline, EvidenceRow,
    Seal, Source,
    *(row for group in (AccessEvidence, DeskEvidence, WarningEvidence, WordEvidence)
      for row in rows_of(group)),
)  # fmt: skip
INSTANTS = st.integers(0, 2**53).map(Instant)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
INTERVALS = st.tuples(INSTANTS, INSTANTS).map(sorted).map(lambda both: Interval(*both))
RANGES = st.lists(NUMBERS, min_size=3, max_size=3).map(sorted).map(lambda some: Triangular(*some))
OWN = {Interval: INTERVALS, Triangular: RANGES, float: NUMBERS}


def values(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Return values of a kind: what a type alone does not say is given here."""
    hints = get_type_hints(kind)
    own = {name: OWN[hint] for name, hint in hints.items() if hint in OWN}
    maps = {
        name: st.dictionaries(*map(st.from_type, get_args(hint)), max_size=3)
        for name, hint in hints.items()
        if get_origin(hint) is Mapping
    }
    return st.builds(kind, **own, **maps)


st.register_type_strategy(Interval, INTERVALS)
QUICK = settings(
    max_examples=10, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_row_comes_back_as_it_was(kind: type[Any]) -> None:
    @settings(
        max_examples=10, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(values(kind))
    def check(row: object) -> None:
        text = to_json(row, kind)
        again = from_json(text, kind, name="report.html")
        assert again == row
        assert to_json(again, kind) == text

    check()


@pytest.mark.parametrize("sample", [samples.granting, samples.unobserved], ids=["access", "gaps"])
def test_a_whole_report_is_built_again_from_what_it_carries(sample: Any) -> None:
    built = sample()
    again = from_json(built.embedded, Inputs, name="report.html")
    assert again == built.inputs
    assert to_json(again, Inputs) == built.embedded


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"ground": 1}'])
def test_what_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(DataError, match=r"^report\.html is not what it should be"):
        from_json(text, Inputs, name="report.html")
