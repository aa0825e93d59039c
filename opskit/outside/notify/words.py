"""What a delivery says: its own words, or its fields where it brings none. Pure.

A body may hold `notice`: `title`, `lines`, `commands`, `urgent`, `status`, `severity`, `group`,
`items`, `links`; and `to`, addresses of people. Nothing in it is trusted: every text is cleaned
here and cut to a length that each channel takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol, TypeVar

from opskit.core.clock import iso
from opskit.core.notice import Item, Link, Notice, Status, Weight
from opskit.core.text import clean, shorten
from opskit.outside.notify.settings import ADDRESS

_TITLE = 150
_LINE = 600
_LINES = 30
_LABEL = 120
_LABELS = 20
_ITEMS = 15
_LINKS = 5
_TEXT = 6_000
_ADDRESS = re.compile(ADDRESS)
_URL = re.compile(r"https?://[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]{1,500}")
_FIELD = re.compile(r"\$\$|\$\{([a-z]+)\}")
E = TypeVar("E", bound=StrEnum)


class Deliverable(Protocol):
    """What is sent: `key` identifies it for ever, `body` is its JSON text."""

    @property
    def key(self) -> str:
        """Return the idempotency key."""
        ...

    @property
    def body(self) -> str:
        """Return the JSON text."""
        ...


class Attempted(Deliverable, Protocol):
    """What is sent, and how often that was tried."""

    @property
    def attempts(self) -> int:
        """Return how often it was tried before."""
        ...


def fields_of(notice: Notice) -> Mapping[str, str]:
    """Return what a template may name; nothing else can be reached from one."""
    return {
        "title": notice.title,
        "heading": notice.heading,
        "status": notice.status.value,
        "severity": notice.severity.value,
        "lines": "\n".join(notice.lines),
        "items": replace(notice, lines=(), commands=(), links=()).text,
        "commands": "\n".join(notice.commands),
        "links": "\n".join(one.url for one in notice.links),
        "count": str(len(notice.items)),
        "key": notice.key,
        "group": notice.group,
        "repeat": "possible repeat" if notice.may_repeat else "",
    }


FIELDS = tuple(fields_of(Notice("")))


def unknown_fields(template: str) -> tuple[str, ...]:
    """Return the fields of a template that no notice has, or `$` where it begins none."""
    rest = _FIELD.sub("", template)
    named = (match[1] for match in _FIELD.finditer(template) if match[1])
    return (*(one for one in named if one not in FIELDS), *(["$"] if "$" in rest else []))


@dataclass(frozen=True, slots=True)
class Wording:
    """How a channel words its messages: templates of `${field}`, empty for the notice's own words.

    A template holds no loop and reaches no attribute, so it costs no more than what it names.
    """

    title: str = ""
    body: str = ""

    def of(self, message: Attempted) -> Notice:
        """Return what a message says, in this wording."""
        said = notice(message.body, clean(message.key), may_repeat=message.attempts > 0)
        if not self.title and not self.body:
            return said
        fields = fields_of(said)
        title = _line(_filled(self.title, fields), _TITLE) if self.title else said.title
        if not self.body:
            return replace(said, title=title)
        lines = _capped(_filled(self.body, fields).split("\n"), ())
        return replace(said, title=title, lines=lines, items=(), commands=(), links=())


OWN_WORDS = Wording()


def _filled(template: str, fields: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda match: fields.get(match[1], "") if match[1] else "$", template)


def notice(body: str, key: str = "", *, may_repeat: bool = False) -> Notice:
    """Return what the JSON text of a delivery says."""
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    data: Mapping[str, object] = found if isinstance(found, dict) else {"message": body}
    own = data.get("notice")
    said = _worded(own) if isinstance(own, dict) else _unworded(data)
    at = data.get("at")
    to = tuple(one for one in _texts(data.get("to")) if _ADDRESS.fullmatch(one))
    when = at if isinstance(at, int) and 0 <= at < 2**57 else 0
    only_to = bool(to) and data.get("only_to") is True
    return replace(said, key=key, to=to, only_to=only_to, at=when, may_repeat=may_repeat)


def _unworded(data: Mapping[str, object]) -> Notice:
    return Notice(_line(_title(data), _TITLE), _lines(_fields(data)))


def _worded(own: Mapping[str, object]) -> Notice:
    usual = Weight.CRITICAL if own.get("urgent") is True else Weight.INFO
    items = tuple(_items(own.get("items")))
    lines = _lines(_texts(own.get("lines")))
    if len(items) > _ITEMS:
        lines = (*lines, f"the first {_ITEMS} of {len(items)} are shown")
    return Notice(
        _line(str(own.get("title", "")), _TITLE),
        _capped(lines, items[:_ITEMS]),
        _lines(_texts(own.get("commands"))),
        _one_of(Status, own.get("status"), Status.TOLD),
        _one_of(Weight, own.get("severity"), usual),
        items[:_ITEMS],
        tuple(_links(own.get("links"))),
        group=_line(str(own.get("group", "")), _LINE),
    )


def _one_of(kind: type[E], value: object, otherwise: E) -> E:
    return kind(value) if isinstance(value, str) and value in list(kind) else otherwise


def _items(value: object) -> Iterator[Item]:
    for one in value if isinstance(value, list) else ():
        if isinstance(one, dict):
            yield Item(_pairs(one.get("labels")), _pairs(one.get("annotations")))


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    found = list(value.items())[:_LABELS] if isinstance(value, dict) else []
    return tuple((_line(str(name), _LABEL), _line(str(text), _LABEL)) for name, text in found)


def _links(value: object) -> Iterator[Link]:
    for one in (value if isinstance(value, list) else [])[:_LINKS]:
        url = one.get("url") if isinstance(one, dict) else None
        if isinstance(url, str) and _URL.fullmatch(url):
            yield Link(_line(str(one.get("title", "")) or "link", _LABEL), url)


def _title(data: Mapping[str, object]) -> str:
    named = ("target", "service", "subject", "run")
    about = next((data[name] for name in named if data.get(name)), "")
    kind = str(data.get("type", "message")).replace(".", " ")
    return f"{kind}: {about}" if about else kind


def _fields(data: Mapping[str, object]) -> Iterator[str]:
    for name, value in data.items():
        # A flip has a `to` of its own; it is no list.
        addresses = name == "to" and isinstance(value, list)
        if addresses or name in {"type", "notice", "only_to"} or value in (None, "", []):
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


def _capped(texts: Iterable[str], items: tuple[Item, ...]) -> tuple[str, ...]:
    """Return lines that leave room for the items; what does not fit is counted."""
    room = _TEXT if not items else _TEXT // 2
    kept: list[str] = []
    every = [_line(one, _LINE) for one in texts]
    for one in every:
        room -= len(one) + 1
        if room < 0:
            return (*kept, f"and {len(every) - len(kept)} more lines")
        kept.append(one)
    return tuple(kept)


def within_bytes(text: str, most: int) -> str:
    """Return text in at most so many bytes of UTF-8, what is left out marked at the end."""
    whole = text.encode()
    if len(whole) <= most:
        return text
    return whole[: most - 3].decode("utf-8", "ignore") + "…"


def _line(text: str, width: int) -> str:
    # Cut before cleaning too: what is cut away need not be looked at.
    return shorten(clean(text[: 4 * width]), width)
