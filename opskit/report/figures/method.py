"""What a method is: one pure way from evidence to figures, with its own words as documentation."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from opskit.report.ground import Ground
from opskit.report.model import Figure

Compute = Callable[[Ground], Iterator[Figure]]
# The parts that every method's documentation has, in this order.
PARTS = ("Formula", "Unit", "Source", "Not for")
_PART = re.compile(rf"^({'|'.join(PARTS)}): ", re.MULTILINE)


@dataclass(frozen=True)
class Method:
    """One method. Its `version` goes up whenever the same evidence would give another figure."""

    number: str
    version: int
    compute: Compute

    @property
    def name(self) -> str:
        """Return number and version, `F7.1`, as figures name it."""
        return f"{self.number}.{self.version}"

    @property
    def title(self) -> str:
        """Return the first line of the documentation."""
        return self.documentation.partition("\n")[0]

    @property
    def documentation(self) -> str:
        """Return formula, unit, source, and what it must not be used to claim."""
        return inspect.getdoc(self.compute) or ""

    @property
    def parts(self) -> dict[str, str]:
        """Return the documentation by its parts, each as one paragraph."""
        _, *pieces = _PART.split(self.documentation)
        return {
            name: " ".join(text.split())
            for name, text in zip(pieces[::2], pieces[1::2], strict=True)
        }

    def figures(self, ground: Ground) -> tuple[Figure, ...]:
        """Return its figures, each with the method's name and formula."""
        formula = self.parts["Formula"]
        return tuple(
            replace(one, method=self.name, formula=one.formula or formula)
            for one in self.compute(ground)
        )


class Methods:
    """The methods of one module, entered by its decorator in the order they stand there."""

    def __init__(self) -> None:
        self._methods: list[Method] = []

    def method(self, number: str, version: int) -> Callable[[Compute], Compute]:
        """Enter the function below as a method."""

        def enter(compute: Compute) -> Compute:
            self._methods.append(Method(number, version, compute))
            return compute

        return enter

    def __iter__(self) -> Iterator[Method]:
        """Yield them all."""
        return iter(self._methods)
