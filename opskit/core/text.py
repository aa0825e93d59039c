"""The cleaner every sink uses: terminal, log, report, metrics and database see only safe text.

What came from a host, a file or a webhook may hold escape sequences that drive a terminal,
newlines that forge a log line, bidirectional marks that hide a name, or surrogates that no
encoder accepts. They are made visible, never dropped: a reader must see that something was there.
"""

from __future__ import annotations

import re
import unicodedata

_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
# Emoji sequences and several scripts need the joiners; they cannot reorder or hide text.
_HARMLESS = frozenset({"\u200c", "\u200d"})
_PRINTABLE_ASCII = re.compile(r"[\x20-\x7e]*\Z")
# Spreadsheets take the full-width forms for the plain ones.
_FORMULA = re.compile(r"^[\s\u00a0]*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")


def clean(text: str, *, keep: str = "") -> str:
    r"""Return `text` with control, bidi, private and surrogate characters made visible.

    `\x1b` becomes the four characters `\x1b`. Characters in `keep` (usually a newline) stay.
    """
    if _PRINTABLE_ASCII.match(text):
        return text
    return "".join(char if _safe(char) or char in keep else _visible(char) for char in text)


def _safe(char: str) -> bool:
    return char in _HARMLESS or unicodedata.category(char) not in _UNSAFE_CATEGORIES


def _visible(char: str) -> str:
    named = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}.get(char)
    code = ord(char)
    return named or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def clean_block(text: str) -> str:
    """Return several lines cleaned one by one; tabs become four spaces."""
    return clean(text.replace("\t", "    "), keep="\n")


def decode(raw: bytes) -> str:
    """Return bytes from outside as text; what is not UTF-8 becomes a visible replacement."""
    return raw.decode("utf-8", "backslashreplace")


def shorten(text: str, width: int) -> str:
    """Return `text` in at most `width` characters, the middle given up for an ellipsis."""
    if len(text) <= width:
        return text
    head = (width - 1) // 2
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}" if width > 1 else "…"[:width]


def csv_cell(text: str) -> str:
    """Return `text` so that a spreadsheet shows it and does not run it as a formula."""
    safe = clean(text)
    return "'" + safe if _FORMULA.match(safe) else safe


def plural(count: int, singular: str, several: str = "") -> str:
    """Return `1 host`, `3 hosts`; `several` where adding an s is not enough."""
    return f"{count:,} {singular if count == 1 else several or singular + 's'}"


def nearest(name: str, known: list[str]) -> str:
    """Return the known name most like `name`, or nothing if none is close."""
    from difflib import get_close_matches  # noqa: PLC0415  # only on the way to an error message

    return next(iter(get_close_matches(name, known, n=1, cutoff=0.6)), "")
