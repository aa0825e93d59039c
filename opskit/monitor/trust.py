"""Certificates: whom to believe, and for how long a certificate will do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from opskit.core.clock import DAY, SECOND, Instant
from opskit.core.errors import ConfigError
from opskit.core.text import plural
from opskit.monitor.kinds import Fact, Sight
from opskit.monitor.model import Seen
from opskit.outside.certificates import earliest_end
from opskit.outside.models import Model
from opskit.outside.transfer import Trust

EARLIEST = "probe_ssl_earliest_cert_expiry"
LAST_CHAIN = "probe_ssl_last_chain_expiry_timestamp_seconds"
VERSION = "probe_tls_version_info"


class Tls(Model):
    """Whom to believe, and how long the certificate must do."""

    ca: str = Field(
        default="",
        description="file with the authorities to believe instead of the system's",
        examples=["tls/internal-ca.pem"],
    )
    verify: bool = Field(default=True, description="whether the certificate must be believed")
    min_days: int | None = Field(
        default=None,
        ge=0,
        le=3_650,
        description="degraded when a certificate of the chain ends sooner",
        examples=[21],
    )

    def authorities(self, root: Path) -> str:
        """Return the file with the authorities, or nothing for the system's.

        Raises:
            ConfigError: it is not there.
        """
        if self.ca and not (root / self.ca).is_file():
            raise ConfigError(f"{root / self.ca} is not there", hint="check the path")
        return str(root / self.ca) if self.ca else ""


def trust_of(tls: Tls | None, root: Path, *, chain: bool = False) -> Trust | None:
    """Return whom a transfer believes; nothing is the system's own choice.

    Raises:
        ConfigError: the file with the authorities is not there.
    """
    return None if tls is None else Trust(tls.authorities(root), tls.verify, chain)


def expiry_facts(chain: Sequence[bytes | str], *, verified: bool = False) -> tuple[Fact, ...]:
    """Return when the first certificate of a chain ends, by blackbox_exporter's names."""
    end = earliest_end(chain)
    if end is None:
        return ()
    return (Fact(LAST_CHAIN if verified else EARLIEST, end / SECOND),)


def aged(chain: Sequence[bytes | str], min_days: int | None, now: Instant) -> Sight:
    """Return up, or why a chain will not do for much longer."""
    if min_days is None:
        return Sight(Seen.UP)
    end = earliest_end(chain)
    if end is None:
        return Sight(Seen.UNKNOWN, "the dates of the certificate cannot be read")
    if end <= now:
        return Sight(Seen.DOWN, "a certificate of the chain has ended")
    if end - now < min_days * DAY:
        return Sight(Seen.DEGRADED, f"a certificate ends within {plural(min_days, 'day')}")
    return Sight(Seen.UP)
