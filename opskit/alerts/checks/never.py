"""Rules that can never fire, always fire, or cannot be evaluated at all. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from opskit.alerts.checks.bounds import ANY, COMPARING, Bounds, Reader, always
from opskit.alerts.checks.shape import is_scalar, labels_of, matched_by, pinned
from opskit.alerts.checks.subject import Remark, Subject
from opskit.alerts.promql.nodes import (
    Binary,
    Call,
    Matching,
    Node,
    Range,
    Selector,
    Side,
    Text,
)
from opskit.alerts.promql.series import Match, Matcher
from opskit.alerts.promql.wording import every, name_of, written
from opskit.core.findings import Severity


def results(subject: Subject) -> Iterator[Remark]:
    """Yield an expression whose answer is no set of values at an instant."""
    if isinstance(subject.node, Text | Range):
        message = f"{written(subject.node)} is no value at an instant; evaluating it fails"
        fix = "take a function of it, such as rate() or max_over_time()"
        yield Remark("alerts-no-value", Severity.HIGH, message, fix)


def matchers(subject: Subject) -> Iterator[Remark]:
    """Yield selectors whose matchers exclude one another."""
    for selector in (one for one in subject.every() if isinstance(one, Selector)):
        for one in selector.matchers:
            others = [m for m in selector.matchers if m.name == one.name and m is not one]
            against = [m for m in others if one.how is Match.EQUAL and not m.holds(one.value)]
            if against:
                message = f"{written(selector)}: no {one.name} is both {_is(one)} and "
                yield _never(message + _is(against[0]), 'for one of several values write =~"a|b"')
                break


def _is(matcher: Matcher) -> str:
    return f'{matcher.how.value}"{matcher.value}"'


def comparisons(subject: Subject) -> Iterator[Remark]:
    """Yield comparisons that hold for no value, or for each, by what the values can be."""
    reader = Reader(subject.around)
    for part in subject.every():
        if not (isinstance(part, Binary) and part.operator in COMPARING and not part.as_bool):
            continue
        sides = [reader.of(one) for one in (part.left, part.right)]
        if reader.of(part).empty or _no_truth(part, subject):
            both = zip((part.left, part.right), sides, strict=True)
            shown = ", ".join(_values(*side) for side in both if not is_scalar(side[0]))
            yield _never(f"{written(part)} holds for no value: {shown}", _within(sides))
        elif subject.rule.alert and ANY not in sides and always(part, reader):
            message = f"{written(part)} holds for every value there can be"
            fix = "compare with what should not be"
            yield Remark("alerts-always", Severity.HIGH, message, fix)


def _within(sides: Sequence[Bounds]) -> str:
    varying = next((one for one in sides if one.low < one.high and one != ANY), None)
    return "compare with what can be" if varying is None else f"compare with {_span(varying)}"


def _span(bounds: Bounds) -> str:
    low = "-Inf" if bounds.low == -math.inf else f"{bounds.low:g}"
    high = "+Inf" if bounds.high == math.inf else f"{bounds.high:g}"
    return f"a value within {low} .. {high}"


def _no_truth(part: Binary, subject: Subject) -> bool:
    """Tell whether something that is 0 or 1 is held against a number that is neither."""
    if part.operator != "==" or not isinstance(part.left, Selector) or not is_scalar(part.right):
        return False
    family = subject.around.family(name_of(part.left))
    low, high, *_ = Reader(subject.around).of(part.right)
    return family is not None and family.is_bool and low == high and low not in {0.0, 1.0}


def _values(node: Node, bounds: Bounds) -> str:
    if bounds.low == bounds.high:
        return f"{written(node)} is {bounds.low:g}"
    return f"{written(node)} is {_span(bounds).removeprefix('a value ')}"


def together(subject: Subject) -> Iterator[Remark]:
    """Yield conditions on the same value that exclude one another: x > 5 and x < 3."""
    within: set[Node] = set()
    for part in subject.every():
        if not (isinstance(part, Binary) and part.operator == "and") or part in within:
            continue
        within |= {one for one in every(part) if one is not part}
        found: dict[Node, Bounds] = {}
        for condition in _joined(part):
            for value, bounds in _conditions(condition, subject).items():
                before = found.get(value, ANY)
                found[value] = before.both(bounds)
                if found[value].empty and not before.empty and not bounds.empty:
                    message = f"no {written(value)} fulfills both conditions at once"
                    yield _never(message, "write `or` between them, or other bounds")


def _joined(node: Node) -> Iterator[Node]:
    if isinstance(node, Binary) and node.operator == "and":
        yield from _joined(node.left)
        yield from _joined(node.right)
    else:
        yield node


def _conditions(node: Node, subject: Subject) -> Mapping[Node, Bounds]:
    """Return the value that a condition compares with constants, and what it can be then."""
    while isinstance(node, Binary) and node.operator in COMPARING and is_scalar(node.right):
        if not isinstance(node.left, Binary) or node.left.operator not in COMPARING:
            return {node.left: Reader(subject.around, {node.left: ANY}).of(node)}
        node = node.left
    return {}


def meetings(subject: Subject) -> Iterator[Remark]:
    """Yield operations between vectors of which no two elements have the labels to match."""
    for part in subject.every():
        if not isinstance(part, Binary) or is_scalar(part.left) or is_scalar(part.right):
            continue
        # What `or` and `unless` do not match, they keep.
        if part.operator in {"or", "unless"}:
            continue
        yield from _absence(part)
        yield from _values_apart(part)
        yield from _labels_apart(part, subject)


def _absence(part: Binary) -> Iterator[Remark]:
    for one, other in ((part.left, part.right), (part.right, part.left)):
        if isinstance(one, Call) and one.name in {"absent", "absent_over_time"}:
            missing = [n for n in every(one.arguments[0]) if isinstance(n, Selector)]
            if any(n in missing for n in every(other)):
                message = f"{written(one)} has a value only where the other side has none"
                yield _never(message, "write two alerts, or `or` between them")
                return


def _values_apart(part: Binary) -> Iterator[Remark]:
    left, right = pinned(part.left), pinned(part.right)
    common = matched_by(part.matching, frozenset(left) & frozenset(right))
    for name in sorted(common):
        if left[name] != right[name]:
            message = f'{name} is "{left[name]}" on the left of `{part.operator}` and '
            message += f'"{right[name]}" on the right, so no two elements match'
            yield _never(message, f"write `{part.operator} ignoring ({name})`")


def _labels_apart(part: Binary, subject: Subject) -> Iterator[Remark]:
    left, right = (labels_of(one, subject.around) for one in (part.left, part.right))
    if left is None or right is None or part.matching.on or part.matching.many is not Side.NEITHER:
        return
    apart = matched_by(part.matching, left ^ right) - _may_lack(part, subject)
    if apart:
        names = ", ".join(sorted(apart))
        common = ", ".join(sorted(left & right))
        message = f"only one side of `{part.operator}` has {names}, so no two elements match"
        fix = f"write `{part.operator} on ({common})`"
        fix += "" if part.matching == Matching() else f", or ignore {names} as well"
        yield _never(message, fix)


_EVERYWHERE: Final = frozenset({"job", "instance"})


def _may_lack(part: Binary, subject: Subject) -> frozenset[str]:
    """Return labels that not each series has: what lacks them may match."""
    families = [
        subject.around.family(name_of(one)) for one in every(part) if isinstance(one, Selector)
    ]
    return _EVERYWHERE.union(*(one.optional for one in families if one is not None))


def truths(subject: Subject) -> Iterator[Remark]:
    """Yield an alert on a comparison that answers 0 or 1: it fires for 0, too."""
    node = subject.node
    if subject.rule.alert and isinstance(node, Binary) and node.as_bool:
        message = f"{written(node)} is there whether it holds or not, so this always fires"
        yield Remark("alerts-always", Severity.HIGH, message, "leave out `bool`")


def _never(message: str, fix: str) -> Remark:
    return Remark("alerts-never", Severity.HIGH, f"never fires: {message}", fix)
