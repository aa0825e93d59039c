"""Text becomes a checked expression; what is not supported is refused by name. Pure.

The grammar is that of promql-parser. What opskit does not evaluate as Prometheus would is refused
here, when a rule is loaded, so that nothing is ever evaluated wrong.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

import promql_parser as grammar

from opskit.alerts.promql import labeling, mapping, ranges
from opskit.alerts.promql.nodes import (
    Aggregate,
    Binary,
    Bound,
    Call,
    Grouping,
    Matching,
    Negated,
    Node,
    NotSupportedError,
    Number,
    QueryError,
    Range,
    Selector,
    Side,
    Subquery,
    Text,
    When,
)
from opskit.alerts.promql.series import NAME, Match, Matcher, pattern

_AGGREGATIONS: Final = frozenset(
    [
        "sum",
        "min",
        "max",
        "avg",
        "count",
        "stddev",
        "stdvar",
        "group",
        "topk",
        "bottomk",
        "quantile",
        "count_values",
    ]
)
_OWN: Final = frozenset({"absent", "absent_over_time", "timestamp", "time", "scalar", "vector"})
FUNCTIONS: Final = frozenset({*mapping.NAMES, *ranges.NAMES, *labeling.NAMES, *_OWN})
# By their words: the library's own constants have no hash.
_MATCHES: Final = {
    "MatchOp.Equal": Match.EQUAL,
    "MatchOp.NotEqual": Match.DIFFERENT,
    "MatchOp.Re": Match.LIKE,
    "MatchOp.NotRe": Match.UNLIKE,
}
_SIDES: Final = {
    "VectorMatchCardinality.ManyToOne": Side.LEFT,
    "VectorMatchCardinality.OneToMany": Side.RIGHT,
}
# What RE2 reads otherwise than Python, or Python not at all.
_FOREIGN_REGEX: Final = re.compile(
    r"\\[pPQEzC1-9]|(?<!\\)\[\^?\[|\(\?[a-zA-Z]*U|\(\?[=!<#(](?!\w+>)|\[[^\]]*(?:&&|--|~~|\|\|)"
)


# Python takes it for a possessive quantifier, RE2 for a mistake.
_TWICE_REPEATED: Final = re.compile(r"(?<!\\)[*+?}]\+")

# The grammar's library ends the process where nesting exhausts its stack, from about 10,000
# characters on; Python's own limit is met far earlier, so levels are counted.
_LONGEST: Final = 4000
_DEEPEST: Final = 100


def parsed(text: str) -> Node:
    """Return what TEXT says. `QueryError` names what is wrong or not supported, and where."""
    if len(text) > _LONGEST:
        raise NotSupportedError(f"more than {_LONGEST} characters are not supported")
    _know_older_names()
    try:
        tree = grammar.parse(text)
    except ValueError as error:
        raise QueryError(_at(text, str(error)) + str(error).replace("\n", " ")) from None
    return _Reader(text).node(tree)


def _know_older_names() -> None:
    """Teach the grammar what Prometheus called `double_exponential_smoothing` until version 3."""
    kinds = grammar.ValueType
    older = grammar.Function(
        "holt_winters", [kinds.Matrix, kinds.Scalar, kinds.Scalar], kinds.Vector
    )
    grammar.clear_extra_functions()
    grammar.register_extra_functions([older])


def _at(text: str, message: str) -> str:
    """Return the place of the name that MESSAGE quotes, as `line:column: `."""
    named = re.search(r"'(\w+)'", message)
    return _place(text, named[1]) if named else ""


def _place(text: str, name: str) -> str:
    found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)
    if found is None:
        return ""
    before = text[: found.start()]
    return f"{before.count(chr(10)) + 1}:{found.start() - before.rfind(chr(10))}: "


class _Reader:
    """Reads the tree of one TEXT."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0

    def node(self, tree: Any) -> Node:  # noqa: ANN401 - the library's own union of kinds
        """Return the same as our own kind of node."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotSupportedError(f"more than {_DEEPEST} levels are not supported")
        found = self._simple(tree)
        self._depth -= 1
        return found

    def _simple(self, tree: Any) -> Node:  # noqa: ANN401 - the same
        match tree:
            case grammar.NumberLiteral():
                return Number(tree.val)
            case grammar.StringLiteral():
                return Text(tree.val)
            case grammar.ParenExpr():
                return self.node(tree.expr)
            case grammar.VectorSelector():
                return self._selector(tree)
            case grammar.MatrixSelector():
                return Range(self._selector(tree.vector_selector), _ms(tree.range))
            case _:
                return self._compound(tree)

    def _compound(self, tree: Any) -> Node:  # noqa: ANN401 - the same
        match tree:
            case grammar.UnaryExpr():
                return Negated(self.node(tree.expr))
            case grammar.SubqueryExpr():
                return self._subquery(tree)
            case grammar.BinaryExpr():
                return self._binary(tree)
            case grammar.AggregateExpr():
                return self._aggregate(tree)
            case grammar.Call():
                return self._call(tree)
        raise NotSupportedError(f"an expression of kind {type(tree).__name__} is not supported")

    def _refuse(self, name: str, kind: str) -> NotSupportedError:
        return NotSupportedError(f"{_place(self._text, name)}{kind} {name} is not supported")

    def _wrong(self, name: str, kind: str) -> QueryError:
        return QueryError(f"{_place(self._text, name)}{kind} {name} is not valid")

    def _selector(self, tree: grammar.VectorSelector) -> Selector:
        if tree.matchers.or_matchers:
            raise self._wrong("or", "the matcher")
        name = () if tree.name is None else (Matcher(NAME, Match.EQUAL, tree.name),)
        rest = tuple(Matcher(m.name, _MATCHES[str(m.op)], m.value) for m in tree.matchers.matchers)
        for matcher in rest:
            if matcher.how in {Match.LIKE, Match.UNLIKE}:
                self._regex(matcher.value)
        return Selector((*name, *rest), _when(tree))

    def _regex(self, text: str) -> None:
        if _TWICE_REPEATED.search(text):
            raise self._wrong(text, "the regular expression")
        if _FOREIGN_REGEX.search(text):
            raise self._refuse(text, "the regular expression")
        try:
            pattern(text)
        except re.error:
            raise self._wrong(text, "the regular expression") from None

    def _subquery(self, tree: grammar.SubqueryExpr) -> Subquery:
        step = None if tree.step is None else _ms(tree.step)
        if tree.range is None:
            raise self._refuse("[:]", "a subquery without a range")
        return Subquery(self.node(tree.expr), _ms(tree.range), step, _when(tree))

    def _binary(self, tree: grammar.BinaryExpr) -> Binary:
        left, right = self.node(tree.lhs), self.node(tree.rhs)
        said = tree.modifier
        if said is None:
            return Binary(str(tree.op), left, right)
        fill = said.fill_values
        if (fill.lhs, fill.rhs) != (None, None):
            raise self._refuse("fill", "the modifier")
        on = said.matching is not None and said.matching.type == grammar.LabelModifierType.Include
        names = frozenset(said.matching.labels if said.matching else ())
        include = tuple(said.group_labels or ())
        matching = Matching(names, on, _SIDES.get(str(said.card), Side.NEITHER), include)
        return Binary(str(tree.op), left, right, matching, said.return_bool)

    def _aggregate(self, tree: grammar.AggregateExpr) -> Aggregate:
        operator = str(tree.op)
        if operator not in _AGGREGATIONS:
            raise self._refuse(operator, "the aggregation")
        parameter = None if tree.param is None else self.node(tree.param)
        return Aggregate(operator, self.node(tree.expr), parameter, _grouping(tree.modifier))

    def _call(self, tree: grammar.Call) -> Call:
        name = tree.func.name
        if name not in FUNCTIONS:
            raise self._refuse(name, "the function")
        arguments = tuple(self.node(one) for one in tree.args)
        if name == "label_replace" and isinstance(arguments[4], Text):
            self._regex(arguments[4].value)
        return Call(name, arguments)


def _grouping(said: grammar.AggModifier | None) -> Grouping:
    if said is None:
        return Grouping()
    return Grouping(frozenset(said.labels), said.type == grammar.AggModifierType.Without)


def _when(tree: grammar.VectorSelector | grammar.SubqueryExpr) -> When:
    return When(0 if tree.offset is None else _ms(tree.offset), _instant(tree.at))


def _instant(said: grammar.AtModifier | None) -> int | Bound | None:
    if said is None:
        return None
    if said.at is None:
        return Bound.START if said.type == grammar.AtModifierType.Start else Bound.END
    return round(said.at.timestamp() * 1000)


def _ms(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)
