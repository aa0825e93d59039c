"""What a delivery says to people: its own words, or its fields where it brings none. Pure.

A body may hold `notice`: `title`, `lines`, `commands`, `urgent`; and `to`, addresses of people.
Nothing in it is trusted: every text is cleaned here and cut to a length that each channel takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from opskit.core.clock import iso
from opskit.core.text import clean, shorten
from opskit.outside.notify.settings import ADDRESS

_TITLE = 150
_LINE = 600
_LINES = 30
_ADDRESS = re.compile(ADDRESS)


@dataclass(frozen=True, slots=True)
class Words:
    """One message for people; each text is one line without control characters.

    `at` is when it happened, in microseconds since 1970; 0 where that is not known.
    """

    title: str
    lines: tuple[str, ...]
    commands: tuple[str, ...] = ()
    urgent: bool = False
    to: tuple[str, ...] = ()
    at: int = 0

    @property
    def text(self) -> str:
        """Return all but the title as plain text."""
        blocks = ["\n".join(self.lines)] if self.lines else []
        if self.commands:
            blocks.append("\n".join(["Next:", "", *(f"    {one}" for one in self.commands)]))
        return "\n\n".join(blocks)


def words(body: str) -> Words:
    """Return what the JSON text of a delivery says."""
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    data: Mapping[str, object] = found if isinstance(found, dict) else {"message": body}
    notice = data.get("notice")
    at = data.get("at")
    to = tuple(one for one in _texts(data.get("to")) if _ADDRESS.fullmatch(one))
    when = at if isinstance(at, int) and 0 <= at < 2**57 else 0
    if not isinstance(notice, dict):
        return Words(_line(_title(data), _TITLE), _lines(_fields(data)), to=to, at=when)
    return Words(
        _line(str(notice.get("title", "")), _TITLE),
        _lines(_texts(notice.get("lines"))),
        _lines(_texts(notice.get("commands"))),
        notice.get("urgent") is True,
        to,
        when,
    )


def _title(data: Mapping[str, object]) -> str:
    named = ("target", "service", "subject", "run")
    about = next((data[name] for name in named if data.get(name)), "")
    kind = str(data.get("type", "message")).replace(".", " ")
    return f"{kind}: {about}" if about else kind


def _fields(data: Mapping[str, object]) -> Iterator[str]:
    for name, value in data.items():
        # A flip has a `to` of its own; it is no list.
        addresses = name == "to" and isinstance(value, list)
        if addresses or name in {"type", "notice"} or value in (None, "", []):
            continue
        yield f"{name.replace('_', ' ')}: {_shown(name, value)}"


def _shown(name: str, value: object) -> str:
    if name in {"at", "since", "until"} and isinstance(value, int) and 0 <= value < 2**57:
        return iso(value)
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return str(value)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _lines(texts: Iterable[str]) -> tuple[str, ...]:
    every = [_line(one, _LINE) for one in texts]
    left = len(every) - _LINES
    return (*every[:_LINES], *([f"and {left} more lines"] if left > 0 else []))


def _line(text: str, width: int) -> str:
    # Cut before cleaning too: what is cut away need not be looked at.
    return shorten(clean(text[: 4 * width]), width)
