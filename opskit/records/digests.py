"""One message in place of many that waited for the same channel. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opskit.core.clock import iso
from opskit.core.notice import Notice, Status, Weight, as_body
from opskit.core.text import shorten
from opskit.outside.notify.words import notice

# As many as every channel shows in full: a message names all that it stands for.
_NAMED = 20
_WIDTH = 110


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits; `created_at` is when it was owed."""

    key: str
    body: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Digest:
    """A message and the keys of those that it names."""

    key: str
    body: dict[str, object]
    names: tuple[str, ...]


def digests(waiting: Sequence[Waiting]) -> Iterator[Digest]:
    """Yield messages that together name all that wait, in their order."""
    for start in range(0, len(waiting), _NAMED):
        part = waiting[start : start + _NAMED]
        said = [notice(one.body) for one in part]
        names = tuple(one.key for one in part)
        lines = (_named(one, said) for one, said in zip(part, said, strict=True))
        told = Notice(
            f"{len(part)} messages waited until now ({start + 1} to {start + len(part)} of "
            f"{len(waiting)})",
            tuple(lines),
            status=Status.DIGEST,
            severity=min((one.severity for one in said), key=list(Weight).index),
            at=part[-1].created_at,
        )
        identity = hashlib.sha256("\n".join(names).encode()).hexdigest()[:24]
        yield Digest(f"digest-{identity}", as_body(told), names)


def _named(waited: Waiting, said: Notice) -> str:
    return shorten(f"{iso(waited.created_at)} {said.heading}", _WIDTH)
