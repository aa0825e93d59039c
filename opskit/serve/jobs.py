"""Scheduled commands: opskit itself, as a process beside this one, when cron says so.

A time that was missed while nobody ran is made up for once. A command that still runs when it is
due again is not started a second time.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from opskit.app import App
from opskit.core.clock import Instant
from opskit.core.people import SCHEDULED
from opskit.outside import cron
from opskit.outside.config import Scheduled
from opskit.outside.eventlog import EventLog
from opskit.outside.process import Beside
from opskit.records import ticks

_GRACE = 5.0


@dataclass
class _Job:
    """A command of the schedule, and when it is due next."""

    scheduled: Scheduled
    due: Instant | None = None

    @property
    def key(self) -> str:
        """Return what tells it from all others."""
        return f"{self.scheduled.cron} {self.scheduled.command}"


class Jobs:
    """Starts what is due and sees to what it left."""

    def __init__(self, app: App, log: EventLog) -> None:
        self._log = log
        self._running: dict[str, Beside] = {}
        self.failed = 0
        self.finished = 0
        self.use(app)

    def use(self, app: App) -> None:
        """Follow the schedule of these settings; what runs goes on."""
        self._app = app
        self._jobs = [_Job(one) for one in app.config.settings.schedule]

    def _due(self, job: _Job) -> Instant:
        """Return when a command is due: in the past, if it was missed."""
        if job.due is None:
            app = self._app
            with app.database.write() as connection:
                last = ticks.last(connection, job.key, app.clock.now())
            job.due = cron.next_due(job.scheduled.cron, app.config.zone, last)
        return job.due

    def turn(self) -> None:
        """Take note of what has ended, start what is due."""
        for command in list(self._running):
            status = self._running[command].status
            if status is not None:
                self._ended(command, self._running.pop(command).end(grace=_GRACE))
        now = self._app.clock.now()
        for job in self._jobs:
            if (due := self._due(job)) <= now:
                self._start(job, due, now)

    def _start(self, job: _Job, due: Instant, now: Instant) -> None:
        app, command = self._app, job.scheduled.command
        busy = command in self._running
        with app.database.write() as connection:
            mine = ticks.take(connection, job.key, now)
            if mine and not busy:
                data = {"command": command, "due": due}
                app.ledger.append(connection, "job.started", command, data)
        job.due = cron.next_due(job.scheduled.cron, app.config.zone, now)
        if mine and busy:
            self._log.warning("job.skipped", command=command, reason="it still runs")
        elif mine:
            self._log.info("job.started", command=command)
            self._running[command] = self._run(job.scheduled)

    def _run(self, scheduled: Scheduled) -> Beside:
        config = self._app.config
        own = {"OPSKIT_CONFIG": str(config.root), SCHEDULED: "1"}
        environment = {**self._app.environment, **own}
        environment.pop("NOTIFY_SOCKET", None)
        return Beside(
            [sys.executable, "-m", "opskit", *scheduled.arguments],
            lambda line: self._log.info("job.said", command=scheduled.command, line=line),
            environment=environment,
            directory=config.root,
        )

    def _ended(self, command: str, status: int) -> None:
        self.finished += 1
        self.failed += status != 0
        self._log.info("job.finished", command=command, status=status)
        with self._app.database.write() as connection:
            data = {"command": command, "status": status}
            self._app.ledger.append(connection, "job.finished", command, data)

    def close(self, *, write: bool) -> None:
        """End what still runs; it is written down unless another process leads now."""
        for command, running in self._running.items():
            status = running.end(grace=_GRACE)
            if write:
                self._ended(command, status)
        self._running.clear()
