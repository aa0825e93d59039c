"""The fault that a drill makes: a listener of its own on loopback, looked at by the real probe."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from opskit.alerts.drill import Sighting
from opskit.core.clock import SECOND, Duration
from opskit.monitor.kinds import Around, Sight
from opskit.monitor.looks import Looks
from opskit.monitor.model import Seen
from opskit.monitor.probes.tcp import TcpProbe

_TIMEOUT = "3s"
_WAIT = Duration(10 * SECOND)


@dataclass(frozen=True)
class LoopbackFault:
    """A TCP port that is open, then refuses: seen if the probe says up, then twice down.

    A second try confirms a failure, as it does for every service.
    """

    around: Around

    def sighting(self) -> Sighting:
        """Open a port, look, close it, look twice, and return what was seen."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"127.0.0.1:{listener.getsockname()[1]}"
            before = self._look(address)
        if before.seen is not Seen.UP:
            return Sighting(seen=False, reason=f"before the fault: {_said(before)}")
        tries = (self._look(address), self._look(address))
        blind = next((one for one in tries if one.seen is not Seen.DOWN), None)
        shown = blind or tries[-1]
        return Sighting(seen=blind is None, reason=f"tcp on loopback {_said(shown)}")

    def _look(self, address: str) -> Sight:
        looks: Looks[str] = Looks(self.around)
        clock = self.around.clock
        try:
            looks.start(address, TcpProbe(kind="tcp", address=address, timeout=_TIMEOUT))
            until = clock.monotonic() + _WAIT
            while clock.monotonic() < until:
                for ended in looks.poll(0.5):
                    return ended.sight
        finally:
            looks.close()
        return Sight(Seen.UNKNOWN, "the probe did not end")


def _said(sight: Sight) -> str:
    return f"{sight.seen.value}: {sight.reason}" if sight.reason else sight.seen.value
