"""The process that apprise runs in: one message from standard input, what came of it to output."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import requests

from opskit.outside.notify.apprise import NO_URL, NOT_INSTALLED


class _Last:
    """The last answer that apprise got."""

    status = 0
    retry_after = ""


def _not_followed(*_: object, **__: object) -> Iterator[requests.Response]:
    return iter(())


def _kept(response: requests.Response, *_: object, **__: object) -> requests.Response:
    _Last.status = response.status_code
    _Last.retry_after = response.headers.get("Retry-After", "")
    return response


def _watch() -> None:
    """Have every answer of this process noted, and no redirect followed."""
    begin = requests.Session.__init__

    def begun(self: requests.Session, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        self.trust_env = False
        self.hooks["response"].append(_kept)

    requests.Session.__init__ = begun  # type: ignore[method-assign]  # apprise makes its own
    requests.Session.resolve_redirects = _not_followed  # type: ignore[method-assign]  # the same


def main() -> int:
    """Send what is asked for and return the exit status."""
    logging.disable(logging.CRITICAL)
    asked = json.load(sys.stdin)
    try:
        import apprise  # noqa: PLC0415  # an extra
    except ImportError:
        return NOT_INSTALLED
    _watch()
    services = apprise.Apprise()
    if not services.add(asked["url"]):
        return NO_URL
    text = apprise.NotifyFormat.TEXT
    delivered = services.notify(title=asked["title"], body=asked["body"], body_format=text)
    told = {
        "delivered": bool(delivered) and _Last.status // 100 != 3,
        "status": _Last.status,
        "retry_after": _Last.retry_after,
    }
    sys.stdout.write(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
