"""A ribbon's geometry: which part of which cell shows what. The template only draws it. Pure.

Widths are shares of the whole ribbon and heights are pixels, so that it fits a phone and a wall
screen with letters of the same size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opskit.core.clock import DAY, HOUR, MINUTE, format_duration
from opskit.core.interval import State, Totals
from opskit.core.text import plural
from opskit.report.model import Cell
from opskit.report.times import Times

HEIGHT = 32
# From the bottom up: trouble stands on the base line, where the eye compares heights.
WORDS = {
    State.DOWN: "down",
    State.DEGRADED: "degraded",
    State.UNKNOWN: "not observed",
    State.MAINTENANCE: "maintenance",
    State.EXCLUDED: "not monitored",
    State.UP: "up",
}
# What was there at all must be seen: one minute of a day would be a hundredth of a pixel.
_LEAST = 6
_LEAST_NUMBERED = 13
# Widths, in pixels, of a phone, of a printed page and of a screen.
_WIDTHS = (330, 680, 1_000)
_DIGIT, _MARGIN = 6.5, 2
# In percent of the whole ribbon, so that few cells do not drift apart.
_GAP = 0.25
_TICKS = 5
_MOST_MINUTES = 999


@dataclass(frozen=True, slots=True)
class Band:
    """A part of a cell: one state, from `top` down for `height` pixels."""

    state: str
    top: str
    height: str


@dataclass(frozen=True, slots=True)
class Block:
    """A cell: where it is, what it holds, and the number that stands in its band of downtime.

    `room` says from which width on the number has room: 0 always, 1 in print, 2 on a screen.
    """

    x: str
    width: str
    title: str
    bands: tuple[Band, ...]
    number: str
    number_at: str
    room: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A label under the cells, where its cell begins."""

    x: str
    label: str


@dataclass(frozen=True, slots=True)
class Ribbon:
    """All there is to draw. `label` says the same in a sentence for those who hear the page."""

    label: str
    blocks: tuple[Block, ...]
    ticks: tuple[Tick, ...]


def ribbon(cells: Sequence[Cell], times: Times) -> Ribbon:
    """Return the ribbon of one service."""
    count = len(cells)
    return Ribbon(
        label=_sentence(cells),
        blocks=tuple(_block(index, count, cell, times) for index, cell in enumerate(cells)),
        ticks=tuple(_ticks(cells, times)),
    )


def cell_length(cells: Sequence[Cell]) -> str:
    """Return how long one cell is; the day of a clock change is a day like any other."""
    longest = max((cell.end - cell.start for cell in cells), default=0)
    return "1 day" if longest > DAY - 2 * HOUR else format_duration(longest)


def _sentence(cells: Sequence[Cell]) -> str:
    counts = {
        word: sum(_spent(cell.time, state) > 0 for cell in cells) for state, word in WORDS.items()
    }
    seen = ", ".join(f"{word} in {count}" for word, count in counts.items() if count)
    return f"{plural(len(cells), 'cell')} of {cell_length(cells)} each: {seen}"


def _block(index: int, count: int, cell: Cell, times: Times) -> Block:
    number, room = _number(cell, count)
    bands = tuple(_bands(cell.time, numbered=bool(number)))
    return Block(
        x=f"{100 * index / count:.3f}%",
        width=f"{100 / count - _GAP:.3f}%",
        title=_title(cell, times),
        bands=bands,
        number=number,
        number_at=f"{HEIGHT - float(bands[0].height) / 2 + 3.5:.1f}" if number else "",
        room=room,
    )


def _title(cell: Cell, times: Times) -> str:
    spent = [
        f"{word} {format_duration(_spent(cell.time, state))}"
        for state, word in WORDS.items()
        if _spent(cell.time, state)
    ]
    return f"{times.exact(cell.start)} to {times.exact(cell.end)}: {', '.join(spent)}"


def _bands(time: Totals, *, numbered: bool) -> Iterator[Band]:
    """Yield a cell's bands: what is not up has a least height, the rest is to scale."""
    present = {state: _spent(time, state) for state in WORDS if _spent(time, state)}
    least = {state: _least(state, numbered=numbered) for state in present}
    reserved = sum(least.values())
    crowded = min(1.0, HEIGHT / reserved) if reserved else 1.0
    scale = (HEIGHT - crowded * reserved) / sum(present.values())
    bottom = float(HEIGHT)
    for state, spent in present.items():
        height = crowded * least[state] + scale * spent
        bottom -= height
        yield Band(str(state), f"{bottom:.2f}", f"{height:.2f}")


def _least(state: State, *, numbered: bool) -> int:
    if state is State.UP:
        return 0
    return _LEAST_NUMBERED if numbered and state is State.DOWN else _LEAST


def _number(cell: Cell, count: int) -> tuple[str, int]:
    """Return the minutes down and the room they need; nothing where they never fit."""
    down = cell.time.down
    if not down or cell.end - cell.start < 2 * MINUTE:
        return "", 0
    text = _minutes(down)
    wanted = count * (len(text) * _DIGIT + _MARGIN)
    room = next((room for room, width in enumerate(_WIDTHS) if wanted <= width), None)
    return ("", 0) if room is None else (text, room)


def _minutes(down: int) -> str:
    if down < MINUTE:
        return "<1"
    minutes = (down + MINUTE // 2) // MINUTE
    return str(minutes) if minutes <= _MOST_MINUTES else f"{down // HOUR}h"


def _ticks(cells: Sequence[Cell], times: Times) -> Iterator[Tick]:
    """Yield few enough labels for a phone; in a month that is one a week."""
    count = len(cells)
    for index in range(0, count, max(1, -(-count // _TICKS))):
        cell = cells[index]
        label = times.day(cell.start) if times.in_days else cell.label
        yield Tick(f"{100 * index / count:.3f}%", label)


def _spent(time: Totals, state: State) -> int:
    return int(getattr(time, state))
