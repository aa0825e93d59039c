"""Where two texts of one report differ, in words a person understands. Pure.

A file is taken as words in reading order, each with where it stands; what its evidence gives is
taken the same way. The first that differ are named, by the figure they belong to where they do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from opskit.core.text import clean, shorten
from opskit.report.model import Figure, Report

# A figure's title or id stands at most so many words before its value.
_NEAR = 12
# More words than these are not matched with each other, which takes their number squared.
_MATCHED = 3_000
_NOTHING = ""
_SHOWN = 100
_SEEN_FIRST = ("display", "value")


class Word(NamedTuple):
    """A piece of text of a file, and where it stands."""

    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that the file says and its evidence does not give; empty where it says nothing.

    `figure` and `method` are those of the figure it belongs to, if it belongs to one. `source` is
    what gives something else.
    """

    place: str
    says: str
    gives: str
    figure: str = ""
    method: str = ""
    source: str = "its evidence"

    @property
    def sentence(self) -> str:
        """Return it for people."""
        says, gives = _told(self.says), _told(self.gives)
        if not self.figure:
            return f"{clean(self.place)}: the file says {says}, {self.source} gives {gives}"
        figure, where = clean(self.figure), f"{self.method}; {clean(self.place)}"
        return f"figure {figure}: the file says {says}, its evidence gives {gives} ({where})"


def _told(text: str) -> str:
    return shorten(clean(text), _SHOWN) or "nothing"


def of_words(says: Sequence[Word], gives: Sequence[Word], report: Report) -> Iterator[Difference]:
    """Yield what differs between the words of a file and those that its evidence gives."""
    names = _named(report)
    start, said_end, given_end = _unlike(says, gives)
    for at, to, at_given, to_given in _parts(says[start:said_end], gives[start:given_end]):
        said, given = says[start + at : start + to], gives[start + at_given : start + to_given]
        places = (*said, *given)
        figure = _near(gives, min(start + at_given, len(gives) - 1), names)
        told = " ".join(one.text for one in said)
        yield _difference(Word(places[0].place, told), " ".join(one.text for one in given), figure)


def _parts(says: Sequence[Word], gives: Sequence[Word]) -> Iterator[tuple[int, int, int, int]]:
    """Yield which parts of two texts differ, as from where to where in each."""
    if len(says) == len(gives):
        yield from (
            (at, at + 1, at, at + 1)
            for at, (one, other) in enumerate(zip(says, gives, strict=True))
            if one.text != other.text
        )
    elif max(len(says), len(gives)) > _MATCHED:
        yield 0, len(says), 0, len(gives)
    else:
        one, other = ([word.text for word in part] for part in (says, gives))
        matched = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
        yield from ((a, b, c, d) for name, a, b, c, d in matched if name != "equal")


def _unlike(says: Sequence[Word], gives: Sequence[Word]) -> tuple[int, int, int]:
    """Return where two texts begin to differ, and where they are the same again to the end."""
    least = min(len(says), len(gives))
    start = next((at for at in range(least) if says[at].text != gives[at].text), least)
    said_end, given_end = len(says), len(gives)
    while min(said_end, given_end) > start and says[said_end - 1].text == gives[given_end - 1].text:
        said_end, given_end = said_end - 1, given_end - 1
    return start, said_end, given_end


def _difference(said: Word, given: str, figure: Figure | None) -> Difference:
    if figure is None:
        return Difference(said.place, said.text, given)
    return Difference(said.place, said.text, given, figure.id, figure.method)


def _named(report: Report) -> Mapping[str, Figure]:
    """Return figures by all that a form may call them."""
    services = {one.name: one.availability for one in report.services}
    titles = {one.title: one for one in reversed(report.figures)}
    return {**services, **titles, **{one.id: one for one in report.figures}}


def _near(words: Sequence[Word], at: int, names: Mapping[str, Figure]) -> Figure | None:
    """Return the figure whose value a word is: it is called shortly before, and says the same."""
    for back in range(at, max(-1, at - _NEAR), -1):
        figure = names.get(words[back].text)
        if figure is not None and _of(figure, words[at].text):
            return figure
    return None


def _of(figure: Figure, text: str) -> bool:
    return bool(figure.display) and (
        text in (figure.display, figure.value) or figure.display in text
    )


def of_json(says: Mapping[str, Any], gives: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield what differs between the JSON of a file and the one that its evidence gives.

    Figures come first, then all else of the report, then what the file carries.
    """
    order = sorted({*says, *gives}, key=lambda key: (key != "figures", key == "inputs", key))
    for key in order:
        yield from _tree((key,), says.get(key, _ABSENT), gives.get(key, _ABSENT))


class _Absent:
    """What is there for a key that is not."""


_ABSENT = _Absent()


def _tree(path: tuple[str, ...], says: object, gives: object) -> Iterator[Difference]:
    if type(says) is type(gives) and says == gives:
        return
    if isinstance(says, dict) and isinstance(gives, dict):
        if "display" in gives and "method" in gives:
            yield _of_figure(path, says, gives)
            return
        for key in sorted({*says, *gives}):
            yield from _tree((*path, key), says.get(key, _ABSENT), gives.get(key, _ABSENT))
    elif isinstance(says, list) and isinstance(gives, list) and len(says) == len(gives):
        for number, (one, other) in enumerate(zip(says, gives, strict=True), 1):
            yield from _tree((*path, f"{number}"), one, other)
    else:
        yield Difference(_place(path), _shown(says), _shown(gives))


def _of_figure(
    path: tuple[str, ...], says: Mapping[str, Any], gives: Mapping[str, Any]
) -> Difference:
    """Return one difference for a figure, by what of it a reader would see first."""
    for key in (*_SEEN_FIRST, *sorted({*says, *gives} - {*_SEEN_FIRST})):
        inside = () if key == "display" else (key,)
        found = next(_tree((*path, *inside), says.get(key, _ABSENT), gives.get(key, _ABSENT)), None)
        if found is not None:
            return replace(found, figure=str(gives["id"]), method=str(gives["method"]))
    return Difference(_place(path), "", "", str(gives["id"]), str(gives["method"]))


def _place(path: Iterable[str]) -> str:
    return ", ".join(part.replace("_", " ") for part in path)


def _shown(value: object) -> str:
    if isinstance(value, _Absent):
        return _NOTHING
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "other data" if isinstance(value, dict) else str(value)
