"""The words of an HTML page, and what its marks say, in reading order. Pure.

A page that opskit wrote has no angle bracket but those of its tags, which makes reading it simple,
and its cost a matter of its length, whoever wrote it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from opskit.core.text import decode
from opskit.report.differing import Word
from opskit.report.render import carried

_TOKEN = re.compile(r"<([^<>]*)>|([^<>]+)")
_ATTRIBUTE = re.compile(r'([a-zA-Z:-]+)="([^"]*)"')
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "caption", "figcaption"})


def words(data: bytes) -> Iterator[Word]:
    """Yield every text of a page and every value of an attribute, each under its heading."""
    heading, tag = "the top of the page", ""
    for found in _TOKEN.finditer(carried.without(decode(data))):
        inside, text = found.groups()
        if inside is None:
            plain = " ".join(html.unescape(text).split())
            if not plain:
                continue
            heading = plain if tag in _HEADINGS else heading
            yield Word(heading, plain)
            continue
        tag = inside.partition(" ")[0].lower()
        for name, value in _ATTRIBUTE.findall(inside):
            yield Word(f"{heading}, {name} of <{tag}>", html.unescape(value))
