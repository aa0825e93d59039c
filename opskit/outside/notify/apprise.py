"""Everything else that tells people, by way of the apprise package, where that is installed.

It runs in a process of its own: so it has one deadline, what it logs reaches no log of ours, and
the URL, which is the secret, stands in no argument. Redirects are not followed there, and the
status of the last answer decides whether trying again can help. Apprise has no idempotency and
talks to any address.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from opskit.core.clock import Clock
from opskit.core.errors import ConfigError, OutsideError
from opskit.outside.http import Response
from opskit.outside.notify.posting import require_success
from opskit.outside.notify.words import OWN_WORDS, Attempted, Wording
from opskit.outside.process import Completed, run

NAME = "the service behind apprise"
# How the process ends where it could not even begin.
NOT_INSTALLED, NO_URL = 3, 4


@dataclass(frozen=True)
class AppriseSender:
    """Sends messages to what one URL of apprise names."""

    url: str = field(repr=False)
    clock: Clock
    seconds: float = 30.0
    wording: Wording = OWN_WORDS

    def send(self, message: Attempted) -> None:
        """Send one message; raise an `OpskitError` that says whether to try again."""
        said = self.wording.of(message)
        asked = {
            "url": self.url,
            "title": said.heading,
            "body": f"{said.text}\n\n{said.mark}".lstrip(),
        }
        done = run(
            [sys.executable, "-P", "-m", "opskit.outside.notify.apprising"],
            timeout=self.seconds,
            environment={"PATH": os.defpath, "LANG": "C.UTF-8"},
            directory=Path("/"),
            stdin=json.dumps(asked).encode(),
            limit=10_000,
        )
        if done.timed_out:
            raise OutsideError(f"{NAME} did not answer within {self.seconds:g} s", retryable=True)
        self._judge(done)

    def _judge(self, done: Completed) -> None:
        if done.status == NOT_INSTALLED:
            hint = "pip install 'opskit[apprise]'"
            raise ConfigError("apprise is not installed", hint=hint, retryable=True)
        if done.status == NO_URL:
            hint = "see the services that apprise knows"
            raise ConfigError("the secret is no URL of apprise", hint=hint, retryable=True)
        try:
            found = json.loads(done.stdout)
            delivered, status = found["delivered"] is True, int(found["status"])
            headers = {"retry-after": str(found["retry_after"])}
        except (ValueError, KeyError, TypeError):
            raise OutsideError("apprise ended without a result", retryable=True) from None
        if delivered:
            return
        if status:
            require_success(NAME, Response(status, headers, b""), self.clock.now())
        raise OutsideError(f"{NAME} did not take it", retryable=True)
