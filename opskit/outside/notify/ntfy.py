"""ntfy: a message published as JSON, which phones show (docs.ntfy.sh, "Publish as JSON").

`sequence_id` is made of the key of the message, so a repeat replaces what it repeats.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from opskit.core.notice import Notice, Status, Weight
from opskit.core.text import shorten
from opskit.outside.notify.posting import Endpoint
from opskit.outside.notify.words import OWN_WORDS, Attempted, Wording, within_bytes

NAME = "ntfy"
# A message of more than 4,096 bytes becomes a file; the key stands under the text.
_TEXT = 3_600
_PRIORITIES = {Weight.CRITICAL: 5, Weight.ERROR: 4, Weight.WARNING: 3, Weight.INFO: 3}


@dataclass(frozen=True)
class NtfySender:
    """Publishes to one topic; `token` is empty where the topic needs none."""

    endpoint: Endpoint
    topic: str = field(repr=False)
    token: str = field(repr=False)
    wording: Wording = OWN_WORDS

    def send(self, message: Attempted) -> None:
        """Send one message; raise an `OpskitError` that says whether to try again."""
        said = {"topic": self.topic, **payload(self.wording.of(message))}
        headers = {"content-type": "application/json; charset=utf-8"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        self.endpoint.post(json.dumps(said, ensure_ascii=False).encode(), headers)


def payload(said: Notice) -> dict[str, object]:
    """Return the message without its topic; its text is read as it stands, never as Markdown."""
    text = within_bytes(said.text or said.title or "opskit", _TEXT)
    over = said.status in {Status.RESOLVED, Status.ACKNOWLEDGED}
    return {
        "title": said.heading,
        "message": f"{text}\n\n{shorten(said.mark, 100)}",
        "priority": 3 if over else _PRIORITIES[said.severity],
        "sequence_id": hashlib.sha256(said.key.encode()).hexdigest()[:40],
        "markdown": False,
        **({"click": said.links[0].url} if said.links else {}),
    }
