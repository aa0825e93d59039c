"""A domain: its registration does not end soon. Looked up through RDAP (RFC 9082, RFC 9083)."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from opskit.core.clock import DAY, SECOND, Instant, from_datetime
from opskit.core.errors import OutsideError, Refused
from opskit.core.text import plural
from opskit.monitor.kinds import Around, Fact, LookKind, Sight
from opskit.monitor.model import Seen
from opskit.monitor.probes.http import URL
from opskit.monitor.settings import ProbeSettings
from opskit.monitor.talks import talk
from opskit.outside.dial import DialError, resolve

_ACCEPT = {"Accept": "application/rdap+json"}


class DomainProbe(ProbeSettings):
    """The end of a domain's registration; unknown where it cannot be looked up.

    Registries limit how often they may be asked: an interval of a day is plenty.
    """

    kind: Literal["domain"]
    domain: str = Field(
        pattern=r"^[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+$",
        description="the registered domain; an international one in its xn-- form",
        examples=["example.org"],
    )
    server: str | None = Field(
        default=None,
        pattern=URL,
        description="where the registry's RDAP service is",
        examples=["https://rdap.example.net/"],
    )
    min_days: int = Field(
        default=30, ge=0, le=3_650, description="degraded when the registration ends sooner"
    )
    allow_private: bool = Field(
        default=False, description="whether the server may have a private address"
    )


@talk
def look(probe: DomainProbe, around: Around) -> Sight:
    """Ask the registry once."""
    from opskit.outside.http import get  # noqa: PLC0415  # heavy, and not for settings

    if probe.server is None:
        return Sight(Seen.UNKNOWN, "no RDAP server is given")
    url = f"{probe.server.rstrip('/')}/domain/{probe.domain.lower()}"
    try:
        # What asks for the page waits for a resolver that hangs; this does not.
        resolve(urlsplit(url).hostname or "", 443, time.monotonic() + probe.timeout / SECOND)
        response = get(
            url, _ACCEPT, seconds=probe.timeout / SECOND, allow_private=probe.allow_private
        )
    except Refused as error:
        return Sight(Seen.UNKNOWN, error.message)
    except (OutsideError, DialError):
        # Its words may quote what came, which is anything.
        return Sight(Seen.UNKNOWN, f"{probe.server} did not answer, or not in HTTP")
    if response.status == 404:
        return Sight(Seen.DOWN, "the registry knows no such domain")
    if response.status != 200:
        return Sight(Seen.UNKNOWN, f"the registry answered {response.status}")
    return judged(expiration(response.body), probe.min_days, around.clock.now())


def judged(end: Instant | None, min_days: int, now: Instant) -> Sight:
    """Return what the end of a registration means now."""
    if end is None:
        return Sight(Seen.UNKNOWN, "the registry does not say when the registration ends")
    facts = (Fact("opskit_probe_domain_expiry_timestamp_seconds", end / SECOND),)
    if end <= now:
        return Sight(Seen.DOWN, "the registration has ended", facts=facts)
    if end - now < min_days * DAY:
        reason = f"the registration ends within {plural(min_days, 'day')}"
        return Sight(Seen.DEGRADED, reason, facts=facts)
    return Sight(Seen.UP, facts=facts)


def expiration(body: bytes) -> Instant | None:
    """Return the instant of the event `expiration` in an answer; nothing where there is none."""
    try:
        answer = json.loads(body)
        dates = [one["eventDate"] for one in answer["events"] if one["eventAction"] == "expiration"]
        moment = datetime.fromisoformat(dates[0])
        return from_datetime(moment.replace(tzinfo=moment.tzinfo or UTC))
    except (ValueError, KeyError, IndexError, TypeError, RecursionError, OverflowError):
        return None  # a registry may say anything, and says so in any shape


KIND = LookKind(DomainProbe, look)
