"""Who hears what and when, over time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from opskit.core.clock import MINUTE
from tests.alerts.routing.world import ROUTES, World, plan

OPS = "receivers: [{name: ops, channels: [mail]}]\n"
ESCALATING = """\
route: {receiver: ops, group_by: [alertname], group_wait: 30s, escalation: primary}
receivers:
  - {name: ops, rota: primary}
  - {name: boss, channels: ["mail:boss@example.com"]}
escalations:
  - name: primary
    steps: [{after: 15m, receiver: ops}, {after: 30m, receiver: boss}]
rotas:
  - name: primary
    zone: UTC
    layers: [{people: [ada, ben], start: 2026-11-23T00:00, turn: 12h}]
contacts: {ada: ["ntfy:ada"], ben: ["ntfy:ben"]}
"""
QUIET = """\
route: {receiver: ops, group_by: [alertname], group_wait: 30s}
receivers: [{name: ops, channels: [mail]}]
time_intervals:
  - name: afternoon
    time_intervals: [{times: [{start_time: "12:00", end_time: "14:00"}]}]
quiet: [{name: focus, time_intervals: [afternoon]}]
"""


@pytest.fixture
def world(tmp_path: Path) -> Callable[[str], World]:
    return lambda text: World(plan(text, tmp_path))


def test_a_group_waits_is_told_once_and_again_when_there_is_news(
    world: Callable[[str], World],
) -> None:
    here = world(ROUTES + OPS)
    here.fire("Down/a")
    here.passes("20s", step=10_000_000)
    here.fire("Down/b")
    here.passes("2m")
    here.fire("Down/c")
    here.passes("20m")
    assert here.told() == [
        "12:00:50 news mail: +Down/a +Down/b",
        "12:05:50 news mail: +Down/a +Down/b +Down/c",
    ]


def test_the_end_is_told_and_the_same_again_is_news(world: Callable[[str], World]) -> None:
    here = world(ROUTES + OPS)
    here.fire("Down")
    here.passes("2m")
    here.end("Down")
    here.passes("10m")
    here.fire("Down")
    here.passes("10m")
    assert [one.partition(" ")[2] for one in here.told()] == [
        "news mail: +Down",
        "news mail: -Down",
        "news mail: +Down",
    ]


def test_what_fires_on_is_said_again_after_the_repeat_interval(
    world: Callable[[str], World],
) -> None:
    here = world(ROUTES + OPS)
    here.fire("Down")
    here.passes("9h", step=MINUTE)
    assert [one.split()[1] for one in here.told()] == ["news", "repeat", "repeat"]


def test_a_silence_keeps_the_beginning_and_never_the_end(world: Callable[[str], World]) -> None:
    here = world(ROUTES + OPS)
    here.fire("Down")
    here.passes("1m")
    here.silence('alertname=~"Down|Full"', "2h")
    here.fire("Full")
    here.passes("30m")
    here.end("Down")
    here.passes("30m")
    assert [one.partition(" ")[2] for one in here.told()] == [
        "news mail: +Down",
        "news mail: -Down",
    ]
    here.passes("2h")
    assert here.told()[-1].endswith("news mail: +Full")


def test_nobody_answers_so_others_are_told_and_all_of_them_hear_the_end(
    world: Callable[[str], World],
) -> None:
    here = world(ESCALATING)
    here.now = here.now - 10 * MINUTE  # type: ignore[assignment]
    here.fire("Down")
    here.passes("1h")
    here.end("Down")
    here.passes("10m")
    assert here.told() == [
        "11:50:30 news ntfy:ada: +Down",
        "12:05:30 escalation ntfy:ben: +Down",
        "12:20:30 escalation mail:boss@example.com: +Down",
        "12:50:30 news mail:boss@example.com,ntfy:ada,ntfy:ben: -Down",
    ]


def test_an_acknowledgement_ends_the_escalation_until_it_is_forgotten(
    world: Callable[[str], World],
) -> None:
    here = world(ESCALATING)
    here.fire("Down")
    here.passes("5m")
    here.ack("Down", "1h")
    here.passes("1h")
    assert here.told() == ["12:00:30 news ntfy:ben: +Down"]
    here.passes("40m")
    assert [one.partition(" ")[2] for one in here.told()[1:]] == [
        "reminder ntfy:ben: +Down",
        "escalation ntfy:ben: +Down",
        "escalation mail:boss@example.com: +Down",
    ]


def test_an_acknowledged_alert_that_ends_and_begins_again_is_news(
    world: Callable[[str], World],
) -> None:
    here = world(ROUTES + OPS)
    here.fire("Down")
    here.passes("1m")
    here.ack("Down", "8h")
    here.end("Down")
    here.passes("10m")
    here.fire("Down")
    here.passes("10m")
    assert here.told()[-1].endswith("news mail: +Down")


def test_what_is_held_in_a_quiet_time_comes_as_one_digest_and_pages_come_at_once(
    world: Callable[[str], World],
) -> None:
    here = world(QUIET)
    here.fire("Full", severity="ticket")
    here.fire("Old", severity="ticket")
    here.fire("Down", severity="page")
    here.passes("30m")
    here.end("Old")
    here.passes("3h")
    assert here.told() == [
        "12:00:30 news mail: +Down",
        "14:00:00 digest mail: +Full -Old",
    ]
    here.end("Full")
    here.passes("10m")
    assert here.told()[-1].endswith("news mail: -Full")


def test_what_hangs_on_something_that_is_down_is_not_told(world: Callable[[str], World]) -> None:
    here = world(ROUTES + OPS)
    here.upstream["shop"] = "database"
    here.fire("Down/shop", service="shop")
    here.fire("Down/database", service="database")
    here.passes("1h")
    assert here.told() == ["12:00:30 news mail: +Down/database"]
    here.upstream.clear()
    here.passes("10m")
    assert here.told()[-1].endswith("+Down/database +Down/shop")


def test_an_inhibition_needs_the_same_labels(world: Callable[[str], World]) -> None:
    rule = """\
inhibit_rules:
  - {source_matchers: [alertname=HostDown], target_matchers: [alertname=Full], equal: [host]}
"""
    here = world(ROUTES + OPS + rule)
    here.fire("HostDown", host="web1")
    here.fire("Full/1", host="web1")
    here.fire("Full/2", host="web2")
    here.passes("1h")
    assert here.told() == ["12:00:30 news mail: +Full/2", "12:00:30 news mail: +HostDown"]


def test_every_reason_is_told_to_who_asks(world: Callable[[str], World]) -> None:
    here = world(QUIET)
    here.fire("Full", severity="ticket")
    here.silence('severity="ticket"', "1h")
    ((route, verdict),) = here.plan.router.judged(
        here.alerts["Full"], here.memory, here.situation()
    )
    assert route.receiver == "ops"
    assert verdict.reasons == (("silenced", "silence s1 of ada: work"), ("quiet", "focus"))
    assert not verdict.held


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["fire", "end", "ack", "silence", "pass", "pass"]),
        st.sampled_from(["Down", "Full", "Slow"]),
        st.sampled_from(["page", "ticket"]),
        st.sampled_from(["1m", "7m", "40m"]),
    ),
    max_size=14,
)


def lived(here: World, actions: list[tuple[str, str, str, str]]) -> World:
    """Let things happen, then let all of it end and everybody hear of it."""
    for action, name, severity, length in actions:
        alert = here.alerts.get(name)
        fires = alert is not None and alert.fires(here.now)
        if action == "fire" and not fires:
            here.fire(name, severity=severity)
        elif action == "end" and fires:
            here.end(name)
        elif action == "ack" and fires:
            here.ack(name, length)
        elif action == "silence":
            here.silence(f'alertname="{name}"', length)
        elif action == "pass":
            here.passes(length)
    for name, alert in list(here.alerts.items()):
        if alert.fires(here.now):
            here.end(name)
    here.passes("3h")
    return here


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ACTIONS)
def test_whoever_heard_of_a_beginning_hears_of_the_end(
    tmp_path: Path, actions: list[tuple[str, str, str, str]]
) -> None:
    quiet = QUIET.split("\n", 1)[1]
    first = "route: {receiver: ops, group_by: [alertname], group_wait: 30s, escalation: up}\n"
    up = "escalations: [{name: up, steps: [{after: 15m, receiver: boss}]}]\n"
    both = quiet.replace("channels: [mail]}]", "channels: [mail]}, {name: boss, channels: [sms]}]")
    here = lived(World(plan(first + both + up, tmp_path)), actions)
    open_ones: dict[str, set[str]] = {}
    for _, notice in here.heard:
        for who in notice.to:
            for alert in notice.firing:
                open_ones.setdefault(who, set()).add(alert.fingerprint)
            for alert in notice.resolved:
                open_ones.get(who, set()).discard(alert.fingerprint)
    assert not any(open_ones.values())
    assert here.memory.groups == {}
    keys = [one.key for _, one in here.heard]
    assert len(set(keys)) == len(keys)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ACTIONS, st.randoms())
def test_the_order_of_alerts_changes_nothing(
    tmp_path: Path, actions: list[tuple[str, str, str, str]], order: object
) -> None:
    class Shuffled(World):
        def turn(self) -> None:
            names = list(self.alerts)
            order.shuffle(names)  # type: ignore[attr-defined]
            self.alerts = {name: self.alerts[name] for name in names}
            super().turn()

    ready = plan(ROUTES + OPS, tmp_path)
    assert lived(World(ready), actions).told() == lived(Shuffled(ready), actions).told()
