"""What a delivery is, what sends it, and what holds for the channel that it goes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from opskit.core.clock import Duration, Instant

_NO_WAIT = Duration(0)


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery owed. `attempts` counts the tries so far; above 0 it may be a repeat."""

    key: str
    channel: str
    body: str
    attempts: int


class Sender(Protocol):
    """Something that can deliver a message, by channel name."""

    def send(self, message: Message) -> Instant | None:
        """Deliver it; return when it is to be delivered again, None where once is enough.

        Raises:
            OpskitError: it was not delivered; `retryable` says whether trying again can help.
        """
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for a channel: when many go as one, and who is told what it does not take.

    `digest_over` 0 is never; `fallback` is a channel, told once a message waited that long.
    `together` may be on their way before the first is marked: more than one only where the
    receiver knows a message by its key, for after a crash all of them come again.
    """

    digest_over: int = 0
    fallback: str = ""
    fallback_after: Duration = _NO_WAIT
    together: int = 1


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one round did; `unusable` are the channels nothing could be sent to, each with why."""

    sent: int
    failed: int
    dead: int
    unusable: tuple[str, ...] = ()
