"""Tests of rules, as promtool's files have them: given these series, these alerts fire. Pure.

Source: Prometheus documentation, "Unit testing for rules". Series are written as `1+2x3`, `_x5`
and `stale`; every test begins at the epoch, and evaluates its groups each `evaluation_interval`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from opskit.alerts.evaluating import ALERTNAME, Running, rules_of
from opskit.alerts.model import Group, PromDuration, milliseconds
from opskit.alerts.promql.evaluation import Settings, instant
from opskit.alerts.promql.nodes import QueryError, Selector
from opskit.alerts.promql.parsing import parsed
from opskit.alerts.promql.series import STALE, Labels, Match, Memory, Sample, Series
from opskit.outside.models import Model

_MINUTE: Final = "1m"
# Samples are written down one by one: a test of a year at a minute has half a million.
_MOST: Final = 1_000_000
_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+|[Ii]nf|NaN)"
_VALUES = re.compile(
    rf"(?P<gap>_)(?:x(?P<gaps>\d+))?$|(?P<stale>stale)(?:x(?P<stales>\d+))?$"
    rf"|(?P<first>{_NUMBER})(?:(?P<step>[-+](?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?))?x(?P<times>\d+))?$"
)
# Values are compared as closely as another order of adding up may tell them apart.
_CLOSE: Final = 1e-9


def _series(text: str) -> str:
    try:
        _labels(text)
    except QueryError as error:
        raise ValueError(error.message) from error
    return text


def _values(text: object) -> str:
    """Check values; what a file has as a bare number is one."""
    list(_points(str(text)))
    return str(text)


class InputSeries(Model):
    """A series that is there."""

    series: Annotated[str, AfterValidator(_series)]
    values: Annotated[str | int | float, AfterValidator(_values)]


class ExpectedAlert(Model):
    """An alert that has to fire."""

    exp_labels: dict[str, str | int | float | bool] = Field(default_factory=dict)
    exp_annotations: dict[str, str | int | float | bool] = Field(default_factory=dict)


class AlertTest(Model):
    """Which alerts of a name fire at a time; no others."""

    eval_time: PromDuration
    alertname: str
    exp_alerts: tuple[ExpectedAlert, ...] = ()


class ExpectedSample(Model):
    """An element that an expression has to find."""

    labels: Annotated[str, AfterValidator(_series)] = "{}"
    value: float | str = 0.0


class ExpressionTest(Model):
    """What an expression finds at a time."""

    expr: str
    eval_time: PromDuration
    exp_samples: tuple[ExpectedSample, ...] = ()


class Test(Model):
    """Series, and what has to come of them."""

    name: str = ""
    interval: PromDuration = "0"
    input_series: tuple[InputSeries, ...] = ()
    alert_rule_test: tuple[AlertTest, ...] = ()
    promql_expr_test: tuple[ExpressionTest, ...] = ()
    external_labels: dict[str, str] = Field(default_factory=dict)
    external_url: str = ""


class TestFile(Model):
    """A file of tests; `rule_files` are beside it and may have `*`."""

    rule_files: tuple[str, ...] = ()
    evaluation_interval: PromDuration = _MINUTE
    group_eval_order: tuple[str, ...] = ()
    fuzzy_compare: bool = False
    tests: tuple[Test, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return what each test is called; by its place where it has no name."""
        return tuple(one.name or f"test {number}" for number, one in enumerate(self.tests, start=1))


@dataclass(frozen=True, slots=True)
class Failure:
    """What came otherwise: where, what was expected, what was got."""

    test: str
    about: str
    at: str
    expected: tuple[str, ...]
    got: tuple[str, ...]
    error: str = ""


def failures(file: TestFile, groups: Sequence[Group], settings: Settings) -> Iterator[Failure]:
    """Yield what came otherwise than the tests of a file expect, in their order."""
    order = {name: index for index, name in enumerate(file.group_eval_order)}
    ordered = sorted(groups, key=lambda one: order.get(one.name, len(order)))
    for name, test in zip(file.names, file.tests, strict=True):
        yield from _one(test, name, file, ordered, settings)


def _one(
    test: Test, name: str, file: TestFile, groups: Sequence[Group], settings: Settings
) -> Iterator[Failure]:
    storage = Memory()
    step = milliseconds(test.interval) or milliseconds(file.evaluation_interval)
    for given in test.input_series:
        points = ((index * step, value) for index, value in _points(str(given.values)))
        storage.add(Series.made(_labels(given.series), points))
    running = [
        Running(rules_of(group), storage, settings, test.external_labels) for group in groups
    ]
    every = milliseconds(file.evaluation_interval)
    asked = sorted(test.alert_rule_test, key=lambda one: milliseconds(one.eval_time))
    for at in range(0, _last(test) + 1, every):
        for group, turn in zip(groups, running, strict=True):
            try:
                turn.turn(at)
            except QueryError as error:
                yield Failure(name, f"group {group.name}", f"{at // 1_000}s", (), (), error.message)
                return
        while asked and milliseconds(asked[0].eval_time) < at + every:
            yield from _compared_alerts(name, asked.pop(0), running)
    for wanted in test.promql_expr_test:
        yield from _compared_samples(name, wanted, storage, settings)


def _last(test: Test) -> int:
    """Return the last time (ms) that a test looks at."""
    alerts = (one.eval_time for one in test.alert_rule_test)
    samples = (one.eval_time for one in test.promql_expr_test)
    return max(map(milliseconds, (*alerts, *samples)), default=0)


def _compared_alerts(
    name: str, expected: AlertTest, running: Sequence[Running]
) -> Iterator[Failure]:
    got = sorted(
        _alert(dict(one.labels.pairs), one.annotations)
        for group in running
        for one in group.alerts(expected.alertname)
        if one.fires
    )
    wanted = sorted(
        _alert(
            {ALERTNAME: expected.alertname, **_texts(one.exp_labels)}, _texts(one.exp_annotations)
        )
        for one in expected.exp_alerts
    )
    if got != wanted:
        about = f"alertname {expected.alertname}"
        yield Failure(name, about, expected.eval_time, tuple(wanted), tuple(got))


def _alert(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
    notes = ", ".join(f"{key}={value!r}" for key, value in sorted(annotations.items()))
    return f"{Labels.of(labels)!r} {{{notes}}}"


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    """Return values of a file as Prometheus reads them."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in values.items()
    }


def _compared_samples(
    name: str, wanted: ExpressionTest, storage: Memory, settings: Settings
) -> Iterator[Failure]:
    about, at = f"expr {wanted.expr}", wanted.eval_time
    expected = {_labels(one.labels): float(one.value) for one in wanted.exp_samples}
    try:
        found = instant(parsed(wanted.expr), storage, milliseconds(at), settings)
    except QueryError as error:
        yield Failure(name, about, at, (), (), error.message)
        return
    samples = [Sample(Labels(), found)] if isinstance(found, float) else found
    got = {one.labels: one.value for one in samples if isinstance(one, Sample)}
    if got.keys() != expected.keys() or any(
        not _close(value, expected[labels]) for labels, value in got.items()
    ):
        yield Failure(name, about, at, tuple(_lines(expected)), tuple(_lines(got)))


def _lines(samples: Mapping[Labels, float]) -> Iterator[str]:
    return (f"{labels!r} {value:.17g}" for labels, value in samples.items())


def _close(one: float, other: float) -> bool:
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return math.isclose(one, other, rel_tol=_CLOSE)


def _labels(text: str) -> Labels:
    """Return the labels that a selector of equalities alone names.

    Raises:
        QueryError: it is none.
    """
    if text.strip() in ("", "{}"):
        return Labels()
    try:
        node = parsed(text)
    except QueryError:
        # What Prometheus does not take for a selector is still a set of labels: {a=""}.
        node = parsed(f"x{text}") if text.lstrip().startswith("{") else parsed(text)
    if not isinstance(node, Selector) or any(one.how is not Match.EQUAL for one in node.matchers):
        raise QueryError(f'{text!r} is no series; write up{{job="x"}}')
    return Labels((one.name, one.value) for one in node.matchers)


def _points(text: str) -> Iterator[tuple[int, float]]:
    """Yield the samples of a series, each with its place; gaps are left out.

    Raises:
        ValueError: it is none, or too long to write down.
    """
    place = 0
    for word in text.split():
        match = _VALUES.match(word)
        if match is None:
            message = f"{word!r} is no value; write 1, 1+2x3, 1x4, _, _x5 or stale"
            raise ValueError(message)
        values = _expanded(match)
        if place + values.count > _MOST:
            message = f"more than {_MOST:,} samples"
            raise ValueError(message)
        for index in range(values.count):
            if values.first is not None:
                # The mark of staleness is no number: to add nothing to it would change it.
                value = values.first + index * values.step if values.step else values.first
                yield place + index, value
        place += values.count


@dataclass(frozen=True, slots=True)
class _Expanded:
    """Values of one word: COUNT of them from FIRST on; without any, a gap."""

    first: float | None
    step: float
    count: int


def _expanded(match: re.Match[str]) -> _Expanded:
    if match["gap"]:
        return _Expanded(None, 0.0, int(match["gaps"] or 1))
    if match["stale"]:
        return _Expanded(STALE, 0.0, int(match["stales"] or 0) + 1)
    count = 1 if match["times"] is None else int(match["times"]) + 1
    return _Expanded(float(match["first"]), float(match["step"] or 0.0), count)
