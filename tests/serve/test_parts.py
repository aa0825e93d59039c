"""The parts of the process by themselves: the lead, the fence, limits, the log, the schedule."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from opskit.app import App
from opskit.core.clock import MINUTE, SECOND, FrozenClock, Instant
from opskit.core.errors import ConfigError, OpskitError
from opskit.core.text import clean
from opskit.outside.eventlog import EventLog
from opskit.outside.systemd import Notifier, credential
from opskit.records.fenced import LostLead
from opskit.serve.access import may_look_at
from opskit.serve.jobs import Jobs
from opskit.serve.leader import EXTEND, LENGTH, RESOURCE, Leadership
from opskit.serve.limits import Limit
from opskit.serve.refusals import Refusals
from opskit.serve.unit import unit
from tests.monitor.live import soon
from tests.serve.live import lay_out, probe_of, service

NOON = Instant(1_790_000_000 * SECOND)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOON)


@pytest.fixture
def app(tmp_path: Path, clock: FrozenClock) -> Iterator[App]:
    root = lay_out(
        tmp_path / "ops",
        {"shop": service(probe_of("127.0.0.1:1"))},
        schedule=[{"cron": "* * * * *", "command": "config show"}],
    )
    found = replace(App.find(root, {"PATH": "/usr/bin:/bin", "HOME": str(root)}), clock=clock)
    yield found
    found.database.close()


# Who leads


def test_one_leads_and_the_other_only_once_the_lease_is_over(app: App, clock: FrozenClock) -> None:
    first, second = (Leadership(app.database, clock) for _ in range(2))
    lease = first.take()
    assert lease is not None
    assert second.take() is None
    clock.advance(LENGTH - 1)
    assert second.take() is None
    clock.advance(1)
    assert second.take() is not None
    assert not first.keep(lease)


def test_a_lead_that_is_kept_is_nobody_elses(app: App, clock: FrozenClock) -> None:
    first, second = (Leadership(app.database, clock) for _ in range(2))
    lease = first.take()
    assert lease is not None
    for _ in range(10):
        clock.advance(EXTEND)
        assert first.keep(lease)
        assert second.take() is None
    first.give_back(lease)
    assert second.take() is not None


def test_who_was_replaced_writes_nothing(app: App, clock: FrozenClock) -> None:
    first, second = (Leadership(app.database, clock) for _ in range(2))
    lease = first.take()
    assert lease is not None
    led = app.leading(lease)
    clock.advance(10 * LENGTH)
    with led.database.write() as connection:  # nobody replaced it: it goes on
        led.ledger.append(connection, "thing.done", "me", {})
    assert second.take() is not None
    with pytest.raises(LostLead, match=RESOURCE), led.database.write() as connection:
        led.ledger.append(connection, "thing.done", "me", {})
    led.database.close()
    assert app.verify().chain.head.seq == 1


# Limits


def test_a_burst_is_let_through_and_then_a_pace() -> None:
    now = 0
    limit = Limit(lambda: now, per_minute=60, burst=3)
    assert [limit.lets("a") for _ in range(5)] == [True, True, True, False, False]
    assert limit.lets("b")
    now += SECOND
    assert [limit.lets("a") for _ in range(2)] == [True, False]
    now += MINUTE
    assert [limit.lets("a") for _ in range(4)] == [True, True, True, False]


def test_a_million_callers_take_no_room() -> None:
    limit = Limit(lambda: 0, per_minute=60, burst=3)
    for number in range(20_000):
        limit.lets(str(number))
    assert len(limit._full_at) <= 4_096


# What /probe may look at


@pytest.mark.parametrize(
    ("host", "allowed", "may"),
    [
        ("10.1.2.3", (), True),
        ("10.1.2.3", ("10.0.0.0/8",), True),
        ("11.1.2.3", ("10.0.0.0/8",), False),
        ("fe80::1", ("10.0.0.0/8",), False),
        ("a.example.org", ("*.example.org",), True),
        ("A.Example.ORG.", ("*.example.org",), True),
        ("example.org", ("*.example.org",), False),
        ("aexample.org", ("*.example.org",), False),
        ("a.example.org.evil", ("*.example.org",), False),
        ("167772161", ("10.0.0.0/8",), False),
        ("10.0.0.1", ("*.example.org", "10.0.0.1"), True),
        ("localhost", ("127.0.0.0/8",), False),
    ],
)
def test_only_what_is_allowed_is_looked_at(host: str, allowed: tuple[str, ...], may: bool) -> None:
    assert may_look_at(host, allowed) is may


# The log


@given(st.text(), st.booleans())
def test_a_line_of_the_log_is_one_line_whatever_is_in_it(text: str, as_json: bool) -> None:
    stream = io.StringIO()
    EventLog(as_json=as_json, clock=FrozenClock(NOON), stream=stream).info("seen", reason=text)
    line = stream.getvalue()
    assert line.endswith("\n")
    assert len(line.splitlines()) == 1
    assert clean(line[:-1]) == line[:-1]
    if as_json:
        assert json.loads(line)["event"] == "seen"


def test_a_secret_is_not_logged() -> None:
    stream = io.StringIO()
    EventLog(stream=stream).info("probe", target="http://me:hunter2hunter2@x/", token="a")
    assert "hunter2" not in stream.getvalue()


def test_a_log_that_nobody_reads_stops_nothing() -> None:
    stream = io.StringIO()
    stream.close()
    EventLog(stream=stream).info("seen")


# What a database refuses


def test_a_refusal_is_told_when_it_begins_and_when_it_is_over() -> None:
    stream = io.StringIO()
    refusals = Refusals(EventLog(stream=stream))
    for refused in (False, True, True, True, False, False, True):
        if refused:
            refusals.take(OpskitError("locked", retryable=True))
            refusals.take(OpskitError("locked still", retryable=True))
        refusals.turned()
    events = [re.search(r"database\.\w+", line) for line in stream.getvalue().splitlines()]
    found = [one[0] for one in events if one]
    assert found == ["database.refused", "database.answers", "database.refused"]
    with pytest.raises(OpskitError):
        refusals.take(OpskitError("broken"))


# The manager of services


def test_without_a_manager_nothing_is_said(tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": str(tmp_path / "gone")}, {"NOTIFY_SOCKET": "x"}):
        notifier = Notifier.found(environment, 1)
        notifier.ready("here")
        notifier.alive()
        assert notifier.watchdog_seconds == 0


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "8"}, 0.0),
        ({"WATCHDOG_USEC": "x"}, 0.0),
    ],
)
def test_the_watchdog_is_for_one_process(environment: dict[str, str], seconds: float) -> None:
    assert Notifier.found(environment, 7).watchdog_seconds == seconds


def test_a_credential_is_one_that_was_passed_on(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x")
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert credential("token", environment) == tmp_path / "token"
    for name in ("gone", "../token", ""):
        with pytest.raises(ConfigError, match="no credential"):
            credential(name, environment)
    with pytest.raises(ConfigError, match="no credential"):
        credential("token", {})


# The unit


def test_the_unit_passes_credentials_on_and_keeps_paths_whole(app: App) -> None:
    settings = app.config.settings.serve.model_copy(
        update={"token_file": "credential:token", "key": "credential:key"}
    )
    text = unit("/opt/a b/opskit", "/srv/50%/$x", settings)
    assert "LoadCredential=token:/etc/opskit/token\nLoadCredential=key:/etc/opskit/key" in text
    assert 'ExecStart="/opt/a b/opskit" serve --config /srv/50%%/$$x' in text


# The schedule


class Started:
    """What was started instead of a process; `status` is how it is."""

    status: int | None = None

    def end(self, *, grace: float) -> int:
        return self.status or 0


@pytest.fixture
def jobs(app: App, monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[Jobs, list[Started]]]:
    def made() -> tuple[Jobs, list[Started]]:
        started: list[Started] = []

        def run(self: Jobs, scheduled: object) -> Started:
            started.append(Started())
            return started[-1]

        monkeypatch.setattr(Jobs, "_run", run)
        return Jobs(app, EventLog(stream=io.StringIO())), started

    return made


def test_a_command_runs_when_it_is_due_and_never_twice_at_a_time(
    jobs: Callable[[], tuple[Jobs, list[Started]]], clock: FrozenClock
) -> None:
    found, started = jobs()
    found.turn()
    assert not started  # what is new was not missed
    clock.advance(MINUTE)
    found.turn()
    found.turn()
    assert len(started) == 1
    clock.advance(5 * MINUTE)
    found.turn()
    assert len(started) == 1  # it still runs
    started[0].status = 1
    clock.advance(MINUTE)
    found.turn()
    assert len(started) == 2
    assert (found.finished, found.failed) == (1, 1)


def test_what_was_missed_runs_once(
    jobs: Callable[[], tuple[Jobs, list[Started]]], clock: FrozenClock
) -> None:
    jobs()[0].turn()
    clock.advance(3_000 * MINUTE)
    found, started = jobs()
    found.turn()
    started[0].status = 0
    found.turn()
    assert len(started) == 1
    another, more = jobs()  # one that thinks the same is too late
    another.turn()
    assert not more


def test_what_runs_is_opskit_and_what_it_says_is_logged(app: App, clock: FrozenClock) -> None:
    stream = io.StringIO()
    found = Jobs(app, EventLog(stream=stream))
    found.turn()
    clock.advance(MINUTE)
    found.turn()
    soon(lambda: _turned(found) == 1, "the command ends")
    assert "timezone" in stream.getvalue()
    assert 'job.finished command="config show" status=0' in stream.getvalue()
    found.close(write=True)


def _turned(jobs: Jobs) -> int:
    jobs.turn()
    return jobs.finished


def test_what_runs_at_the_end_is_ended(
    app: App, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = [{"cron": "* * * * *", "command": "monitor probe --loop"}]
    settings = app.config.settings.model_validate({"schedule": schedule})
    led = replace(app, config=replace(app.config, settings=settings))
    stream = io.StringIO()
    found = Jobs(led, EventLog(stream=stream))
    found.turn()
    clock.advance(MINUTE)
    found.turn()
    soon(lambda: "job.said" in stream.getvalue(), "it has begun")
    found.close(write=True)
    assert "job.finished" in stream.getvalue()
    assert not found._running


@pytest.mark.parametrize("command", ["serve", "--help", "", "demo", "init x"])
def test_what_is_no_work_is_not_scheduled(app: App, command: str) -> None:
    with pytest.raises(ValueError, match="no opskit command"):
        app.config.settings.model_validate(
            {"schedule": [{"cron": "* * * * *", "command": command}]}
        )
