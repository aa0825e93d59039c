"""A drill: a fault made on purpose, to see whether probe, route and human channel work. Pure.

Its code goes out in the message and nowhere else: whoever knows it has read the message.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from opskit.core.clock import Instant

# Without what looks alike; 8 of 31 are 39 bits, for a code that is asked for within hours.
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXY"
_LENGTH = 8
SENT, OWED, DEAD = "sent", "owed", "dead"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the probe saw: whether it noticed the fault, and what it said."""

    seen: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill. `routes` says of each channel whether the message was sent; `refs` are entries."""

    id: int
    begun_at: Instant
    deadline_at: Instant
    code_hash: str
    seen: bool | None
    reason: str
    routes: Mapping[str, str]
    confirmed_at: Instant | None
    missed_at: Instant | None
    refs: tuple[int, ...]

    @property
    def routed(self) -> bool | None:
        """Return whether every channel took the message; None while one still owes it."""
        states = set(self.routes.values())
        if DEAD in states:
            return False
        return None if OWED in states or not states else True

    def state(self, now: Instant) -> str:
        """Return how it stands: `confirmed`, `missed`, `failed`, or `waiting` for a human."""
        if self.seen is False or self.routed is False:
            return "failed"
        if self.confirmed_at is not None:
            return "confirmed"
        return "missed" if now >= self.deadline_at else "waiting"


def new_code() -> str:
    """Return a code that nobody can guess in time: `AB2C-D3EF`."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    return f"{letters[:4]}-{letters[4:]}"


def hash_of(code: str) -> str:
    """Return what is kept of a code, however it was typed."""
    plain = "".join(one for one in code.upper() if one in _LETTERS)
    return hashlib.sha256(f"opskit drill {plain}".encode()).hexdigest()


def message(code: str, sighting: Sighting, at: Instant, until: str) -> dict[str, object]:
    """Return the body of the message that goes out."""
    return {
        "type": "drill.begun",
        "at": at,
        "notice": {
            "title": "DRILL: is this alert read by a human?",
            "lines": [
                "This is a drill. Nothing is wrong: opskit made a fault of its own on purpose.",
                f"Its probe said: {sighting.reason}",
                f"Whoever reads this, please confirm by {until}. It proves that alerts arrive.",
            ],
            "commands": [f"opskit drill confirm {code}"],
        },
    }
