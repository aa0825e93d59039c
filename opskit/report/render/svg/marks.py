"""What a drawing is made of, and how it is written down as SVG. Pure.

Lengths are pixels from the upper left corner. `look` names how a mark is drawn: see `looks`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Literal, TypeAlias

from opskit.core.text import clean

Point: TypeAlias = tuple[float, float]
Anchor: TypeAlias = Literal["start", "middle", "end"]
Shape: TypeAlias = Literal["round", "square", "diamond"]


@dataclass(frozen=True, slots=True)
class Line:
    """Points joined by straight lines; each tuple of points is a line of its own."""

    lines: tuple[tuple[Point, ...], ...]
    look: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, which says its `title` when pointed at."""

    x: float
    y: float
    width: float
    height: float
    look: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Signs:
    """The same small shape at several points: `round`, `square` or `diamond`."""

    shape: Shape
    points: tuple[Point, ...]
    radius: float
    look: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text, its base line at `y`."""

    x: float
    y: float
    text: str
    look: str
    anchor: Anchor = "start"


Mark: TypeAlias = Line | Box | Signs | Words


@dataclass(frozen=True, slots=True)
class Drawing:
    """Marks in their order, on a ground of this size."""

    width: float
    height: float
    marks: tuple[Mark, ...]


def written(marks: Iterable[Mark]) -> str:
    """Return marks as SVG elements; same marks, same letters."""
    return "".join(_element(mark) for mark in marks if not _nothing(mark))


def _nothing(mark: Mark) -> bool:
    """Return whether there is nothing of a mark, as of the hatch in a sliver."""
    return (isinstance(mark, Line) and not mark.lines) or (
        isinstance(mark, Signs) and not mark.points
    )


def number(value: float) -> str:
    """Return a length to a tenth of a pixel, in as few letters as it takes."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def text(words: str) -> str:
    """Return words that can stand in SVG, whoever chose them."""
    return escape(clean(words))


def _element(mark: Mark) -> str:
    match mark:
        case Words():
            anchor = "" if mark.anchor == "start" else f' text-anchor="{mark.anchor}"'
            at = f'x="{number(mark.x)}" y="{number(mark.y)}"'
            return f'<text class="{mark.look}" {at}{anchor}>{text(mark.text)}</text>'
        case Box():
            at = f'x="{number(mark.x)}" y="{number(mark.y)}"'
            size = f'width="{number(mark.width)}" height="{number(mark.height)}"'
            return _titled("rect", f'class="{mark.look}" {at} {size}', mark.title)
        case Line():
            path = "".join(_path(points) for points in mark.lines)
        case Signs():
            path = "".join(_sign(mark.shape, point, mark.radius) for point in mark.points)
    return _titled("path", f'class="{mark.look}" d="{path}"', mark.title)


def _titled(name: str, attributes: str, title: str) -> str:
    if not title:
        return f"<{name} {attributes}/>"
    return f"<{name} {attributes}><title>{text(title)}</title></{name}>"


def _path(points: Iterable[Point]) -> str:
    return "".join(_steps(points))


def _steps(points: Iterable[Point]) -> Iterator[str]:
    for index, (x, y) in enumerate(points):
        yield f"{'L' if index else 'M'}{number(x)} {number(y)}"


def _sign(shape: Shape, point: Point, radius: float) -> str:
    x, y = point
    r, twice = number(radius), number(2 * radius)
    if shape == "square":
        return f"M{number(x - radius)} {number(y - radius)}h{twice}v{twice}h-{twice}z"
    if shape == "diamond":
        return f"M{number(x)} {number(y - radius)}l{r} {r}l-{r} {r}l-{r} -{r}z"
    half = f"a{r} {r} 0 1 0"
    return f"M{number(x - radius)} {number(y)}{half} {twice} 0{half} -{twice} 0z"
