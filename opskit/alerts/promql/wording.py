"""An expression walked and written again, to speak about parts of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

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
    Subquery,
    Text,
)
from opskit.alerts.promql.series import NAME, Match

_UNITS: Final = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))


def children(node: Node) -> tuple[Node, ...]:
    """Return what a node is made of, one level down."""
    match node:
        case Range():
            return (node.selector,)
        case Subquery() | Negated():
            return (node.inner,)
        case Binary():
            return (node.left, node.right)
        case Aggregate():
            return (node.inner,) if node.parameter is None else (node.parameter, node.inner)
        case Call():
            return node.arguments
        case _:
            return ()


def every(node: Node) -> Iterator[Node]:
    """Yield a node and all below it, from the top."""
    yield node
    for child in children(node):
        yield from every(child)


def name_of(selector: Selector) -> str:
    """Return the one metric that a selector names, or nothing."""
    names = [m.value for m in selector.matchers if m.name == NAME and m.how is Match.EQUAL]
    return names[0] if names else ""


def length(milliseconds: int) -> str:
    """Return a length as Prometheus writes it: `5m`, `1h30m`."""
    text = ""
    for unit, size in _UNITS:
        count, milliseconds = divmod(milliseconds, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def written(node: Node) -> str:  # noqa: PLR0911  # one line per kind of node
    """Return an expression as text; what is long is cut where a reader still knows it."""
    match node:
        case Number():
            return f"{node.value:g}"
        case Text():
            return f'"{node.value}"'
        case Selector():
            return _selector(node)
        case Range():
            return f"{_selector(node.selector)}[{length(node.length)}]"
        case Subquery():
            return f"({written(node.inner)})[{length(node.length)}:]"
        case Negated():
            return f"-{written(node.inner)}"
        case Binary():
            return _binary(node)
        case Aggregate():
            return _aggregate(node)
        case Call():
            return f"{node.name}({', '.join(map(written, node.arguments))})"


def _selector(node: Selector) -> str:
    name = name_of(node)
    rest = [m for m in node.matchers if not (m.name == NAME and m.value == name)]
    inner = ", ".join(f'{m.name}{m.how.value}"{m.value}"' for m in rest)
    return f"{name}{{{inner}}}" if inner or not name else name


def _binary(node: Binary) -> str:
    sides = [
        f"({written(one)})" if isinstance(one, Binary) else written(one)
        for one in (node.left, node.right)
    ]
    return " ".join((sides[0], node.operator + _how(node), sides[1]))


def _how(node: Binary) -> str:
    said = node.matching
    names = ", ".join(sorted(said.names))
    on = f" {'on' if said.on else 'ignoring'} ({names})" if said != Matching() else ""
    return (" bool" if node.as_bool else "") + on


def _aggregate(node: Aggregate) -> str:
    said = node.grouping
    names = ", ".join(sorted(said.names))
    by = f" {'without' if said.except_names else 'by'} ({names})" if names else ""
    parameter = "" if node.parameter is None else f"{written(node.parameter)}, "
    return f"{node.operator}{by} ({parameter}{written(node.inner)})"
