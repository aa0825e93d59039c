"""Alerts from the page to the pager, and back: what fires, who is told, what people say of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opskit.alerts.explaining import explained
from opskit.alerts.firing import State
from opskit.alerts.routing.matchers import parsed
from opskit.alerts.routing.rota import Shift
from opskit.alerts.store import shifts
from opskit.core.clock import HOUR, Duration, FrozenClock, Instant
from opskit.core.errors import ConfigError
from opskit.core.interval import Interval
from opskit.outside.database import Database
from tests.alerts.watch import ROUTES, RULES, Receiver, Shop


@pytest.fixture
def shop(tmp_path: Path, database: Database, clock: FrozenClock) -> Shop:
    return Shop(tmp_path / "ops", database, clock)


BEGIN, END = "firing: web is down", "resolved: web is down"


def test_it_fires_after_its_time_and_its_end_is_told(shop: Shop) -> None:
    shop.down["web"] = 1
    shop.passes("1m")
    assert shop.said == []
    shop.passes("1m")
    assert shop.said == [BEGIN]
    shop.down["web"] = 0
    shop.passes("3m")
    assert shop.said == [BEGIN, END]
    assert shop.kinds() == ["alert.fired", "alert.notified", "alert.resolved", "alert.notified"]


def test_what_was_pending_and_is_over_leaves_nothing(shop: Shop) -> None:
    shop.down["web"] = 1
    shop.passes("30s")
    assert [one.state(shop.clock.now()) for one in shop.responses().open()] == [State.PENDING]
    shop.down["web"] = 0
    shop.passes("5m")
    assert (shop.said, shop.kinds(), shop.responses().open()) == ([], [], ())


def test_the_same_trouble_again_is_told_again_under_another_key(shop: Shop) -> None:
    for value in (1, 0, 1, 0):
        shop.down["web"] = value
        shop.passes("5m")
    assert shop.said == [BEGIN, END, BEGIN, END]
    assert len({one.key for one in shop.channels["pager"].got}) == 4


def test_a_new_process_goes_on_where_the_one_before_ended(shop: Shop) -> None:
    shop.down["web"] = 1
    shop.passes("30s")
    shop.restart()
    shop.passes("1m")
    assert shop.said == [BEGIN], "the time it was pending counts"
    shop.restart()
    shop.passes("10m")
    assert shop.said == [BEGIN]
    shop.down["web"] = 0
    shop.restart()
    shop.passes("2m")
    assert shop.said == [BEGIN, END]


def test_a_new_process_looks_back_at_what_the_one_before_saw(shop: Shop) -> None:
    shop.rules = RULES.replace("down == 1", "max_over_time(down[10m]) == 1")
    shop.restart()
    shop.down["web"] = 1
    shop.passes("2m")
    shop.down["web"] = 0
    shop.passes("2m")
    shop.restart()
    shop.passes("5m")
    assert shop.said == [BEGIN]
    shop.passes("5m")
    assert shop.said == [BEGIN, END]


def test_what_cannot_be_read_is_not_over(shop: Shop) -> None:
    shop.down["web"] = 1
    shop.passes("2m")
    shop.hidden = lambda name: name == "down"
    shop.passes("20m")
    assert shop.said == [BEGIN]
    assert list(shop.engine.faults) == ["shop/Down"]
    shop.hidden = lambda _name: False
    shop.down.clear()
    shop.passes("2m")
    assert shop.said == [BEGIN, END]


def test_what_was_not_looked_at_yet_is_not_over_and_what_is_seen_alerts(shop: Shop) -> None:
    shop.down["web"] = 1
    shop.passes("2m")
    shop.restart()
    shop.unseen = frozenset({"down"})
    shop.down = {"mail": 1}
    shop.passes("3m")
    assert shop.said == [BEGIN, "firing: 2 alerts: Down"]
    shop.down |= {"web": 1}
    shop.unseen = frozenset()
    shop.passes("30s")
    shop.down = {"web": 0, "mail": 1}
    shop.passes("2m")
    assert shop.said[2:] == ["firing: mail is down"], "which says that the other is over"
    assert (shop.kinds().count("alert.fired"), shop.kinds().count("alert.resolved")) == (2, 1)
    assert shop.engine.faults == {}


def test_a_rule_that_is_no_more_ends_what_it_found(shop: Shop) -> None:
    shop.down["web"] = 1
    shop.passes("2m")
    shop.rules = RULES.replace("alert: Down", "alert: Gone")
    shop.restart()
    shop.passes("30s")
    shop.clock.advance(HOUR)
    shop.passes("2m")
    assert END in shop.said


def test_whoever_heard_of_it_hears_of_its_end_though_the_routes_have_changed(shop: Shop) -> None:
    shop.channels = {"pager": Receiver(), "other": Receiver()}
    shop.down["web"] = 1
    shop.passes("2m")
    shop.routes = ROUTES.replace("channels: [pager]", "channels: [other]").replace("ops", "others")
    shop.restart()
    shop.passes("2m")
    shop.down["web"] = 0
    shop.passes("3m")
    assert shop.said == [BEGIN, END]
    assert shop.channels["other"].said == [BEGIN, END]


def test_who_has_it_in_hand_is_not_told_again_until_then(shop: Shop) -> None:
    shop.down["web"] = 1
    shop.passes("2m")
    responses = shop.responses()
    found = responses.matching(parsed("service=web"), ())
    responses.acknowledge(found, Duration(2 * HOUR), "looking")
    shop.passes("90m", 60_000_000)
    assert shop.said == [BEGIN, "acknowledged: web is down: ada has it in hand"]
    shop.passes("40m", 60_000_000)
    assert shop.said[2:] == ["reminder: web is down"]
    shop.down["web"] = 0
    shop.passes("3m")
    assert shop.said[3:] == [END]
    with pytest.raises(ConfigError, match="no alert that fires"):
        responses.matching(parsed("service=web"), ())


def test_a_silence_keeps_what_it_matches_and_reminds_before_it_ends(shop: Shop) -> None:
    shop.down |= {"web": 1, "mail": 1}
    now = shop.clock.now()
    shop.silences().add(parsed("service=web"), Interval(now, Instant(now + 10 * HOUR)), "new disk")
    shop.passes("2m")
    assert shop.said == ["firing: mail is down"]
    shop.down["mail"] = 0
    shop.passes("8h55m", 300_000_000)
    assert shop.said[1:] == ["resolved: mail is down"]
    shop.passes("20m", 60_000_000)
    (reminder,) = shop.said[2:]
    assert reminder.startswith("told: Silence ")
    assert "of ada ends at" in reminder
    shop.passes("50m", 60_000_000)
    assert shop.said[3:] == [BEGIN]


@pytest.mark.parametrize("text", ["service=~.*", 'service!="x"', "service=~a?"])
def test_a_silence_of_everything_is_refused(shop: Shop, text: str) -> None:
    now = shop.clock.now()
    with pytest.raises(ConfigError, match="silence every alert"):
        shop.silences().add(parsed(text), Interval(now, Instant(now + HOUR)), "all")


def test_without_routes_nobody_is_told_and_all_is_kept(
    tmp_path: Path, database: Database, clock: FrozenClock
) -> None:
    shop = Shop(tmp_path / "ops", database, clock, routes=None)
    shop.down["web"] = 1
    shop.passes("2m")
    shop.down["web"] = 0
    shop.passes("2m")
    assert shop.said == []
    assert shop.kinds() == ["alert.fired", "alert.resolved"]


def test_whoever_heard_of_it_hears_of_its_end_though_there_are_no_routes_any_more(
    shop: Shop,
) -> None:
    shop.down["web"] = 1
    shop.passes("2m")
    told, shop.routes = shop.routes, None
    shop.restart()
    shop.down |= {"web": 0, "mail": 1}
    shop.passes("3m")
    assert shop.said == [BEGIN, END]
    shop.routes = told
    shop.restart()
    shop.passes("2m")
    assert shop.said == [BEGIN, END, "firing: mail is down"]


QUIET = """\
route: {receiver: ops, group_wait: 0s, routes: [{receiver: x}]}
receivers: [{name: ops, channels: [pager]}, {name: x, channels: [pager]}]
quiet: [{name: lunch, time_intervals: [noon], passes: [severity=none]}]
time_intervals:
  - {name: noon, time_intervals: [{times: [{start_time: "12:00", end_time: "13:00"}]}]}
"""


def test_what_waits_on_a_route_that_is_no_more_is_told_once(shop: Shop) -> None:
    shop.routes = QUIET
    shop.restart()
    shop.down |= {"web": 1, "mail": 1}
    shop.passes("5m")
    shop.down["mail"] = 0
    assert shop.said == []
    shop.routes = ROUTES
    shop.restart()
    shop.passes("5m")
    assert shop.said == ["digest: What waited: 1 alert, 0 of them firing", BEGIN]
    assert [one.name for one in shop.responses().open()] == ["Down"]


def test_each_reason_is_told_to_who_asks(shop: Shop) -> None:
    shop.down |= {"web": 1, "mail": 1}
    shop.upstream = {"web": "database"}
    shop.passes("2m")
    (mail, web) = sorted(shop.responses().open(), key=lambda one: one.labels["service"])
    with shop.database.read() as connection:
        told, kept = (
            explained(connection, one, shop.watcher.plan, shop.watcher.around, shop.clock.now())
            for one in (mail, web)
        )
    assert [one.kind for one in told.steps] == ["rule", "state", "route", "told"]
    assert [one.kind for one in kept.steps] == ["rule", "state", "route", "held"]
    assert kept.steps[-1].says == "not told: dependent, database"
    assert told.steps[-1].says == "news: pager told that it fires"


ROTA = """\
route: {receiver: duty, group_by: [alertname], group_wait: 0s, group_interval: 1m}
receivers: [{name: duty, rota: primary}]
rotas:
  - {name: primary, zone: UTC, layers: [{people: [ada, ben], start: 2026-09-28T14:00, turn: 1d}]}
contacts: {ada: [ada-phone], ben: [ben-phone]}
"""


def test_who_takes_over_hears_of_it_and_of_what_fires(
    tmp_path: Path, database: Database, clock: FrozenClock
) -> None:
    phones = {"ada-phone": Receiver(), "ben-phone": Receiver()}
    shop = Shop(tmp_path / "ops", database, clock, routes=ROTA, channels=phones)
    shop.down["web"] = 1
    # Noon, Thursday: the third day of the rota began yesterday at two.
    shop.passes("1h", 60_000_000)
    assert (phones["ada-phone"].said, phones["ben-phone"].said) == ([BEGIN], [])
    shop.passes("2h", 60_000_000)
    assert phones["ada-phone"].said == [BEGIN]
    assert phones["ben-phone"].said == ["told: You are on call: primary"]
    (message,) = phones["ben-phone"].got
    said = json.loads(message.body)["notice"]
    assert said["lines"][1:] == ["You take over from ada.", "1 alert firing now."]
    now = shop.clock.now()
    with database.write() as connection:
        shift = Shift(Interval(Instant(now + HOUR), Instant(now + 2 * HOUR)), "ada")
        shifts.keep(connection, "primary", shift)
    shop.passes("3h", 60_000_000)
    taken = "told: You are on call: primary"
    assert phones["ada-phone"].said == [BEGIN, taken, "reminder: web is down"]
    assert phones["ben-phone"].said == [taken, taken]


STEPS = ROUTES.replace("4h}", "4h, escalation: up}") + (
    "  - {name: lead, channels: [lead]}\n"
    "escalations: [{name: up, steps: [{after: 2m, receiver: lead}]}]\n"
)


def test_who_was_told_of_a_firing_hears_the_end_of_the_next_that_followed_at_once(
    shop: Shop,
) -> None:
    shop.channels = {"pager": Receiver(), "lead": Receiver()}
    shop.routes = STEPS.replace("group_interval: 1m", "group_interval: 10m")
    shop.restart()
    for value, length in ((1, "4m"), (0, "1m"), (1, "7m"), (0, "15m")):
        shop.down["web"] = value
        shop.passes(length)
    assert shop.said == [BEGIN, BEGIN, END]
    assert shop.channels["lead"].said == [BEGIN, END]


def test_after_the_clock_was_set_back_a_year_all_goes_on(shop: Shop) -> None:
    shop.down["web"] = 1
    shop.passes("1m")
    shop.clock.advance(-365 * 24 * HOUR)
    shop.passes("1m30s")
    assert shop.said == [BEGIN], "what was pending has not begun in the future"
    shop.clock.advance(-365 * 24 * HOUR)
    shop.passes("4h30m", 60_000_000)
    assert shop.said == [BEGIN, "reminder: web is down"]
    shop.clock.advance(-365 * 24 * HOUR)
    shop.down["web"] = 0
    shop.passes("3m")
    assert shop.said[2:] == [END]


def test_what_a_rule_sees_by_looking_back_goes_on_when_the_clock_is_set_back(shop: Shop) -> None:
    shop.rules = RULES.replace("down == 1", "increase(down[15m]) > 0").replace("for: 1m", "for: 0s")
    shop.restart()
    shop.down["web"] = 0
    shop.passes("5m")
    shop.down["web"] = 7
    shop.passes("2m")
    shop.clock.advance(-HOUR)
    shop.passes("10m")
    assert shop.said == [BEGIN]
    shop.passes("6m")
    assert shop.said == [BEGIN, END]


def test_nobody_on_duty_is_made_up_for_when_somebody_is(shop: Shop) -> None:
    shop.routes = ROUTES.replace("channels: [pager]", "rota: primary") + (
        "contacts: {ada: [pager]}\n"
        "rotas:\n"
        "  - name: primary\n"
        "    zone: UTC\n"
        "    layers: [{people: [ada], start: 2026-10-01T12:10, turn: 7d}]\n"
    )
    shop.restart()
    shop.down["web"] = 1
    shop.passes("9m")
    assert shop.said == []
    shop.passes("3m")
    assert sorted(shop.said) == [BEGIN, "told: You are on call: primary"]


TWINS = """\
groups:
  - name: shop
    rules:
      - {alert: Down, expr: down > 0 and down <= 2, labels: {severity: page},
         annotations: {summary: "{{ $labels.service }} is down"}}
      - {alert: Down, expr: down >= 2, labels: {severity: page},
         annotations: {summary: "{{ $labels.service }} is down"}}
"""


@pytest.mark.parametrize("values", [(1, 2, 3, 0), (3, 2, 1, 0), (1, 3, 1, 0), (2, 1, 3, 0)])
def test_two_rules_that_find_the_same_tell_of_it_once(shop: Shop, values: tuple[int, ...]) -> None:
    shop.rules = TWINS
    shop.restart()
    for value in values:
        shop.down["web"] = value
        shop.passes("5m")
    assert shop.said == [BEGIN, END]
    assert shop.responses().open() == ()
    shop.down["web"] = 3
    shop.passes("2m")
    assert shop.said == [BEGIN, END, BEGIN]
