"""How long a connection is waited for: who is slow loses its own connection and nobody else's."""

from __future__ import annotations

import asyncio
from typing import Any

# Seconds for the head of a request, and for the whole of an answer: a probe may take two minutes.
_HEAD = 10.0
_WHOLE = 150.0
_LOOK = 1.0
_MOST = 256


class Patient:
    """Mixed into a protocol of uvicorn: ends connections that take too long.

    Beyond so many connections the one that was waited for longest makes room, so that those who
    ask nothing keep nobody out who does.
    """

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    connections: set[Any]
    cycle: Any

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait."""
        self.since = self.loop.time()
        self._known: tuple[Any, bool] = (None, False)
        super().connection_made(transport)  # type: ignore[misc]  # the protocol beside this class
        if len(self.connections) > _MOST:
            _make_room(self.connections)
        self._look()

    @property
    def is_busy(self) -> bool:
        """Return whether a request came in that has not been answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def _look(self) -> None:
        if self.transport.is_closing() and self not in self.connections:
            return
        now, state = self.loop.time(), (self.cycle, self.is_busy)
        if state != self._known:  # something came in whole, or went out whole
            self.since, self._known = now, state
        if now - self.since > (_WHOLE if self.is_busy else _HEAD):
            self.transport.abort()
            return
        self.loop.call_later(_LOOK, self._look)


def _make_room(connections: set[Any]) -> None:
    waiting = [one for one in connections if not one.is_busy]
    if waiting:
        min(waiting, key=lambda one: one.since).transport.abort()
