"""SMTP: the server greets, knows EHLO, and offers STARTTLS where it must."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from opskit.core.clock import SECOND
from opskit.monitor.kinds import Around, Fact, LookKind, Sight
from opskit.monitor.model import Seen
from opskit.monitor.settings import Address, ProbeSettings
from opskit.monitor.talks import talk
from opskit.outside.dial import Dial
from opskit.outside.starttls import smtp_extensions, smtp_goodbye


class SmtpProbe(ProbeSettings):
    """A mail server; up if it greets and says what it can do. No mail is sent."""

    kind: Literal["smtp"]
    address: Address = Field(description="host:port", examples=["mail.example.org:25"])
    ehlo: str = Field(
        default="opskit.invalid",
        pattern=r"^[A-Za-z0-9.-]{1,253}$",
        description="the name to say EHLO with",
        examples=["monitor.example.org"],
    )
    starttls: bool = Field(
        default=False, description="whether STARTTLS must be offered; the kind tls goes on from it"
    )


@talk
def look(probe: SmtpProbe, _around: Around) -> Sight:
    """Greet and ask what there is."""
    with Dial.open(probe.address, probe.timeout / SECOND) as dial:
        offered = smtp_extensions(dial, probe.ehlo)
        smtp_goodbye(dial)
        facts = (
            Fact("probe_ip_protocol", dial.version),
            Fact("opskit_probe_smtp_starttls_offered", 1 if "STARTTLS" in offered else 0),
        )
    if probe.starttls and "STARTTLS" not in offered:
        return Sight(Seen.DOWN, "STARTTLS is not offered", facts=facts)
    return Sight(Seen.UP, facts=facts)


KIND = LookKind(SmtpProbe, look)
