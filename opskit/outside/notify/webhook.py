"""Signed webhooks as the Standard Webhooks specification describes them (version 1).

The message id is the idempotency key: a receiver that keeps ids sees every event once.
Source of the scheme: standardwebhooks.com, "v1" symmetric signatures:
base64(HMAC-SHA256(secret, id "." timestamp "." body)).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field

from opskit.core.clock import SECOND
from opskit.outside.notify.posting import Endpoint
from opskit.outside.notify.words import Deliverable


@dataclass(frozen=True)
class WebhookSender:
    """Sends messages to one URL."""

    endpoint: Endpoint
    secret: bytes = field(repr=False)

    def send(self, message: Deliverable) -> None:
        """Send one message; raise an `OpskitError` that says whether to try again."""
        body = message.body.encode()
        timestamp = str(self.endpoint.clock.now() // SECOND)
        headers = {
            "content-type": "application/json",
            "webhook-id": message.key,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(self.secret, message.key, timestamp, body),
        }
        self.endpoint.post(body, headers)


def signature(secret: bytes, key: str, timestamp: str, body: bytes) -> str:
    """Return the `v1,...` signature of a message."""
    signed = b".".join((key.encode(), timestamp.encode(), body))
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def secret_bytes(text: str) -> bytes:
    """Return the key of a secret as it is written in a file: `whsec_` and base64, or plain text."""
    text = text.strip()
    if text.startswith("whsec_"):
        try:
            return base64.b64decode(text.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            pass
    return text.encode()
