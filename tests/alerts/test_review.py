"""`opskit alerts review`: recorded firings, joined to what the records say followed them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from opskit.alerts.firing import fingerprint
from opskit.alerts.routing.matchers import parsed
from opskit.alerts.routing.verdicts import Acknowledgement, Silence
from opskit.alerts.store import said
from opskit.core.clock import DAY, HOUR, MINUTE, Instant, SystemClock
from opskit.core.interval import Interval
from opskit.outside.database import Database, sqlite_url
from tests.alerts.past import Past
from tests.cli.inside import Inside


@pytest.fixture
def past(ops: Path, inside: Inside) -> Iterator[Past]:
    assert inside("alerts", "review").code == 3
    opened = Database.open(sqlite_url(ops / ".opskit" / "opskit.db"))
    yield Past(opened, SystemClock().now())
    opened.close()


def test_where_nothing_ever_fired_nothing_can_be_said(inside: Inside) -> None:
    done = inside("alerts", "review", "--json")
    assert (done.code, json.loads(done.out)["rules"]) == (3, [])
    assert "no alert ever fired" in done.err


def test_each_rule_is_held_against_what_followed(past: Past, inside: Inside) -> None:
    for day in range(1, 13):
        past.fired("shop/Noise", day * DAY, 10 * MINUTE, host="web2")
        past.fired("shop/Disk", day * DAY, HOUR, instance="web1:9100")
    for day in range(12, 0, -1):
        hosts = {"web1": "not evaluated", "web2": "compliant"}
        past.told(day * DAY - 30 * MINUTE, "run.finished", f"r{day}", mode="apply", hosts=hosts)
        past.told(day * DAY - 31 * MINUTE, "run.finished", f"c{day}", mode="check", hosts=hosts)
    done = inside("alerts", "review", "--json")
    noise, disk = json.loads(done.out)["rules"][::-1]
    assert (noise["rule"], noise["proposal"], noise["worth_it"]) == ("shop/Noise", "downgrade", 0)
    assert (disk["rule"], disk["proposal"], disk["outcomes"]["acted"]) == ("shop/Disk", "keep", 12)
    assert (disk["precision"], disk["precision_high"], disk["repeats"]) == (1.0, 1.0, 11)
    # Clopper and Pearson: the 12th root of 0.05.
    assert disk["precision_low"] == pytest.approx(0.05 ** (1 / 12), abs=1e-4)
    assert done.code == 1
    table = inside("alerts", "review", "-o", "md")
    assert "| shop/Noise | 12 | 0 | 0 of 12 (0 to 22 %) |" in table.out


@pytest.mark.parametrize(
    ("kind", "subject", "data"),
    [
        ("deadline.moved", "shop/web", {}),
        ("maintenance.opened", "shop", {}),
    ],
)
def test_what_is_done_to_a_target_or_its_service_is_an_action(
    past: Past, inside: Inside, kind: str, subject: str, data: dict[str, object]
) -> None:
    past.fired("shop/Ends", 2 * DAY, HOUR, target="shop/web")
    past.fired("shop/Other", 2 * DAY, HOUR, target="mail/web")
    past.told(2 * DAY - MINUTE, kind, subject, **data)
    ends, other = json.loads(inside("alerts", "review", "--json").out)["rules"]
    assert (ends["outcomes"]["acted"], other["outcomes"]["acted"]) == (1, 0)
    assert ends["proposal"] == "too_few"


def test_a_confirmed_outage_makes_a_warning_right_with_its_lead(past: Past, inside: Inside) -> None:
    past.fired("shop/Slow", 2 * DAY, HOUR, service="shop")
    down = 2 * DAY - 20 * MINUTE
    past.told(down, "target.flipped", "shop/web", to="down", since=past.now - down)
    past.told(down - HOUR, "target.flipped", "shop/web", to="up", since=past.now - down + HOUR)
    (one,) = json.loads(inside("alerts", "review", "--json").out)["rules"]
    assert (one["outcomes"]["right"], one["lead"]) == (1, "20 min")


def test_words_of_people_are_told_apart_from_actions(past: Past, inside: Inside) -> None:
    past.fired("shop/Seen", 2 * DAY, HOUR, host="web1")
    past.fired("shop/Muted", 2 * DAY, HOUR, host="web1")
    told = {"alertname": "Seen", "severity": "critical", "host": "web1"}
    at = Instant(past.now - 2 * DAY + 5 * MINUTE)
    silence = Silence(
        "s1", parsed('alertname="Muted"'), Interval(at, Instant(at + HOUR)), "anna", "known"
    )
    with past.database.write() as connection:
        seen = Acknowledgement(fingerprint(told), "anna", at, Instant(at + HOUR))
        said.keep_acknowledgement(connection, seen, "")
        said.keep_silence(connection, said.Noted(silence, at))
    done = inside("alerts", "review", "--json")
    muted, seen_rule = json.loads(done.out)["rules"]
    assert (muted["outcomes"]["silenced"], seen_rule["outcomes"]["seen"]) == (1, 1)
    assert (seen_rule["answered"], seen_rule["worth_it"]) == ("5 min", 0)
    assert "anna" not in done.out
    assert done.code == 0


def test_a_period_that_is_none_is_refused(inside: Inside) -> None:
    assert inside("alerts", "review", "--since", "soon").code == 2
