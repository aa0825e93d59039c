"""Slack's incoming webhooks, as api.slack.com describes them under "Sending messages".

The URL is the secret: it is read from a file and never part of an error or a log. Text goes in as
`plain_text`, in which nothing is a link or a mention, with `&`, `<` and `>` escaped as Slack asks.
Slack knows no idempotency: the key stands under each message, so that a repeat can be told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from opskit.core.errors import OpskitError, OutsideError, Throttled
from opskit.outside import http
from opskit.outside.notify.webhook import Deliverable
from opskit.outside.notify.words import Words, words

_NAME = "the Slack webhook"
# Slack takes 3,000 characters in a section; escaping makes up to five of one.
_SECTION = 2_900
_LATER = frozenset({408, 425, 429})
_LONGEST_WAIT = 86_400


@dataclass(frozen=True)
class SlackSender:
    """Sends messages to one incoming webhook."""

    url: str
    allow_private: bool = False
    seconds: float = 15.0

    def send(self, message: Deliverable) -> None:
        """Send one message; raise an `OpskitError` that says whether to try again."""
        self.post(payload(words(message.body), message.key))

    def post(self, said: Mapping[str, object]) -> None:
        """Send a message that is composed; raise as `send` does."""
        body = json.dumps(said).encode()
        headers = {"content-type": "application/json; charset=utf-8"}
        try:
            response = http.post(
                self.url, body, headers, seconds=self.seconds, allow_private=self.allow_private
            )
        except OpskitError as error:
            # From nothing: what is behind it names the URL.
            raise self._without_url(error) from None
        _require_success(response)

    def _without_url(self, error: OpskitError) -> OpskitError:
        message = error.message.replace(self.url, _NAME)
        path = self.url.partition("://")[2].partition("/")[2]
        if path and path in message:
            message = f"{_NAME} cannot be reached"
        return type(error)(message, hint=error.hint, retryable=error.retryable)


def _require_success(response: http.Response) -> None:
    if response.status == 429:
        raise Throttled(f"{_NAME} answered 429", seconds=_retry_after(response))
    if 400 <= response.status < 500 and response.status not in _LATER:
        raise OutsideError(f"{_NAME} answered {response.status}")
    http.require_success(_NAME, response)


def _retry_after(response: http.Response) -> int:
    """Return the seconds of `Retry-After`, at most a day; 0 where none are said."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    text = headers.get("retry-after", "").strip()
    return min(int(text), _LONGEST_WAIT) if text.isascii() and text.isdigit() else 0


def payload(said: Words, key: str) -> dict[str, object]:
    """Return the JSON of a message: `text` for notifications, blocks for the channel."""
    title = escaped(f"URGENT: {said.title}" if said.urgent else said.title)
    blocks = [_section(title), *([_section(escaped(said.text))] if said.text else [])]
    below = {"type": "context", "elements": [_plain(escaped(key))]}
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
