"""TCP: a connection opens, nothing is sent."""

from __future__ import annotations

from opskit.core.clock import Duration, format_duration
from opskit.monitor.model import Seen, TcpProbe
from opskit.outside.transfer import TransferRequest, TransferResult


def request(probe: TcpProbe) -> TransferRequest:
    """Return the connection to open."""
    return TransferRequest(f"http://{probe.address}/", Duration(probe.timeout), connect_only=True)


def judge(probe: TcpProbe, result: TransferResult) -> tuple[Seen, str]:
    """Return up, or down with the reason."""
    if result.timed_out:
        return Seen.DOWN, f"no connection within {format_duration(probe.timeout)}"
    return (Seen.DOWN, result.error) if result.error else (Seen.UP, "")
