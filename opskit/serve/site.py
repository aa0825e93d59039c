"""All that the web side knows: settings that were looked at, and what it may ask opskit for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

from opskit.app import App
from opskit.core.clock import Clock, Duration, Instant
from opskit.core.errors import ConfigError
from opskit.core.metrics import Family
from opskit.core.text import decode
from opskit.monitor.blackbox import BUILT_IN, Module, modules
from opskit.monitor.pulse import Pulse
from opskit.outside.config import Config
from opskit.outside.eventlog import EventLog
from opskit.outside.notify.webhook import secret_bytes
from opskit.serve.access import HOW_TO_MAKE_ONE, Access, Tls, access, secret
from opskit.serve.limits import Limit, Requests

PAGES = (
    "metrics", "probe", "healthy", "ready", "heartbeat", "webhook", "status", "badge", "targets",
    "maintenance", "reports", "report", "alerts", "silences", "api", "other",
)  # fmt: skip
R = TypeVar("R")


class Kept:
    """Answers that cost something, each made by one caller at a time and kept for a while."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[Any, int]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, name: str, clock: Clock, length: Duration, make: Callable[[], R]) -> R:
        """Return what was made less than `length` ago, or make it."""
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            found, until = self._found.get(name, (None, 0))
            if found is None or clock.monotonic() >= until:
                found = make()
                self._found[name] = (found, clock.monotonic() + length)
            return cast("R", found)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who may send to `/webhook/NAME`: how, and the key that signs or the token."""

    kind: Literal["signed", "alertmanager"]
    key: bytes = field(repr=False)


@dataclass
class Site:
    """One reading of the settings. `ready`, `own` and `pulse` are given by what runs behind it."""

    app: App
    log: EventLog
    access: Access
    tls: Tls | None
    modules: Mapping[str, Module]
    intakes: Mapping[str, Sender]
    requests: Requests
    callers: Limit
    beats: Limit
    guesses: Limit
    since: Instant
    ready: Callable[[], bool] = lambda: False
    own: Callable[[], tuple[Family, ...]] = tuple
    pulse: Callable[[], Pulse | None] = lambda: None
    kept: Kept = field(default_factory=Kept)

    @classmethod
    def of(cls, app: App, log: EventLog) -> Site:
        """Return what the settings of `app` make of it.

        Raises:
            ConfigError: it would be open to others, or a file in them cannot be used.
        """
        who, tls = access(app.config, app.environment)
        settings = app.config.settings.serve
        known = dict(BUILT_IN)
        if settings.blackbox:
            known |= modules(app.config.path(settings.blackbox), name=settings.blackbox)
        tick = app.clock.monotonic
        return cls(
            app,
            log,
            who,
            tls,
            known,
            _intakes(app.config, app.environment),
            Requests(PAGES),
            Limit(tick, per_minute=600, burst=200),
            Limit(tick, per_minute=60, burst=10),
            Limit(tick, per_minute=30, burst=30),
            app.clock.now(),
        )

    def families(self) -> tuple[Family, ...]:
        """Return all that /metrics shows now."""
        return (*self.app.families(self.pulse()), *self.own())

    @property
    def listens(self) -> tuple[str, bool]:
        """Return where it listens, and whether by TLS: what a reload cannot change."""
        return self.app.config.settings.serve.listen, self.tls is not None


def _intakes(config: Config, environment: Mapping[str, str]) -> dict[str, Sender]:
    found = {}
    for name, intake in config.settings.serve.webhooks.items():
        text = decode(secret(config, intake.secret_file, environment))
        signed = intake.kind == "signed"
        key = secret_bytes(text) if signed else text.strip().encode()
        if len(key) < 16:
            what = "write whsec_ and 24 bytes or more as base64" if signed else HOW_TO_MAKE_ONE
            raise ConfigError(f"the secret of webhook {name} is too short to be one", hint=what)
        found[name] = Sender(intake.kind, key)
    return found
