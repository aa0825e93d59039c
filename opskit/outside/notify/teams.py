"""Microsoft Teams by the webhook of a workflow, with an Adaptive Card (schema 1.4).

The URL is the secret. Text goes in as runs of rich text, in which no Markdown is read and nobody
is mentioned. Teams knows no idempotency: the key stands under each message.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from opskit.core.notice import Notice, Status, Weight
from opskit.outside.notify.posting import Endpoint
from opskit.outside.notify.words import OWN_WORDS, Attempted, Wording, within_bytes

NAME = "the Teams workflow"
# Teams takes 28 KB with all that stands around the text.
_TEXT = 8_000
_COLORS = {Weight.CRITICAL: "Attention", Weight.ERROR: "Attention", Weight.WARNING: "Warning"}


@dataclass(frozen=True)
class TeamsSender:
    """Sends messages to one workflow, which posts them to a channel or a chat."""

    endpoint: Endpoint
    wording: Wording = OWN_WORDS

    def send(self, message: Attempted) -> None:
        """Send one message; raise an `OpskitError` that says whether to try again."""
        body = json.dumps(payload(self.wording.of(message)), ensure_ascii=False).encode()
        self.endpoint.post(body, {"content-type": "application/json; charset=utf-8"})


def payload(said: Notice) -> dict[str, object]:
    """Return the JSON of a message with one card."""
    color = "Good" if said.status is Status.RESOLVED else _COLORS.get(said.severity, "Default")
    lines = [line for line in within_bytes(said.text, _TEXT).split("\n") if line.strip()]
    actions = [{"type": "Action.OpenUrl", "title": one.title, "url": one.url} for one in said.links]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": [
            _rich(said.heading, weight="Bolder", size="Medium", color=color),
            *(_rich(line) for line in lines),
            _rich(said.mark, isSubtle=True, size="Small"),
        ],
        **({"actions": actions} if actions else {}),
    }
    kind = "application/vnd.microsoft.card.adaptive"
    attached = {"contentType": kind, "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attached]}


def _rich(text: str, **look: object) -> dict[str, object]:
    run = {"type": "TextRun", "text": text or " ", **look}
    return {"type": "RichTextBlock", "inlines": [run]}
