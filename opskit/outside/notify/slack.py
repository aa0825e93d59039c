"""Slack's incoming webhooks, as api.slack.com describes them under "Sending messages".

The URL is the secret: it is read from a file and never part of an error or a log. Text goes in as
`plain_text`, in which nothing is a link or a mention, with `&`, `<` and `>` escaped as Slack asks.
Slack knows no idempotency: the key stands under each message, so that a repeat can be told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from opskit.core.notice import Notice
from opskit.outside.notify.posting import Endpoint
from opskit.outside.notify.words import OWN_WORDS, Attempted, Wording

NAME = "the Slack webhook"
# Slack takes 3,000 characters in a section; escaping makes up to five of one.
_SECTION = 2_900


@dataclass(frozen=True)
class SlackSender:
    """Sends messages to one incoming webhook."""

    endpoint: Endpoint
    wording: Wording = OWN_WORDS

    def send(self, message: Attempted) -> None:
        """Send one message; raise an `OpskitError` that says whether to try again."""
        self.post(payload(self.wording.of(message)))

    def post(self, said: Mapping[str, object]) -> None:
        """Send a message that is composed; raise as `send` does."""
        body = json.dumps(said).encode()
        self.endpoint.post(body, {"content-type": "application/json; charset=utf-8"})


def payload(said: Notice) -> dict[str, object]:
    """Return the JSON of a message: `text` for notifications, blocks for the channel."""
    title = escaped(said.heading)
    blocks = [_section(title), *([_section(escaped(said.text))] if said.text else [])]
    below = {"type": "context", "elements": [_plain(escaped(said.mark))]}
    return {
        "text": title,
        "blocks": [*blocks, below],
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def escaped(text: str) -> str:
    """Return text in which Slack finds no mention and no link, in at most a section's length."""
    whole = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if len(whole) <= _SECTION:
        return whole
    # An entity that was cut in half would be text again.
    kept = whole[: _SECTION - 1]
    start = kept.rfind("&", len(kept) - 5)
    return (kept if start < 0 or ";" in kept[start:] else kept[:start]) + "…"


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": _plain(text)}


def _plain(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text or " ", "emoji": False}
