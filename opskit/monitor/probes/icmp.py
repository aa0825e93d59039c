"""ICMP: an echo comes back."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from opskit.core.clock import SECOND
from opskit.monitor.kinds import Around, Fact, LookKind, Sight
from opskit.monitor.model import Seen
from opskit.monitor.settings import ProbeSettings
from opskit.monitor.talks import talk
from opskit.outside.icmp import Echo, NotPermitted, echo

_HINT = "opskit may not send ICMP here: sysctl net.ipv4.ping_group_range, or CAP_NET_RAW"


class IcmpProbe(ProbeSettings):
    """One ICMP echo; up if the reply comes. Where the system forbids it, nobody knows."""

    kind: Literal["icmp"]
    host: str = Field(
        pattern=r"^[A-Za-z0-9_.:-]{1,253}$",
        description="name or address",
        examples=["gateway.example.org"],
    )
    ip: Literal["4", "6", "any"] = Field(default="any", description="the version of IP to use")
    size: int = Field(default=56, ge=16, le=1_400, description="bytes to send along")


@talk
def look(probe: IcmpProbe, _around: Around) -> Sight:
    """Send one and wait for it."""
    try:
        reply = echo(probe.host, probe.timeout / SECOND, size=probe.size, family=probe.ip)
    except NotPermitted:
        return Sight(Seen.UNKNOWN, _HINT)
    return Sight(Seen.UP, facts=_facts(reply))


def _facts(reply: Echo) -> tuple[Fact, ...]:
    took = Fact("probe_icmp_duration_seconds", reply.took / SECOND, (("phase", "rtt"),))
    version = Fact("probe_ip_protocol", reply.version)
    hops = () if reply.hops is None else (Fact("probe_icmp_reply_hop_limit", reply.hops),)
    return (took, version, *hops)


KIND = LookKind(IcmpProbe, look)
