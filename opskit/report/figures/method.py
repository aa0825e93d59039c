"""What a method is: one pure way from evidence to figures, with its own words as documentation."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from opskit.report.figures.comparing import Comparing
from opskit.report.ground import Ground
from opskit.report.model import Earlier, Figure

Compute = Callable[[Ground], Iterator[Figure]]
# The parts that every method's documentation has, in this order.
PARTS = ("Formula", "Unit", "Source", "Not for")
_PART = re.compile(rf"^({'|'.join(PARTS)}): ", re.MULTILINE)


@dataclass(frozen=True)
class Method:
    """One method. Its `version` goes up whenever the same evidence would give another figure.

    `comparing` says how its figures are held against those of the months before; None: not at all.
    """

    number: str
    version: int
    compute: Compute
    comparing: Comparing | None = None

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

    def compared(self, ground: Ground) -> tuple[Figure, ...]:
        """Return its figures, held against the months before where that says something.

        A month that is not over is compared with none: what comes late in it is still to come.
        """
        figures = self.figures(ground)
        if self.comparing is None or not ground.past or not ground.whole_month:
            return figures
        months = [ground.at(one) for one in ground.past]
        past = [(month, {one.id: one for one in self.figures(month)}) for month in months]
        return tuple(_beside(one, ground, past, self.comparing) for one in figures)

    def is_worse(self, figure: Figure) -> bool:
        """Return whether a figure of it is told to be worse than in the months before."""
        if figure.comparison is None or self.comparing is None:
            return False
        return self.comparing.is_worse(figure.comparison.change)

    def figures(self, ground: Ground) -> tuple[Figure, ...]:
        """Return its figures, each with the method's name and formula."""
        formula = self.parts["Formula"]
        return tuple(
            replace(one, method=self.name, formula=one.formula or formula)
            for one in self.compute(ground)
        )


def _beside(
    figure: Figure,
    ground: Ground,
    past: Sequence[tuple[Ground, Mapping[str, Figure]]],
    how: Comparing,
) -> Figure:
    """Return a figure beside its earlier values; months that had none are left out."""
    if not figure.value:
        return figure
    earlier = [(month, known[figure.id]) for month, known in past if figure.id in known]
    history = [how.measure(one, month) for month, one in earlier if one.value]
    comparison = how.comparison(history, how.measure(figure, ground))
    told = tuple(Earlier(month.period.start, one.value, one.display) for month, one in earlier)
    return replace(figure, comparison=replace(comparison, earlier=told))


class Methods:
    """The methods of one module, entered by its decorator in the order they stand there."""

    def __init__(self) -> None:
        self._methods: list[Method] = []

    def method(
        self, number: str, version: int, comparing: Comparing | None = None
    ) -> Callable[[Compute], Compute]:
        """Enter the function below as a method."""

        def enter(compute: Compute) -> Compute:
            self._methods.append(Method(number, version, compute, comparing))
            return compute

        return enter

    def __iter__(self) -> Iterator[Method]:
        """Yield them all."""
        return iter(self._methods)
