"""A banner: what a TCP server says by itself, or to a line that is sent."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from opskit.core.clock import SECOND
from opskit.core.text import decode
from opskit.monitor.answers import Pattern, found
from opskit.monitor.kinds import Around, Fact, LookKind, Sight
from opskit.monitor.model import Seen
from opskit.monitor.settings import Address, ProbeSettings
from opskit.monitor.talks import talk
from opskit.outside.dial import Dial, DialError

_MAX_BYTES = 65_536


class BannerProbe(ProbeSettings):
    r"""A TCP conversation; up once what the server says matches.

    Of a server that never stops talking, the first 64 KiB are looked at.
    """

    kind: Literal["banner"]
    address: Address = Field(description="host:port", examples=["cache.example.org:6379"])
    send: str = Field(
        default="", max_length=8_000, description="what to say first", examples=["PING\r\n"]
    )
    expect: Pattern = Field(
        min_length=1, description="pattern that the answer must match", examples=[r"^\+PONG"]
    )


@talk
def look(probe: BannerProbe, _around: Around) -> Sight:
    """Connect, say what is to be said, and listen until it is there."""
    with Dial.open(probe.address, probe.timeout / SECOND) as dial:
        facts = (Fact("probe_ip_protocol", dial.version),)
        if probe.send:
            dial.send(probe.send.encode())
        heard = b""
        while len(heard) < _MAX_BYTES and (chunk := _chunk(dial, probe, heard)):
            heard += chunk
            if found(probe.expect, decode(heard[:_MAX_BYTES])):
                return Sight(Seen.UP, facts=(*facts, Fact("probe_failed_due_to_regex", 0)))
    failed = Fact("probe_failed_due_to_regex", 1)
    return Sight(Seen.DOWN, _mismatch(probe), facts=(*facts, failed))


def _chunk(dial: Dial, probe: BannerProbe, heard: bytes) -> bytes:
    try:
        return dial.receive()
    except DialError as error:
        if heard:  # something was said, and it was not that
            raise DialError(_mismatch(probe)) from error
        raise


def _mismatch(probe: BannerProbe) -> str:
    return f"{probe.expect!r} does not match what was said"


KIND = LookKind(BannerProbe, look)
