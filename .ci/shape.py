"""Print the shape of the code: function length, module length, branch complexity.

Length is from `def` to the last line, decorators and docstring left out of neither or both:
given are both readings. Complexity is 1 plus each if, for, while, except, conditional
expression, boolean operator, comprehension and match case. Usage: shape.py DIRECTORY
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

_BRANCHES = (
    ast.If, ast.For, ast.While, ast.ExceptHandler, ast.IfExp, ast.comprehension, ast.match_case,
    ast.AsyncFor,
)  # fmt: skip


@dataclass(frozen=True)
class Function:
    """One function and its measures."""

    place: str
    length: int
    code: int
    branches: int


def functions(path: Path) -> Iterator[Function]:
    """Yield every function and method of a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            place = f"{path}:{node.lineno} {node.name}"
            yield Function(place, length, length - _docstring(node), complexity(node))


def _docstring(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    if ast.get_docstring(node) is None:
        return 0
    return (first.end_lineno or first.lineno) - first.lineno + 1


def complexity(node: ast.AST) -> int:
    """Return 1 plus the branches within."""
    branches = 1
    for part in ast.walk(node):
        branches += isinstance(part, _BRANCHES)
        branches += len(part.values) - 1 if isinstance(part, ast.BoolOp) else 0
    return branches


def row(name: str, values: list[int], worst: str) -> str:
    """Return one line of the table."""
    p90 = quantiles(values, n=10)[-1]
    return f"{name:<34}{median(values):>8.0f}{p90:>8.0f}{max(values):>8}   {worst}"


def main(directory: Path) -> None:
    """Print the table."""
    paths = sorted(directory.rglob("*.py"))
    found = [function for path in paths for function in functions(path)]
    modules = [(len(path.read_text(encoding="utf-8").splitlines()), str(path)) for path in paths]
    code = [length for length, _ in modules if length]
    print(f"{len(paths)} modules, {sum(code):,} lines, {len(found)} functions in {directory}")
    print(f"{'':<34}{'median':>8}{'p90':>8}{'max':>8}   largest")
    for name, measure in (
        ("length", "length"),
        ("code without docstring", "code"),
        ("branches", "branches"),
    ):
        values = [getattr(function, measure) for function in found]
        largest = max(found, key=lambda function: getattr(function, measure))
        print(row(f"function {name}", values, largest.place))
    print(row("module lines", code, max(modules)[1]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
