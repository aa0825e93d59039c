"""Page 1 as a message for Slack: Block Kit, as api.slack.com describes it under "Blocks".

Slack takes 3,000 characters in a section and not much more than 13,000 in all; this stays well
below both. What others chose goes in as `plain_text`, in which nothing is a link or a mention.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from opskit.core.text import clean
from opskit.report.built import Built
from opskit.report.document import (
    Document,
    Mark,
    Ribbons,
    Statement,
    Statements,
    Strip,
    Tiles,
)
from opskit.report.render import words

_TITLE, _SECTION, _FIELD = 150, 1_500, 300
_MOST_BLOCKS, _MOST_FIELDS, _SERVICES = 8, 10, 8


def render(built: Built, document: Document) -> str:
    """Return the message as JSON; `built` is what every form is given."""
    del built
    return json.dumps(payload(document), indent=2, sort_keys=True) + "\n"


def payload(document: Document, link: str = "") -> dict[str, Any]:
    """Return the message: `text` for notifications, blocks for the channel; `link` leads to more.

    `link` comes from the settings, not from evidence.
    """
    first = [block for page in document.pages[:1] for block in words.blocks(page)]
    middle = [_section(document.sentence)]
    for block in first:
        match block:
            case Tiles():
                middle.append(_tiles(block))
            case Ribbons(strips=strips) if strips:
                middle.append(_section("\n".join(_services(block))))
            case Statement() | Statements():
                middle.append(_section("\n\n".join(_said(words.statements(block)))))
            case _:
                pass
    head = {"type": "header", "text": _plain(document.title, _TITLE)}
    blocks = [head, *middle[: _MOST_BLOCKS - 2], _foot(document, link)]
    return {
        "text": escaped(f"{document.title}: {document.sentence}", _SECTION),
        "blocks": blocks,
        # No word of `text` is markup or a mention, and no address in it is looked up.
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _tiles(block: Tiles) -> dict[str, Any]:
    said = ("\n".join(words.tile(one)) for one in block.tiles[:_MOST_FIELDS])
    return {"type": "section", "fields": [_plain(one, _FIELD) for one in said]}


def _services(block: Ribbons) -> Iterator[str]:
    # Where not all have room, those that need a look come first.
    order = (Mark.MISSED, Mark.UNCLEAR, Mark.OPEN, Mark.NONE, Mark.MET)
    every = sorted(block.strips, key=lambda one: order.index(one.verdict))
    yield from (_service(one) for one in every[:_SERVICES])
    left = len(every[_SERVICES:]) + block.more
    if left:
        yield f"and {left:,} more services"


def _service(one: Strip) -> str:
    judged = f"{one.verdict}, " if one.verdict else ""
    return f"{one.service}: {judged}{one.figure.display}, target {one.objective}"


def _said(statements: Iterable[Statement]) -> Iterator[str]:
    for one in statements:
        yield "\n".join(filter(None, (f"{one.tone}: {one.title}", one.text, one.credit)))


def _foot(document: Document, link: str) -> dict[str, Any]:
    said = "\n".join(filter(None, (document.scope, document.declared, *words.identity(document))))
    elements = [_plain(said, _SECTION)]
    if link:
        elements.insert(0, {"type": "mrkdwn", "text": f"<{_address(link)}|The whole report>"})
    return {"type": "context", "elements": elements}


def _address(link: str) -> str:
    return link.replace("|", "%7C").replace("<", "%3C").replace(">", "%3E")


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _plain(text, _SECTION)}


def _plain(text: str, most: int) -> dict[str, Any]:
    # Slack refuses empty text.
    return {"type": "plain_text", "text": escaped(text, most) or "-", "emoji": False}


def escaped(text: str, most: int) -> str:
    """Return text as Slack wants it, in at most `most` characters: where this form prints."""
    signs = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
    kept: list[str] = []
    room = most - 1
    for char in clean(text, keep="\n"):
        shown = signs.get(char, char)
        room -= len(shown)
        if room < 0:
            return "".join(kept) + "…"
        kept.append(shown)
    return "".join(kept)
