"""What is asked over HTTP and what is answered: all that a handler needs to know of the web."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that may be answered: who it is from was looked at before.

    Of a name that is given several times `query` has the last, `queries` all.
    """

    method: str
    peer: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    queries: tuple[tuple[str, str], ...] = ()

    @property
    def is_json(self) -> bool:
        """Return whether its body says that it is JSON."""
        return self.headers.get("content-type", "").partition(";")[0].strip() == "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body and what kind of text it is."""

    status: int
    body: bytes
    kind: str = _TEXT
    headers: Mapping[str, str] = field(default_factory=dict)


def text(status: int, words: str, **headers: str) -> Answer:
    """Return a plain line; nothing that was asked is ever repeated in it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, words.encode() + b"\n", headers=named)


def as_json(data: object, **headers: str) -> Answer:
    """Return data as JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(200, json.dumps(data).encode() + b"\n", "application/json", named)
