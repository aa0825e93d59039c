"""What the metrics page says of alerts: what fires, what is quiet or in hand, who was told."""

from __future__ import annotations

from pathlib import Path

from opskit.alerts.metrics import standing
from opskit.alerts.routing.matchers import parsed
from opskit.alerts.routing.verdicts import Acknowledgement, Silence
from opskit.alerts.store import firings, said
from opskit.core.clock import HOUR, FrozenClock, Instant
from opskit.core.interval import Interval
from opskit.outside.database import Database
from tests.alerts.watch import Shop


def shown(database: Database, now: Instant) -> dict[str, float]:
    """Return what is more than 0, as the page would write it."""
    return {
        " ".join((family.name, *(text for _, text in sample.labels))): sample.value
        for family in standing(database, now)
        for sample in family.samples
        if sample.value
    }


def test_where_no_rule_was_evaluated_nothing_is_shown(
    database: Database, clock: FrozenClock
) -> None:
    assert list(standing(database, clock.now())) == []


def test_what_fires_and_what_people_said_of_it(
    tmp_path: Path, database: Database, clock: FrozenClock
) -> None:
    shop = Shop(tmp_path / "ops", database, clock)
    shop.passes("1m")
    assert shown(database, clock.now()) == {}
    shop.down["web"] = 1
    shop.passes("30s")
    assert shown(database, clock.now()) == {"opskit_alerts pending page": 1}
    shop.passes("2m")
    fires = {"opskit_alerts firing page": 1, "opskit_alerts_notifications_total news": 1}
    assert shown(database, clock.now()) == fires
    now = clock.now()
    lasting = Interval(now, Instant(now + HOUR))
    with database.write() as connection:
        (one,) = firings.opened(connection)
        word = Acknowledgement(one.fingerprint, "anna", now, lasting.end)
        said.keep_acknowledgement(connection, word, "")
        silence = Silence("s", parsed("service=web"), lasting, "anna", "")
        said.keep_silence(connection, said.Noted(silence, now))
    quiet = {"opskit_alerts_silenced": 1, "opskit_alerts_acknowledged": 1}
    assert shown(database, now) == {**fires, **quiet}
    assert shown(database, lasting.end) == fires
