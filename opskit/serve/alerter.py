"""Alerting beside everything else: rules are evaluated and routed, whatever probes and mail do.

Alerts, and who was told, are in the database: whoever leads next goes on from there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from opskit.alerts.engine import Engine, Page
from opskit.app import App
from opskit.core.clock import SECOND, Instant
from opskit.core.errors import OpskitError
from opskit.core.metrics import Family, counter, gauge, one
from opskit.outside.eventlog import EventLog

_TICK = 1.0  # seconds
_PATIENCE = 10.0
# What people said, and what came in from elsewhere, is looked at so often.
_ROUTE_EVERY = 5 * SECOND


class Alerter:
    """A thread that passes over alerts. Its mistakes are told; they end nothing else.

    `page` is what /metrics shows; `go` sends what is owed.
    """

    def __init__(
        self, app: App, log: EventLog, page: Callable[[], Page], go: Callable[[], None]
    ) -> None:
        self._app = app
        self._log = log
        self._page = page
        self._go = go
        self._engine: Engine | None = None
        self._looked_at: Instant | None = None
        self._route_at = 0
        self._failures = 0
        self._again_at = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._told: dict[str, str] = {}
        self._thread = threading.Thread(target=self._work, name="alerter", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def use(self, app: App) -> None:
        """Go on with other settings and rules."""
        with self._lock:
            self._app = app
            self._leave_off()

    def close(self) -> None:
        """End; a pass under way is given a moment."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE)

    def families(self) -> tuple[Family, ...]:
        """Return how the evaluation goes."""
        at = None if self._looked_at is None else self._looked_at / SECOND
        engine = self._engine
        rules = None if engine is None else float(engine.rules)
        failures = self._failures + (0 if engine is None else engine.failures)
        says = "When rules were last evaluated and what they found was written."
        return (
            gauge("opskit_alerts_last_evaluation_timestamp_seconds", says, one(at)),
            gauge("opskit_alerts_rules", "Rules that opskit evaluates.", one(rules)),
            counter(
                "opskit_alerts_evaluation_failures_total",
                "Rules that had no answer, and passes that could not be written.",
                one(float(failures)),
            ),
        )

    def _work(self) -> None:
        while not self._over.is_set():
            if self._app.clock.monotonic() >= self._again_at:
                with self._lock:
                    self._round()
            self._over.wait(_TICK)

    def _round(self) -> None:
        try:
            self._pass(self._ready())
        except OpskitError as error:
            self._failed(error.message)
        except Exception as error:  # noqa: BLE001  # a bug here must not end the watching
            self._failed(f"a bug in opskit: {type(error).__name__}: {error}")

    def _failed(self, reason: str) -> None:
        """Go back to what is written: an engine that is ahead of it would hide what it found."""
        self._failures += 1
        self._leave_off()
        self._again_at = self._app.clock.monotonic() + _ROUTE_EVERY
        self._tell("alerts.failed", reason)

    def _leave_off(self) -> None:
        """Take another engine from now on; what is counted never goes back."""
        self._failures += 0 if self._engine is None else self._engine.failures
        self._engine = None

    def _ready(self) -> Engine:
        if self._engine is None:
            self._engine = self._app.alerting.ready()
        return self._engine

    def _pass(self, engine: Engine) -> None:
        app = self._app
        watcher = app.alerting.watcher
        if engine.is_due(app.clock.now()):
            app.alerting.prepare()
            passed = watcher.look(engine, self._page())
            self._looked_at = app.clock.now()
            self._tell("alerts.held", "; ".join(f"{k}: {v}" for k, v in engine.faults.items()))
            if not engine.faults:
                self._call_watchdog()
        elif app.clock.monotonic() >= self._route_at:
            app.alerting.prepare()
            passed = watcher.route()
        else:
            return
        self._route_at = app.clock.monotonic() + _ROUTE_EVERY
        self._tell("alerts.failed", "")
        self._bring_up_to_date(app)
        if passed.fired or passed.over:
            self._log.info("alerts.changed", fired=passed.fired, over=passed.over)
        if passed.owed:
            self._go()

    def _bring_up_to_date(self, app: App) -> None:
        """Make incidents of what fires; whoever is called does not wait for that."""
        try:
            opened = app.desk.watch.look()
        except OpskitError as error:
            self._tell("incidents.failed", error.message)
            return
        self._tell("incidents.failed", "")
        if opened:
            self._log.info("incidents.opened", count=opened)

    def _call_watchdog(self) -> None:
        try:
            self._app.alerting.call_watchdog()
        except OpskitError as error:
            self._tell("alerts.watchdog", error.message)
        else:
            self._tell("alerts.watchdog", "")

    def _tell(self, event: str, reason: str) -> None:
        """Say what goes wrong, and why, once as long as it stays the same."""
        before = self._told.get(event, "")
        self._told[event] = reason
        if reason and reason != before:
            self._log.error(event, reason=reason)
