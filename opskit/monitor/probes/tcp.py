"""TCP: a connection opens; where asked for, something is said, and something expected."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from opskit.core.clock import Duration, format_duration
from opskit.monitor.kinds import Around, Fact, Sight, Steps, TransferKind
from opskit.monitor.model import Seen
from opskit.monitor.settings import Address, ProbeSettings
from opskit.outside.transfer import TransferRequest


class TcpProbe(ProbeSettings):
    """A TCP connection; up if it opens. What is said on it, the kind `banner` looks at."""

    kind: Literal["tcp"]
    address: Address = Field(description="host:port", examples=["db.example.org:5432"])


def steps(probe: TcpProbe, _around: Around) -> Steps:
    """Connect once."""
    result = yield TransferRequest(
        f"http://{probe.address}/", Duration(probe.timeout), connect_only=True
    )
    reason = result.error
    if result.timed_out:
        reason = f"no connection within {format_duration(probe.timeout)}"
    seen = Seen.DOWN if reason else Seen.UP
    family = () if reason else (Fact("probe_ip_protocol", 6 if ":" in result.address else 4),)
    return Sight(seen, reason, result.phases.total, result.phases, family)


KIND = TransferKind(TcpProbe, steps)
