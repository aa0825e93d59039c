"""TLS: the certificate is believed and does for long enough; also behind STARTTLS."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from opskit.core.clock import SECOND
from opskit.monitor.kinds import Around, Fact, LookKind, Sight
from opskit.monitor.model import Seen
from opskit.monitor.settings import Address, ProbeSettings
from opskit.monitor.talks import talk, told
from opskit.monitor.trust import VERSION, Tls, aged, expiry_facts
from opskit.outside.dial import Dial, DialError, split, trusting
from opskit.outside.starttls import BEGIN


class TlsProbe(Tls, ProbeSettings):
    """A TLS handshake; up if the whole chain is believed, for this name, and for long enough."""

    kind: Literal["tls"]
    address: Address = Field(description="host:port", examples=["mail.example.org:25"])
    server_name: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._:-]{0,253}$",
        description="the name the certificate must be for; that of the address if empty",
        examples=["mail.example.org"],
    )
    starttls: Literal["smtp", "imap", "postgres"] | None = Field(
        default=None, description="the protocol in which TLS is asked for"
    )
    min_days: int | None = Field(
        default=14,
        ge=0,
        le=3_650,
        description="degraded when a certificate of the chain ends sooner",
        examples=[21],
    )


@talk
def look(probe: TlsProbe, around: Around) -> Sight:
    """Shake hands; of a chain that is refused, see at least when it ends."""
    deadline = around.clock.monotonic() + probe.timeout
    try:
        return _seen(probe, around, probe.timeout / SECOND, verify=probe.verify)
    except DialError as error:
        left = (deadline - around.clock.monotonic()) / SECOND
        if not error.reason.startswith("certificate refused") or left <= 0:
            raise
        return Sight(Seen.DOWN, told(error, probe), facts=_refused(probe, around, left))


def _seen(probe: TlsProbe, around: Around, seconds: float, *, verify: bool) -> Sight:
    context = trusting(probe.authorities(around.root), verify=verify)
    with Dial.open(probe.address, seconds) as dial:
        if probe.starttls:
            BEGIN[probe.starttls](dial)
        dial.secure(context, probe.server_name or split(probe.address)[0])
        sent = dial.chain(verified=False)
        chain = dial.chain(verified=True) if verify else sent
        facts = (
            Fact("probe_ip_protocol", dial.version),
            Fact(VERSION, 1, (("version", dial.tls_version),)),
            *expiry_facts(sent),
            *(expiry_facts(chain, verified=True) if verify else ()),
        )
    age = aged(chain, probe.min_days, around.clock.now())
    return Sight(age.seen, age.reason, facts=facts)


def _refused(probe: TlsProbe, around: Around, seconds: float) -> tuple[Fact, ...]:
    try:
        return _seen(probe, around, seconds, verify=False).facts
    except DialError:
        return ()


KIND = LookKind(TlsProbe, look)
