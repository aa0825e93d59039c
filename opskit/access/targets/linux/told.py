"""What the modules on a host tell, read as strictly as a file somebody else wrote.

Whoever owns a host may answer anything in their place. What is not of this shape, too much, or out
of all proportion is no answer: the host was not looked at, which is never taken for an absence.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import Annotated, Literal, TypeVar

import pydantic

from opskit.access.targets.kinds import EnforcedBy, Presence
from opskit.core.text import clean, shorten
from opskit.outside.models import Model

# The modules read at most 8 MB of files, or 32 MB of a log.
_LARGEST = 96 << 20
_LONGEST_REASON = 200
_Number = Annotated[int, pydantic.Field(ge=0, lt=2**32)]
# Until the year 2262, in seconds and in microseconds.
_Seconds = Annotated[int, pydantic.Field(ge=0, lt=2**33)]
_Moment = Annotated[int, pydantic.Field(ge=0, lt=2**53)]
_At = Annotated[float, pydantic.Field(ge=0, lt=2**33)]


def _decoded(text: object) -> bytes:
    if not isinstance(text, str):
        raise ValueError("it is no text")  # noqa: TRY004  # which pydantic would let pass
    return base64.b64decode(text, validate=True)


_Bytes = Annotated[bytes, pydantic.BeforeValidator(_decoded)]


class BadAnswer(Exception):
    """A host's answer is none that opskit's modules give; the message says in which way."""


class FileRow(Model):
    """A file: its bytes in base64."""

    path: str
    text: _Bytes
    mode: _Number
    uid: _Number
    gid: _Number


class UnreadRow(Model):
    """A file that is there and was not read."""

    path: str
    why: str


class PathRow(Model):
    """What lies at the path of a command."""

    path: str
    kind: Literal["file", "directory", "link", "missing"]
    writable_by: tuple[str, ...]
    interpreter: str
    sha256: str


class SessionRow(Model):
    """Something that runs; since when in microseconds."""

    account: str
    what: str
    since: _Moment | None


class RemainsRow(Model):
    """Something that goes on without whom it belongs to."""

    account: str
    what: str
    detail: str


class PartRow(Model):
    """A part of a grant; its fence in seconds."""

    what: str
    presence: Presence
    enforced_by: EnforcedBy
    fence: _Seconds | None


class Seen(Model):
    """One look."""

    files: tuple[FileRow, ...]
    unread: tuple[UnreadRow, ...]
    sudo_version: str
    sshd_version: str
    sshd: dict[str, str]
    timer: str
    paths: tuple[PathRow, ...]
    sessions: tuple[SessionRow, ...]
    remains: tuple[RemainsRow, ...]
    standings: dict[str, tuple[PartRow, ...]]
    wrong: tuple[str, ...]


class Done(Model):
    """What came of an order."""

    changed: bool
    refused: str
    armed: str
    wrong: tuple[str, ...]
    ended: dict[str, tuple[str, ...]]


class Carried(Model):
    """An order's answer."""

    done: Done
    seen: Seen


class Confirmed(Model):
    """A second login's answer."""

    confirmed: Literal[True]


class LogRows(Model):
    """Lines of logs, and from when to when they are whole."""

    lines: tuple[str, ...]
    since: _At
    until: _At
    why: str


Answered = TypeVar("Answered", bound=Model)


def unpacked(text: str, model: type[Answered]) -> Answered:
    """Return what a module told.

    Raises:
        BadAnswer: it is not what this module tells.
    """
    try:
        return model.model_validate_json(_plain(text), strict=True)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        why = shorten(clean(f"{where}: {first['msg']}"), _LONGEST_REASON)
    except (ValueError, RecursionError) as error:
        why = shorten(clean(str(error)), _LONGEST_REASON)
    raise BadAnswer(f"its answer is not what opskit's modules give: {why}")


def _plain(text: str) -> bytes:
    """Return the JSON in an answer, with names that are no text made text.

    Raises:
        ValueError: it is too large, cut off, or no JSON.
    """
    inflate = zlib.decompressobj()
    try:
        data = inflate.decompress(base64.b64decode(text, validate=True), _LARGEST)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not inflate.eof or inflate.unused_data:
        raise ValueError("it is too large, or cut off")
    # Half a surrogate is what Python makes of a byte in a file's name that is no UTF-8.
    return json.dumps(json.loads(data), ensure_ascii=False).encode("utf-8", "replace")
