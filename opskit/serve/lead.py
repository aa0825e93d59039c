"""What the process that leads does: it looks, delivers, runs what is due and answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opskit.alerts.engine import Page
from opskit.app import App
from opskit.core.clock import MINUTE, SECOND, Instant
from opskit.core.errors import OpskitError
from opskit.core.metrics import Family, Sample
from opskit.outside.eventlog import EventLog
from opskit.records.fenced import LostLead
from opskit.records.leases import Lease
from opskit.serve.alerter import Alerter
from opskit.serve.courier import Courier
from opskit.serve.jobs import Jobs
from opskit.serve.leader import Leadership
from opskit.serve.refusals import Refusals
from opskit.serve.settler import Settler
from opskit.serve.site import Site
from opskit.serve.watch import Watch
from opskit.serve.web import Web

_AGAIN = 2 * SECOND
# What nobody has looked at for a while is looked at again within so long after another leads.
_BEGINS_WITHIN = 5 * MINUTE
_STATES = frozenset({"opskit_service_state", "opskit_target_state"})


class Lead:
    """Everything that runs while this process leads. `turn` is called about once a second."""

    def __init__(
        self, app: App, leadership: Leadership, lease: Lease, log: EventLog, site: Site
    ) -> None:
        self._leadership = leadership
        self._lease = lease
        self._log = log
        self._app = app.leading(lease)
        self._reloaded: tuple[bool, Instant] = (True, app.clock.now())
        self._began = app.clock.monotonic()
        self._try_again_at = 0
        self._watch: Watch | None = None
        self._courier = Courier(self._app, log)
        self._settler = Settler(self._app, log)
        self._jobs = Jobs(self._app, log)
        self._alerter = Alerter(self._app, log, self._page, self._courier.go)
        self._refusals = Refusals(log)
        self._site = site
        self._open(site)
        self._web = Web(site, log)

    def start(self) -> None:
        """Begin to look."""
        self._start_watching()
        self._alerter.start()

    @property
    def moves(self) -> bool:
        """Return whether the loop really comes round."""
        return self._watch is not None and self._watch.moves

    def listen(self, *, patiently: bool) -> None:
        """Answer from now on; `patiently` where another process may still hold the address.

        Raises:
            ConfigError: it cannot listen there.
        """
        try:
            self._web.start()
        except OpskitError as error:
            if not patiently:
                raise
            self._log.warning("listen.failed", reason=error.message)

    def turn(self) -> None:
        """Keep the lead and see that everything goes on.

        Raises:
            LostLead: another process leads.
        """
        self._keep()
        try:
            self._jobs.turn()
        except LostLead:
            raise
        except OpskitError as error:
            self._refusals.take(error)
        self._look_after_the_watch()
        if self._courier.error is not None:
            raise self._courier.error
        if not self._web.listens:
            self.listen(patiently=True)
        self._refusals.turned()

    def _keep(self) -> None:
        try:
            if not self._leadership.keep(self._lease):
                raise LostLead("another opskit leads now")
        except OpskitError as error:
            self._refusals.take(error)

    def _look_after_the_watch(self) -> None:
        watch, now = self._watch, self._app.clock.monotonic()
        if watch is None:
            if now >= self._try_again_at:
                self._start_watching()
            return
        if not watch.ended:
            return
        self._watch = None
        self._try_again_at = now + _AGAIN
        if isinstance(watch.error, OpskitError):
            self._refusals.take(watch.error)
        elif watch.error is not None:
            raise watch.error

    def _start_watching(self) -> None:
        try:
            self._watch = Watch(self._app, self._log, self._courier.go)
        except LostLead:
            raise
        except OpskitError as error:
            self._try_again_at = self._app.clock.monotonic() + _AGAIN
            self._refusals.take(error)

    def reload(self, app: App, site: Site) -> None:
        """Go on with new settings and a new catalogue."""
        leading = app.leading(self._lease)
        if self._watch is not None:
            self._watch.stop()
        before, self._app = self._app, leading
        self._courier.app = leading
        self._settler.app = leading
        self._jobs.use(leading)
        self._alerter.use(leading)
        site.requests = self._site.requests
        self._open(site)
        self._site = site
        self._web.use(site)
        before.database.close()
        self._start_watching()
        self.told(reloaded=True)

    def told(self, *, reloaded: bool) -> None:
        """Remember how the last reload went, for the metrics page."""
        at = self._app.clock.now() if reloaded else self._reloaded[1]
        self._reloaded = (reloaded, at)

    def _open(self, site: Site) -> None:
        site.app = self._app
        site.ready = lambda: self.moves
        site.own = self._families
        site.pulse = lambda: None if self._watch is None else self._watch.pulse()

    def close(self, *, lost: bool) -> None:
        """End: write and seal what was seen, answer no more, let another lead."""
        try:
            if self._watch is not None:
                self._watch.stop()
                if self._watch.error is not None and not lost:
                    raise self._watch.error
        finally:
            self._web.stop()
            self._alerter.close()
            self._jobs.close(write=not lost)
            self._settler.close()
            self._courier.close()
            if not lost:
                self._leadership.give_back(self._lease)
            self._app.database.close()

    def _page(self) -> Page:
        families = self._site.families()
        begins = self._app.clock.monotonic() - self._began < _BEGINS_WITHIN
        unseen = frozenset(_unseen(families)) if begins else frozenset()
        return Page(families, self._app.gatherer.hides, unseen)

    def _families(self) -> tuple[Family, ...]:
        done, at = self._reloaded
        return (
            Family(
                "opskit_config_last_reload_successful", "gauge",
                "Whether the settings on the disk are those in force.", (Sample(int(done)),),
            ),
            Family(
                "opskit_config_last_reload_success_timestamp_seconds", "gauge",
                "When settings were last read.", (Sample(at / SECOND),),
            ),
            Family(
                "opskit_jobs_finished_total", "counter", "Scheduled commands that ended.",
                (Sample(self._jobs.finished),),
            ),
            Family(
                "opskit_jobs_failed_total", "counter",
                "Scheduled commands that ended with another status than 0.",
                (Sample(self._jobs.failed),),
            ),
            *self._alerter.families(),
            *self._site.requests.families(),
        )  # fmt: skip


def _unseen(families: Iterable[Family]) -> Iterator[str]:
    """Yield the metrics that show of something that nobody knows how it is."""
    for family in families:
        unknown = (value for value, labels in family.samples if ("state", "unknown") in labels)
        if family.name in _STATES and any(unknown):
            yield family.name
