"""Which labels an expression keeps, and which of them have one value for sure. Pure.

Source: Prometheus documentation, "Operators", section vector matching.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from opskit.alerts.checks.subject import Around
from opskit.alerts.promql.nodes import (
    Aggregate,
    Binary,
    Call,
    Matching,
    Negated,
    Node,
    Number,
    Range,
    Selector,
    Side,
    Subquery,
    Text,
)
from opskit.alerts.promql.series import NAME, Match
from opskit.alerts.promql.wording import name_of

Names = frozenset[str]
NONE: Final[Names] = frozenset()
SETS: Final = frozenset({"and", "or", "unless"})
_SCALARS: Final = frozenset({"time", "scalar", "vector", "pi"})
_KEEPING: Final = frozenset({"topk", "bottomk"})
_ABSENT: Final = frozenset({"absent", "absent_over_time"})


def is_scalar(node: Node) -> bool:
    """Tell whether an expression is one number without labels."""
    match node:
        case Number() | Text():
            return True
        case Call():
            return node.name in {"time", "scalar", "pi"}
        case Negated():
            return is_scalar(node.inner)
        case Binary():
            return is_scalar(node.left) and is_scalar(node.right)
        case _:
            return False


def argument(call: Call) -> Node | None:
    """Return the argument of a function whose series it works on."""
    vectors = [one for one in call.arguments if not is_scalar(one)]
    return vectors[0] if vectors else None


def labels_of(node: Node, around: Around) -> Names | None:  # noqa: PLR0911  # one line per kind of node
    """Return the labels that elements can have, None where that is not known."""
    match node:
        case Selector():
            return _of_selector(node, around)
        case Range():
            return labels_of(node.selector, around)
        case Subquery() | Negated():
            return labels_of(node.inner, around)
        case Aggregate():
            return _of_aggregate(node, around)
        case Binary():
            return _of_binary(node, around)
        case Call():
            return _of_call(node, around)
        case _:
            return NONE


def _of_selector(node: Selector, around: Around) -> Names | None:
    name = name_of(node)
    if name in around.records:
        return _of_record(name, around)
    family = around.family(name)
    return None if family is None else family.labels


def _of_record(name: str, around: Around) -> Names | None:
    if name not in around.labels:
        # What is recorded from itself says nothing of its labels.
        around.labels[name] = None
        expression, added = around.records[name]
        kept = labels_of(expression, around)
        around.labels[name] = None if kept is None else kept | added
    return around.labels[name]


def _of_aggregate(node: Aggregate, around: Around) -> Names | None:
    inner = labels_of(node.inner, around)
    if node.operator in _KEEPING:
        return inner
    names = node.grouping.names
    if node.grouping.except_names:
        return None if inner is None else inner - names
    added = frozenset({node.parameter.value}) if isinstance(node.parameter, Text) else NONE
    return (names if inner is None else names & (inner | _SCRAPED)) | added


# What Prometheus adds to whatever it scrapes.
_SCRAPED: Final = frozenset({"job", "instance"})


def _of_binary(node: Binary, around: Around) -> Names | None:
    left, right = labels_of(node.left, around), labels_of(node.right, around)
    if node.operator == "or":
        return None if left is None or right is None else left | right
    if node.operator in SETS or is_scalar(node.right):
        return left
    if is_scalar(node.left):
        return right
    said = node.matching
    if said.many is Side.RIGHT:
        left = right
    if said.many is not Side.NEITHER:
        return None if left is None else left | frozenset(said.include)
    if said.on:
        return said.names if left is None else said.names & (left | _SCRAPED)
    return None if left is None else left - said.names


def _of_call(node: Call, around: Around) -> Names | None:
    if node.name in _SCALARS:
        return NONE
    if node.name in _ABSENT:
        return frozenset(pinned(node.arguments[0]))
    inner = argument(node)
    kept = NONE if inner is None else labels_of(inner, around)
    if node.name in {"label_replace", "label_join"} and isinstance(node.arguments[1], Text):
        return None if kept is None else kept | {node.arguments[1].value}
    return kept


def pinned(node: Node) -> Mapping[str, str]:  # noqa: PLR0911  # one line per kind of node
    """Return the labels that have one value for sure, with it."""
    match node:
        case Selector():
            return {
                one.name: one.value
                for one in node.matchers
                if one.how is Match.EQUAL and one.name != NAME
            }
        case Range():
            return pinned(node.selector)
        case Subquery() | Negated():
            return pinned(node.inner)
        case Aggregate():
            return _kept(node, pinned(node.inner))
        case Binary():
            return _of_both(node)
        case Call() if node.name not in {*_SCALARS, "label_replace", "label_join"}:
            inner = argument(node)
            return {} if inner is None else pinned(inner)
        case _:
            return {}


def _kept(node: Aggregate, values: Mapping[str, str]) -> Mapping[str, str]:
    names, outer = node.grouping.names, node.grouping.except_names
    if node.operator in _KEEPING:
        return values
    return {name: value for name, value in values.items() if (name in names) is not outer}


def _of_both(node: Binary) -> Mapping[str, str]:
    if is_scalar(node.left):
        return pinned(node.right)
    left = pinned(node.left)
    if is_scalar(node.right) or node.operator in {"and", "unless"}:
        return left
    if node.operator == "or":
        right = pinned(node.right)
        return {name: value for name, value in left.items() if right.get(name) == value}
    if node.matching == Matching():
        return {**pinned(node.right), **left}
    return {}


def matched_by(matching: Matching, names: Names) -> Names:
    """Return which of these labels two elements must have in common."""
    return names & matching.names if matching.on else names - matching.names
