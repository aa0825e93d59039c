"""`opskit serve`: lead or stand by, take signals, tell the manager of services how it goes."""

from __future__ import annotations

import os
import queue
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from opskit.app import App
from opskit.core.errors import ConfigError, DataError, ExitCode, OpskitError
from opskit.core.findings import Finding
from opskit.outside.eventlog import EventLog
from opskit.outside.systemd import Notifier
from opskit.records.fenced import LostLead
from opskit.records.leases import Lease
from opskit.serve.lead import Lead
from opskit.serve.leader import Leadership
from opskit.serve.refusals import Refusals
from opskit.serve.site import Site

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_TURN = 0.5  # seconds
_ENDS = {int(signal.SIGTERM): ExitCode.OK, int(signal.SIGINT): ExitCode.INTERRUPTED}

Find = Callable[[], App]


class _End(Exception):
    """A signal asked for the end."""

    def __init__(self, code: ExitCode) -> None:
        super().__init__()
        self.code = code


def _meant(finding: Finding) -> str:
    return f", {finding.fix}" if finding.fix else ""


class Daemon:
    """One process that serves. `find` reads the settings anew each time it is called."""

    def __init__(self, find: Find, log: EventLog, environment: Mapping[str, str]) -> None:
        self._find = find
        self._log = log
        self._notifier = Notifier.found(environment, os.getpid())
        self._app, self._site = self._read()
        self._refusals = Refusals(log)
        self._leadership = Leadership(self._app.database, self._app.clock)
        # A handler may only do what is safe in the middle of anything; this is.
        self._signals: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._lead: Lead | None = None

    def _read(self) -> tuple[App, Site]:
        """Return the settings on the disk, after looking whether all of them can be used.

        Raises:
            OpskitError: something in them is wrong.
        """
        app = self._find()
        _ = app.catalogue
        app.check_channels()
        app.alerting.check()
        return app, Site.of(app, self._log)

    def run(self) -> ExitCode:
        """Serve until a signal asks for the end; return the exit code."""
        with self._handlers():
            try:
                waited = False
                while True:
                    lease = self._wait_for_the_lead(waited=waited)
                    self._lead_until_lost(lease, patiently=waited)
                    waited = True
            except _End as end:
                return end.code

    @contextmanager
    def _handlers(self) -> Iterator[None]:
        before = {one: signal.getsignal(one) for one in _SIGNALS}
        for one in _SIGNALS:
            signal.signal(one, lambda number, _frame: self._signals.put(number))
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def _wait_for_the_lead(self, *, waited: bool) -> Lease:
        """Stand by until the lead is free, and return it."""
        told = False
        while True:
            lease = self._try_to_lead()
            if lease is not None:
                return lease
            if not told:
                told = True
                self._log.info("standby", again=waited, reason="another opskit serve leads")
                self._notifier.ready("standing by: another opskit serves this database")
            self._notifier.alive()
            self._take_signals()

    def _try_to_lead(self) -> Lease | None:
        try:
            return self._leadership.take()
        except OpskitError as error:
            self._refusals.take(error)
            return None
        finally:
            self._refusals.turned()

    def _lead_until_lost(self, lease: Lease, *, patiently: bool) -> None:
        self._log.info("leading", name=self._leadership.name, token=lease.token)
        lead = Lead(self._app, self._leadership, lease, self._log, self._site)
        lost = False
        try:
            lead.start()
            lead.listen(patiently=patiently)
            self._lead = lead
            self._notifier.ready("serving")
            while True:
                self._take_signals()
                lead.turn()
                if lead.moves:
                    self._notifier.alive()
        except LostLead as error:
            lost = True
            self._log.warning("lead.lost", reason=error.message)
        finally:
            self._lead = None
            lead.close(lost=lost)

    def _take_signals(self) -> None:
        """Wait a moment; do at once what a signal asks for.

        Raises:
            _End: to end.
        """
        try:
            number = self._signals.get(timeout=_TURN)
        except queue.Empty:
            return
        if number in _ENDS:
            self._log.info("stopping", signal=signal.Signals(number).name)
            self._notifier.stopping()
            raise _End(_ENDS[number])
        self._reload()

    def _reload(self) -> None:
        """Read settings and catalogue anew; keep the old ones if anything is wrong with them."""
        self._notifier.reloading()
        try:
            app, site = self._read()
            self._refuse_to_move(site)
        except OpskitError as error:
            found = error.findings if isinstance(error, DataError) else ()
            where = "; ".join(
                f"{one.location or one.subject}: {one.message}{_meant(one)}" for one in found[:5]
            )
            self._log.error("reload.failed", reason=error.message, where=where, kept="the old")
            if self._lead is not None:
                self._lead.told(reloaded=False)
        else:
            self._app, self._site = app, site
            if self._lead is not None:
                self._lead.reload(app, site)
            self._log.info("reloaded")
        self._notifier.ready("serving" if self._lead is not None else "standing by")

    def _refuse_to_move(self, site: Site) -> None:
        """Say so where a change takes effect only with a new start.

        Raises:
            ConfigError: it would lead another database, where another process may.
        """
        before, after = self._app.config, site.app.config
        if before.database_url != after.database_url:
            raise ConfigError("database: cannot change while opskit serves", hint="start it anew")
        if self._site.listens != site.listens:
            self._log.warning("reload.partly", setting="serve.listen", reason="needs a new start")
