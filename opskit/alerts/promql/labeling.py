"""Functions of a whole vector: labels made anew, order, quantiles of histograms. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Final

from opskit.alerts.promql import numbers
from opskit.alerts.promql.nodes import QueryError
from opskit.alerts.promql.series import NAME, Labels, Match, Matcher, Sample, pattern, without

Vector = list[Sample]
Argument = float | str | Vector
LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_BUCKETED: Final = frozenset({"le", NAME})
_REFERENCE: Final = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")


def _replaced(vector: Vector, given: Sequence[str]) -> Vector:
    target, replacement, source, text = given
    _checked(target, "destination label name in label_replace()")
    try:
        wanted = pattern(text)
    except re.error:
        raise QueryError(f"invalid regular expression in label_replace(): {text}") from None
    return [_one_replaced(sample, target, replacement, source, wanted) for sample in vector]


def _one_replaced(
    sample: Sample, target: str, replacement: str, source: str, wanted: re.Pattern[str]
) -> Sample:
    found = wanted.fullmatch(sample.labels.get(source))
    if found is None:
        return sample
    value = _REFERENCE.sub(lambda reference: _referred(found, reference), replacement)
    return Sample(sample.labels.changed({target: value}), sample.value)


def _referred(found: re.Match[str], reference: re.Match[str]) -> str:
    if reference[1]:
        return "$"
    name = reference[2] or reference[3]
    try:
        return found[int(name) if name.isdecimal() else name] or ""
    except IndexError:
        return ""


def _joined(vector: Vector, given: Sequence[str]) -> Vector:
    target, separator, *sources = given
    for name in sources:
        _checked(name, "source label name in label_join()")
    _checked(target, "destination label name in label_join()")
    return [
        Sample(
            labels.changed({target: separator.join(labels.get(name) for name in sources)}), value
        )
        for labels, value in vector
    ]


def _checked(name: str, what: str) -> None:
    if not LABEL.fullmatch(name):
        raise QueryError(f"invalid {what}: {name}")


def _histogram_quantile(share: float, vector: Vector) -> Vector:
    groups: dict[Labels, list[tuple[float, float]]] = {}
    for labels, count in vector:
        bound = _bound(labels.get("le"))
        if bound is not None:
            groups.setdefault(without(labels, _BUCKETED), []).append((bound, count))
    return [
        Sample(labels, numbers.bucket_quantile(share, buckets))
        for labels, buckets in groups.items()
    ]


def _bound(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _sorted(vector: Vector, *, sign: int) -> Vector:
    return sorted(vector, key=lambda sample: (math.isnan(sample.value), sign * sample.value))


_Function = Callable[[Sequence[Argument]], Vector]


def _relabeled(function: Callable[[Vector, Sequence[str]], Vector]) -> _Function:
    def answered(arguments: Sequence[Argument]) -> Vector:
        vector, *texts = arguments
        assert isinstance(vector, list)  # noqa: S101 - the grammar checked what is given
        return function(vector, [text for text in texts if isinstance(text, str)])

    return answered


def _quantile(arguments: Sequence[Argument]) -> Vector:
    share, vector = arguments
    assert isinstance(share, float)  # noqa: S101 - the grammar checked what is given
    assert isinstance(vector, list)  # noqa: S101 - the same
    return _histogram_quantile(share, vector)


_FUNCTIONS: Final[dict[str, _Function]] = {
    "label_replace": _relabeled(_replaced),
    "label_join": _relabeled(_joined),
    "histogram_quantile": _quantile,
    "sort": _relabeled(lambda vector, _: _sorted(vector, sign=1)),
    "sort_desc": _relabeled(lambda vector, _: _sorted(vector, sign=-1)),
}
NAMES: Final = frozenset(_FUNCTIONS)


def applied(name: str, arguments: Sequence[Argument]) -> Vector:
    """Return what function NAME makes of its arguments."""
    return _FUNCTIONS[name](arguments)


def of_absent(matchers: Sequence[Matcher]) -> Labels:
    """Return the labels that a series which is not there would have, as far as they are known."""
    known: dict[str, str] = {}
    doubtful: set[str] = set()
    for matcher in matchers:
        if matcher.name == NAME:
            continue
        if matcher.how is Match.EQUAL and matcher.name not in known:
            known[matcher.name] = matcher.value
        else:
            doubtful.add(matcher.name)
    return Labels(pair for pair in known.items() if pair[0] not in doubtful)
