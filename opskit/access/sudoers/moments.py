"""The times and spans of sudoers: generalized time, and `7d8h30m10s`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from opskit.core.clock import Instant, from_datetime

_MOMENT = re.compile(
    r"(\d{4})(\d{2})(\d{2})(\d{2})(?:(\d{2})(\d{2})?)?(?:[.,]\d+)?(Z|[+-]\d{2}(?:\d{2})?)?\Z",
    re.ASCII,
)
_SPAN = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?\Z", re.ASCII | re.IGNORECASE)


def moment(text: str) -> Instant | None:
    """Return what `YYYYMMDDHH[MM[SS]][Z|+hhmm]` means; None where it means nothing.

    One without a zone is in the host's, which a file does not tell: it is taken for UTC.
    """
    match = _MOMENT.match(text)
    if match is None:
        return None
    parts = [int(one or 0) for one in match.groups()[:6]]
    try:
        found = datetime(*parts[:6], tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None
    zone = match[7] or "Z"
    if zone != "Z":
        sign = -1 if zone[0] == "-" else 1
        found -= sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5] or 0))
    return from_datetime(found)


def span(text: str) -> int | None:
    """Return the seconds of a `TIMEOUT`; None where it means nothing."""
    match = _SPAN.match(text)
    if match is None or not text:
        return None
    days, hours, minutes, seconds = (int(one or 0) for one in match.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds
