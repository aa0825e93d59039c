"""How channels speak HTTP: one deadline, no redirects, one rule for what may be tried again.

No error names more of a URL than its host: the rest may be the secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from opskit.core.clock import SECOND, Clock, Instant, SystemClock, from_datetime
from opskit.core.errors import OpskitError, OutsideError, Throttled
from opskit.outside import http

# Final are the refusals of 4xx but for those that say "not now" (RFC 9110, 8470, 6585).
_LATER = frozenset({408, 425, 429})
_LONGEST_WAIT = 86_400


@dataclass(frozen=True)
class Endpoint:
    """Where a channel posts to; `name` stands for it in errors."""

    name: str
    url: str = field(repr=False)
    allow_private: bool = False
    seconds: float = 15.0
    clock: Clock = field(default_factory=SystemClock)

    def post(self, body: bytes, headers: Mapping[str, str]) -> http.Response:
        """POST and return an answer that accepts it.

        Raises:
            Throttled: 429, or 503 with `Retry-After`.
            OpskitError: it was not accepted; `retryable` tells whether that can change.
        """
        try:
            response = http.post(
                self.url, body, headers, seconds=self.seconds, allow_private=self.allow_private
            )
        except OpskitError as error:
            # From nothing: what is behind it names the URL.
            raise self._without_url(error) from None
        require_success(self.name, response, self.clock.now())
        return response

    def _without_url(self, error: OpskitError) -> OpskitError:
        message = error.message.replace(self.url, self.name)
        path = self.url.partition("://")[2].partition("/")[2]
        if path and f"/{path}" in message:
            message = f"{self.name} cannot be reached"
        return type(error)(message, hint=error.hint, retryable=error.retryable)


def require_success(name: str, response: http.Response, now: Instant) -> None:
    """Raise unless an answer accepts what was sent.

    Raises:
        Throttled: 429, or 503 with `Retry-After`.
        OutsideError: anything else but 2xx; final for 3xx and for 4xx that say more than "not now".
    """
    status = response.status
    if 200 <= status < 300:
        return
    told = f"{name} answered {status}"
    wait = retry_after(response.headers, now)
    if status == 429 or (status == 503 and wait):
        raise Throttled(told, seconds=wait)
    final = 300 <= status < 500 and status not in _LATER
    raise OutsideError(told, retryable=not final)


def host_of(url: str) -> str:
    """Return the host of a URL, without anything secret."""
    try:
        return urlsplit(url).hostname or "?"
    except ValueError:
        return "?"


def retry_after(headers: Mapping[str, str], now: Instant) -> int:
    """Return the seconds of `Retry-After` (RFC 9110, 10.2.3), at most a day; 0 where none."""
    found = {name.lower(): value for name, value in headers.items()}
    text = found.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), _LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0
    until = from_datetime(at.replace(tzinfo=at.tzinfo or UTC))
    return max(0, min(-((now - until) // SECOND), _LONGEST_WAIT))
