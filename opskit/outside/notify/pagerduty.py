"""PagerDuty's Events API v2: a fault is triggered, acknowledged and resolved under one key.

What belongs to one group has one `dedup_key`, so a repeat changes nothing and a reminder opens no
second incident. Source: developer.pagerduty.com, "Send an Alert Event".
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from opskit.core.clock import iso
from opskit.core.notice import Notice, Status
from opskit.outside.notify.posting import Endpoint
from opskit.outside.notify.words import OWN_WORDS, Attempted, Wording

NAME = "PagerDuty"
_LONGEST_KEY = 255
_ACTIONS = {Status.ACKNOWLEDGED: "acknowledge", Status.RESOLVED: "resolve"}


@dataclass(frozen=True)
class PagerDutySender:
    """Sends events to one service, which the routing key names; the key is the secret."""

    endpoint: Endpoint
    routing_key: str = field(repr=False)
    wording: Wording = OWN_WORDS

    def send(self, message: Attempted) -> None:
        """Send one event; raise an `OpskitError` that says whether to try again."""
        event = {"routing_key": self.routing_key, **payload(self.wording.of(message))}
        self.endpoint.post(json.dumps(event).encode(), {"content-type": "application/json"})


def payload(said: Notice) -> dict[str, object]:
    """Return the event without the routing key."""
    action = _ACTIONS.get(said.status, "trigger")
    event: dict[str, object] = {"event_action": action, "dedup_key": _dedup(said.identity)}
    if action != "trigger":
        return event
    about: dict[str, object] = {
        "summary": said.title or "opskit",
        "source": "opskit",
        "severity": said.severity.value,
        "custom_details": {"text": said.text, "message": said.mark, "status": said.status.value},
        **({"timestamp": iso(said.at)} if said.at else {}),
    }
    links = [{"href": one.url, "text": one.title} for one in said.links]
    return {**event, "client": "opskit", "payload": about, **({"links": links} if links else {})}


def _dedup(identity: str) -> str:
    if len(identity) <= _LONGEST_KEY:
        return identity
    return hashlib.sha256(identity.encode()).hexdigest()
