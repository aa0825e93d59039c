"""Alertmanager's API v2: each alert goes to every peer, and again before it would end.

Alertmanager tells apart and silences by labels, so the same labels are one alert, whatever the
message says. A cluster shares what was sent, not what it was told: a load balancer in front
would lose alerts. Source: prometheus.io, "Clients" and "High availability".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from opskit.core.clock import MINUTE, Duration, Instant, iso
from opskit.core.errors import OpskitError, OutsideError, Throttled
from opskit.core.notice import Item, Notice, Status
from opskit.outside.notify.posting import Endpoint
from opskit.outside.notify.words import OWN_WORDS, Attempted, Wording

PATH = "/api/v2/alerts"
# One that nobody speaks of any more ends by itself; it is sent again well before that.
_LIFE = Duration(5 * MINUTE)
_AGAIN = Duration(2 * MINUTE)
_NO_LABEL = re.compile("[^a-zA-Z0-9_]")
_STANDING = frozenset({Status.FIRING, Status.REMINDER, Status.ACKNOWLEDGED})


@dataclass(frozen=True)
class AlertmanagerSender:
    """Sends alerts to all peers of a cluster."""

    peers: tuple[Endpoint, ...]
    token: str = field(default="", repr=False)
    wording: Wording = OWN_WORDS

    def send(self, message: Attempted) -> Instant | None:
        """Send to every peer; return when it must be sent again, None where once is enough.

        Raises:
            OpskitError: a peer did not take it. What the others took does no harm twice.
        """
        said = self.wording.of(message)
        now = self.peers[0].clock.now()
        body = json.dumps(list(payload(said, now))).encode()
        headers = {"content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        failed = [error for one in self.peers if (error := _failure(one, body, headers))]
        if failed:
            raise _together(failed, of=len(self.peers))
        return Instant(now + _AGAIN) if said.status in _STANDING else None


def _failure(peer: Endpoint, body: bytes, headers: dict[str, str]) -> OpskitError | None:
    try:
        peer.post(body, headers)
    except OpskitError as error:
        return error
    return None


def _together(failed: list[OpskitError], *, of: int) -> OpskitError:
    """Return one error for what peers said: final only where all of them refused."""
    told = f"{len(failed)} of {of} peers did not take it: {failed[0].message}"
    if all(isinstance(one, Throttled) for one in failed):
        return Throttled(told, seconds=max(getattr(one, "seconds", 0) for one in failed))
    later = len(failed) < of or any(one.retryable for one in failed)
    return OutsideError(told, hint=failed[0].hint, retryable=later)


def payload(said: Notice, now: Instant) -> Iterator[dict[str, object]]:
    """Yield the alerts of a notice; one for all of it where it has no items."""
    ends = now if said.status is Status.RESOLVED else now + _LIFE
    for item in said.items or (Item(),):
        notes = {"summary": said.title, "description": said.text, "message": said.mark}
        yield {
            "labels": _labels(item, said),
            "annotations": {**notes, **{_name(key): value for key, value in item.annotations}},
            **({"startsAt": iso(min(said.at, now))} if said.at else {}),
            "endsAt": iso(ends),
        }


def _labels(item: Item, said: Notice) -> dict[str, str]:
    # An empty label is none; without items the group is what all messages of a fault share.
    found = {_name(name): value for name, value in item.labels if name and value}
    if not found:
        found = {"opskit_group": said.identity or "opskit", "severity": said.severity.value}
    return {"alertname": "opskit", **found}


def _name(text: str) -> str:
    name = _NO_LABEL.sub("_", text)
    return f"_{name}" if not name or name[0].isdigit() else name
