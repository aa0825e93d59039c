"""The letters of PDF and pictures: they come with opskit, so that every machine draws the same.

DejaVu Sans Condensed has Latin, Greek, Cyrillic, Arabic and most signs; a character it has not is
written as its number, because PDF/A allows none that shows as nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from opskit.core.text import clean

DIRECTORY = Path(__file__).parent / "fonts"
FAMILY = "DejaVu Sans"
_FILES = ("DejaVuSansCondensed.ttf", "DejaVuSansCondensed-Bold.ttf")


def drawable(text: str) -> str:
    r"""Return text cleaned, with what the letters cannot show made visible as `\u6f22`."""
    return shown(clean(text))


def shown(text: str) -> str:
    """Return text that is clean with what the letters cannot show made visible."""
    if text.isascii():
        return text
    known = _known()
    return "".join(
        one if ord(one) in known or one == "\n" else f"\\u{ord(one):04x}" for one in text
    )


@cache
def _known() -> frozenset[int]:
    every = [frozenset(_characters((DIRECTORY / name).read_bytes())) for name in _FILES]
    return frozenset.intersection(*every)


def _characters(font: bytes) -> Iterator[int]:
    """Yield the characters of a font's `cmap` table, format 12 (OpenType specification, cmap)."""
    start = _table(font, b"cmap")
    (count,) = struct.unpack_from(">H", font, start + 2)
    for index in range(count):
        (offset,) = struct.unpack_from(">I", font, start + 4 + 8 * index + 4)
        (kind,) = struct.unpack_from(">H", font, start + offset)
        if kind != 12:
            continue
        (groups,) = struct.unpack_from(">I", font, start + offset + 12)
        for group in range(groups):
            first, last = struct.unpack_from(">II", font, start + offset + 16 + 12 * group)
            yield from range(first, last + 1)


def _table(font: bytes, tag: bytes) -> int:
    """Return where a table of the font begins."""
    (count,) = struct.unpack_from(">H", font, 4)
    for index in range(count):
        name, _, offset, _ = struct.unpack_from(">4sIII", font, 12 + 16 * index)
        if name == tag:
            return int(offset)
    raise LookupError(tag)
