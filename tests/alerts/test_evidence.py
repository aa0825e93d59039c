"""What alerting says in the report: warnings and what came of them, failures without, calls."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from opskit.alerts.evidence import AlertsEvidence
from opskit.alerts.reviewing import Reviewing
from opskit.alerts.store import firings, notices
from opskit.core.clock import DAY, HOUR, MINUTE, FrozenClock, Instant
from opskit.core.evidence import PageEvidence, PredictionEvidence, WarningEvidence, recorded
from opskit.core.hosts import Verdict
from opskit.core.interval import Interval
from opskit.deeds import RecordedDeeds
from opskit.outside.database import Database
from tests.alerts.past import Past

WEEK = 7 * DAY


@pytest.fixture
def past(database: Database, clock: FrozenClock) -> Past:
    return Past(database, clock.now())


def told(past: Past, ago: int = 30 * DAY, until: int = 0) -> WarningEvidence | None:
    """Return what alerting shows of a time, from and until so long ago."""
    deeds = RecordedDeeds(past.database)
    source = AlertsEvidence(past.database, Reviewing(past.database, deeds, ZoneInfo("UTC")))
    period = Interval(Instant(past.now - ago), Instant(past.now - until))
    return source.evidence(period).warnings


def predictions(past: Past, ago: int = 30 * DAY, until: int = 0) -> list[PredictionEvidence]:
    found = told(past, ago, until)
    assert recorded(found, "predictions", "pages")
    return sorted(found.predictions, key=lambda one: (one.warned_at or 0, one.name))


def test_without_an_alert_nothing_can_be_said(past: Past) -> None:
    past.told(DAY, "target.flipped", "shop/web", to="down")
    assert told(past) is None


def test_a_warning_that_was_acted_on_names_its_entries(past: Past) -> None:
    past.fired("s/CertificateEndsSoon", WEEK, DAY, target="shop/web", predicts="failure")
    past.told(WEEK - HOUR, "deadline.moved", "shop/web")
    (one,) = predictions(past)
    assert (one.rule, one.subject) == ("CertificateEndsSoon", "shop/web")
    assert one.acted_at == past.now - WEEK + HOUR
    assert (one.failed_at, one.closed_at, one.refs) == (None, past.now - WEEK + DAY, (1,))


def test_a_warning_that_came_true_and_one_that_came_to_nothing(past: Past) -> None:
    past.fired("s/DiskFillsUp", WEEK, HOUR, target="shop/disk", item="/data", predicts="failure")
    past.fired("s/DiskFillsUp", WEEK, HOUR, target="mail/disk", item="/data", predicts="failure")
    at = past.now - WEEK + 30 * MINUTE
    past.told(WEEK - HOUR, "forecast.settled", "shop/disk", outcome="late", at=at)
    found = {one.subject: one for one in predictions(past)}
    assert found["shop/disk /data"].failed_at == at
    assert found["mail/disk /data"].failed_at is None
    assert found["mail/disk /data"].closed_at is not None
    assert all(one.acted_at is None for one in found.values())


def test_only_rules_that_predict_are_predictions(past: Past) -> None:
    past.fired("s/ServiceDown", WEEK, HOUR, service="shop")
    past.fired("s/Own", WEEK, HOUR, service="shop", predicts="queue full")
    assert [one.rule for one in predictions(past)] == ["Own"]


def test_a_failure_that_nobody_predicted_is_one_without_a_warning(past: Past) -> None:
    past.fired("s/ServiceDown", 20 * DAY, HOUR, service="mail")
    past.told(WEEK, "target.flipped", "shop/web", to="down")
    past.told(WEEK - HOUR, "target.flipped", "shop/web", to="up")
    (one,) = predictions(past)
    assert (one.warned_at, one.failed_at, one.subject) == (None, past.now - WEEK, "shop/web")
    past.fired("s/ThresholdForeseen", WEEK + HOUR, 2 * HOUR, target="shop/web", predicts="failure")
    (one,) = predictions(past)
    assert one.warned_at is not None


def test_a_month_that_is_over_reads_as_it_stood(past: Past) -> None:
    past.fired("s/DiskFillsUp", 2 * WEEK, 10 * DAY, target="shop/disk", predicts="failure")
    past.told(5 * DAY, "maintenance.opened", "shop")
    (then,) = predictions(past, until=WEEK)
    assert (then.acted_at, then.closed_at) == (None, None)
    (later,) = predictions(past, ago=WEEK)
    assert (later.name, later.acted_at) == (then.name, past.now - 5 * DAY)


def called(past: Past, ago: int, occasion: str, severity: str = "critical") -> None:
    """Write a message about the last firing."""
    with past.database.write() as connection:
        last = firings.begun_within(connection, Interval(Instant(0), past.now))[-1]
        notices.keep(
            connection,
            notices.Owed(
                f"{ago}/{occasion}", Instant(past.now - ago), "g", occasion, severity,
                ("mail:anna@example.org",), (last.fingerprint,), (), (9,),
            ),
        )  # fmt: skip


def test_calls_are_what_rings_by_rule_and_by_the_clock(past: Past) -> None:
    # Thursday, 1 October 2026, 12:00 UTC is now.
    past.fired("s/ServiceDown", DAY, HOUR, service="shop", team="web")
    called(past, DAY, "news")
    called(past, DAY - 10 * MINUTE, "escalation")
    called(past, DAY - 20 * MINUTE, "repeat")
    called(past, DAY - 30 * MINUTE, "news", "warning")
    past.fired("s/ServiceDown", 15 * HOUR, HOUR, service="mail", team="web")
    past.told(15 * HOUR - MINUTE, "maintenance.opened", "mail")
    called(past, 15 * HOUR, "news")
    found = told(past)
    assert found is not None
    assert found.pages == (
        PageEvidence(Instant(past.now - DAY), "web", "ServiceDown", False, False, (9,)),
        PageEvidence(
            Instant(past.now - DAY + 10 * MINUTE), "web", "ServiceDown", False, False, (9,)
        ),
        PageEvidence(Instant(past.now - 15 * HOUR), "web", "ServiceDown", True, True, (9,)),
    )
    assert "anna" not in repr(found)


def test_an_outage_that_was_there_before_the_warning_is_not_what_it_foretold(past: Past) -> None:
    past.fired("s/DiskFillsUp", WEEK, HOUR, target="shop/disk", predicts="failure")
    down = WEEK + MINUTE
    past.told(down, "target.flipped", "shop/disk", to="down", since=past.now - down)
    past.told(WEEK - HOUR, "target.flipped", "shop/disk", to="up")
    assert [one.failed_at for one in predictions(past) if one.warned_at is not None] == [None]


@pytest.mark.parametrize(
    ("by", "acted"),
    [("person:alice", True), ("ci:github/org/ops/17", True), ("schedule:opskit", False)],
)
@pytest.mark.parametrize("work", ["run", "maintenance"])
def test_what_a_timetable_started_is_no_answer_to_an_alert(
    past: Past, by: str, work: str, *, acted: bool
) -> None:
    past.fired("s/DiskFillsUp", WEEK, DAY, host="web1", service="shop", predicts="failure")
    if work == "run":
        hosts = {"web1": Verdict.NOT_EVALUATED}
        past.told_by(by, WEEK - HOUR, "run.finished", "r1", {"mode": "apply", "hosts": hosts})
    else:
        past.fired("s/Slow", WEEK, DAY, service="shop", predicts="failure")
        past.announced(WEEK - HOUR, HOUR, "shop", by)
    assert any(one.acted_at is not None for one in predictions(past)) is acted


def test_an_outage_within_announced_work_is_no_failure_that_nobody_foretold(past: Past) -> None:
    past.fired("s/ServiceDown", 20 * DAY, HOUR, service="mail")
    past.announced(WEEK, 2 * HOUR, "shop")
    past.told(WEEK - HOUR, "target.flipped", "shop/web", to="down")
    past.told(WEEK - HOUR - MINUTE, "target.flipped", "shop/web", to="up")
    assert predictions(past) == []
    past.told(WEEK - HOUR - 2 * MINUTE, "target.flipped", "mail/web", to="down")
    past.told(WEEK - 3 * HOUR, "target.flipped", "mail/web", to="up")
    assert [one.subject for one in predictions(past)] == ["mail/web"]


def test_an_outage_that_outlasts_announced_work_counts_from_its_end(past: Past) -> None:
    past.fired("s/ServiceDown", 20 * DAY, HOUR, service="mail")
    past.announced(WEEK, 2 * HOUR, "shop")
    past.announced(WEEK - HOUR, 2 * HOUR, "shop")
    past.told(WEEK - MINUTE, "target.flipped", "shop/web", to="down")
    past.told(WEEK - 4 * HOUR, "target.flipped", "shop/web", to="up")
    (one,) = predictions(past)
    assert one.failed_at == past.now - WEEK + 3 * HOUR
