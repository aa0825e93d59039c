"""What becomes of the end of a certificate is written down once, and told as a renewal."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from opskit.core.clock import DAY, SECOND, FrozenClock, Instant
from opskit.core.evidence import Reading, recorded, unreferred
from opskit.core.interval import Interval
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.evidence import MonitorEvidence
from opskit.monitor.foresight import DEFAULTS, Foresight
from opskit.monitor.numbers import CERTIFICATE
from opskit.monitor.store import deadlines, samples, targets
from opskit.monitor.store.samples import Metric
from opskit.outside.database import Database
from opskit.records.ledger import Ledger

SHOP = {"owner": "web", "probes": [{"kind": "tls", "address": "shop.example:443"}]}


class Watch:
    """A shop whose certificate is seen, at some ends."""

    def __init__(self, database: Database, clock: FrozenClock) -> None:
        self.database, self.clock = database, clock
        self.ledger = Ledger(clock, "opskit")
        self.catalogue = Catalogue.model_validate({"services": {"shop": SHOP}})
        self.began = clock.now()
        (self.target,) = self.catalogue.target_ids
        with database.write() as connection:
            targets.sync(connection, self.ledger, self.catalogue.targets())

    def see(self, end: int, after: int = DAY) -> None:
        """See a certificate with this end, and let what is foreseen be kept."""
        self.clock.advance(after)
        metric = Metric(self.target, CERTIFICATE, ())
        with self.database.write() as connection:
            values = {metric: end / SECOND}
            samples.insert(connection, self.clock.now(), values, (CERTIFICATE,))
        foresight = Foresight(self.database, self.ledger, DEFAULTS)
        foresight.keep((self.target,), Instant(self.clock.now() + SECOND))

    def told(self, days: int) -> list[tuple[int, int | None]]:
        """Return (old end, renewed) in days since it began."""
        period = Interval(self.began, Instant(self.began + days * DAY))
        source = MonitorEvidence(self.database, self.catalogue, ZoneInfo("UTC"), self.clock.now())
        warned = source.evidence(period).warnings
        assert recorded(warned, "renewals")
        assert not recorded(warned, "predictions")
        return [
            (
                (one.ends_at - self.began) // DAY,
                None if one.renewed_at is None else (one.renewed_at - self.began) // DAY,
            )
            for one in warned.renewals
        ]


@pytest.fixture
def watch(database: Database, clock: FrozenClock) -> Watch:
    return Watch(database, clock)


def test_a_renewal_is_told_once_with_the_old_end(watch: Watch) -> None:
    first, second = watch.began + 10 * DAY, watch.began + 100 * DAY
    for end in (first, first, second, second, second):
        watch.see(end)
    assert watch.told(20) == [(10, 3)]
    assert watch.told(3) == []


def test_what_ran_out_in_service_is_told_and_its_renewal_after_it(watch: Watch) -> None:
    end = watch.began + 2 * DAY
    for _ in range(3):
        watch.see(end)
    assert watch.told(20) == [(2, None)]
    watch.see(watch.began + 90 * DAY)
    assert watch.told(20) == [(2, 4)]


def test_an_end_put_earlier_is_no_renewal(watch: Watch) -> None:
    watch.see(watch.began + 90 * DAY)
    watch.see(watch.began + 10 * DAY)
    assert watch.told(20) == []


def test_where_no_end_is_looked_at_nothing_is_said(watch: Watch) -> None:
    period = Interval(watch.began, Instant(watch.began + DAY))
    source = MonitorEvidence(watch.database, watch.catalogue, ZoneInfo("UTC"), watch.clock.now())
    assert source.evidence(period).warnings is None
    with watch.database.read() as connection:
        assert deadlines.within(connection, period) == ()


def test_read_bare_services_say_the_same_without_what_shows_it(watch: Watch) -> None:
    watch.see(watch.began + 30 * DAY)
    period = Interval(watch.began, watch.clock.now())
    whole, bare = (
        MonitorEvidence(
            watch.database, watch.catalogue, ZoneInfo("UTC"), watch.clock.now(), reading
        ).evidence(period)
        for reading in (Reading.ALL, Reading.BARE)
    )
    assert whole.services[0].refs
    assert not bare.services[0].refs
    assert unreferred(bare) == unreferred(whole)
