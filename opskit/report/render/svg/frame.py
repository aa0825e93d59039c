"""What stands around the marks of a chart: legends, axes, hatches. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opskit.report.render.svg.marks import Box, Line, Mark, Point, Shape, Signs, Words
from opskit.report.render.svg.measures import Scale, fitting, short, ticks, wide

ROW = 18.0
_SWATCH = 16.0
_SPACE = 14.0
_TICK = 11.0


@dataclass(frozen=True, slots=True)
class Area:
    """A part of a drawing."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Return its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Return its lower edge."""
        return self.y + self.height


def hatched(area: Area, look: str, way: str = "rising", gap: float = 5.0) -> Line:
    """Return the lines within an area: drawn one by one, as patterns show seams on paper."""
    if way == "level":
        return Line(tuple(_level(area, gap)), look)
    return Line(tuple(_slanted(area, gap, rising=way == "rising")), look)


def _level(area: Area, gap: float) -> Iterator[tuple[Point, ...]]:
    for number in range(1, int(area.height // gap) + 1):
        y = area.bottom - number * gap + gap / 2
        yield ((area.x, y), (area.right, y))


def _slanted(area: Area, gap: float, *, rising: bool) -> Iterator[tuple[Point, ...]]:
    wide_, high = area.width, area.height
    for number in range(1, int((wide_ + high) // gap) + 1):
        at = number * gap
        (x1, y1), (x2, y2) = (
            (min(at, wide_), max(0.0, at - wide_)),
            (max(0.0, at - high), min(at, high)),
        )
        first = (area.x + x1, area.y + y1 if rising else area.bottom - y1)
        last = (area.x + x2, area.y + y2 if rising else area.bottom - y2)
        yield (first, last)


def part(area: Area, number: int, title: str = "") -> Iterator[Mark]:
    """Yield an area as the part of that number: its color, its outline and its own hatch."""
    number = min(number, 4)
    yield Box(area.x, area.y, area.width, area.height, f"k-part-{number}", title)
    if number == 1:
        yield hatched(area, "k-in-1", "rising", 6.0)
    elif number == 3:  # the second is plain
        yield hatched(area, "k-in-3", "level", 4.0)
    elif number == 4:  # what has no class
        yield hatched(area, "k-in-4", "falling", 4.0)


def gap(area: Area, title: str) -> Iterator[Mark]:
    """Yield an area of which nothing is known."""
    yield Box(area.x, area.y, area.width, area.height, "k-gap", title)
    yield hatched(area, "k-in-gap", "rising", 6.0)


def parts_legend(names: Sequence[str], width: float) -> tuple[list[Mark], float]:
    """Return a legend of parts, side by side where they fit, and how high it is."""
    marks: list[Mark] = []
    x, y = 0.0, 0.0
    for number, name in enumerate(names, start=1):
        said = fitting(name, width - _SWATCH - 6)
        needed = _SWATCH + 6 + wide(said)
        if x and x + needed > width:
            x, y = 0.0, y + ROW
        marks += part(Area(x + 0.5, y + 2.5, _SWATCH - 1, 11), number)
        marks.append(Words(x + _SWATCH + 6, y + 12, said, "k-said"))
        x += needed + _SPACE
    return marks, (y + ROW if names else 0.0)


def rows_legend(rows: Sequence[tuple[str, str, str]], width: float) -> tuple[list[Mark], float]:
    """Return lines with what they stand for, one under the other: look, name, words."""
    marks: list[Mark] = []
    for number, (look, name, said) in enumerate(rows):
        y = number * ROW
        marks.append(Line((((0.0, y + 8), (26.0, y + 8)),), look))
        marks += named(Area(32, y, width - 32, ROW), name, said)
    return marks, len(rows) * ROW


def named(area: Area, name: str, said: str) -> Iterator[Mark]:
    """Yield a name and, after it, what is said of it, in one line."""
    name = fitting(name, area.width * (0.6 if said else 1))
    x = area.x + wide(name) * 1.08 + 10
    yield Words(area.x, area.y + 12, name, "k-name")
    if said:
        yield Words(x, area.y + 12, fitting(said, area.right - x), "k-said")


def value_axis(values: Sequence[float], unit: str, area: Area) -> tuple[list[Mark], Scale]:
    """Return the grid and numbers of an upright axis, its unit over it, and its scale."""
    steps = ticks(min(values), max(values))
    scale = Scale(steps[0], steps[-1], area.bottom, area.y)
    marks: list[Mark] = [Words(area.x, area.y - 8, fitting(unit, area.width, _TICK), "k-tick")]
    for step in steps:
        y = scale.at(step)
        marks.append(Line((((area.x, y), (area.right, y)),), "k-axis" if step == 0 else "k-grid"))
        marks.append(Words(area.x - 6, y + 4, short(step, steps), "k-tick", "end"))
    return marks, scale


def under(places: Sequence[tuple[float, str]], area: Area, room: float = 8.0) -> Iterator[Words]:
    """Yield labels under an area, as many as stand there without touching, the last for sure.

    They may reach `room` beyond its right edge.
    """
    free = area.right + 1e6
    for x, label in reversed(places):
        said = fitting(label, area.width, _TICK)
        half = wide(said, _TICK) / 2
        middle = min(max(x, half), area.right - half + room)
        if middle + half + 6 <= free:
            yield Words(middle, area.bottom + 15, said, "k-tick", "middle")
            free = middle - half


def sign(shape: Shape, point: Point, look: str, title: str = "", radius: float = 4.0) -> Signs:
    """Return one sign."""
    return Signs(shape, (point,), radius, look, title)
