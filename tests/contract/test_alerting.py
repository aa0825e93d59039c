"""Where alerts are read and silences kept: opskit itself and an Alertmanager do the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from opskit.alerts.alertmanager.messages import PostedAlert
from opskit.alerts.firing import fingerprint
from opskit.alerts.hearing import Hearing
from opskit.alerts.remote import RemoteAlerting
from opskit.alerts.routing.matchers import parsed
from opskit.alerts.routing.verdicts import Silence
from opskit.alerts.silencing import Silencing
from opskit.alerts.store.said import Noted
from opskit.core.clock import HOUR, MINUTE, Instant, SystemClock, iso
from opskit.core.errors import ConfigError, OpskitError, OutsideError
from opskit.core.interval import Interval
from opskit.outside.alerting import Alertmanager as Settings
from opskit.outside.alertmanager import Door, door_of
from opskit.outside.bodies import read_bodies
from opskit.outside.database import Database
from opskit.records.ledger import Ledger
from tests.rig import alertmanager
from tests.rig.alertmanager import Alertmanager
from tests.rig.plugin import require

CLOCK = SystemClock()
Post = Callable[[str], None]

Kept = Silencing | RemoteAlerting


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    require(alertmanager.available())
    directory = tmp_path_factory.mktemp("alertmanager")
    with Alertmanager(directory).running("route: {receiver: x}\nreceivers: [{name: x}]") as one:
        yield door_of(Settings(url=one.url), directory)


def alert(name: str) -> dict[str, object]:
    now = CLOCK.now()
    times = {"startsAt": iso(now - MINUTE), "endsAt": iso(now + HOUR)}
    return {"labels": {"alertname": name, "disk": "sda"}, "annotations": {"a": "b"}, **times}


@pytest.fixture(params=["own", pytest.param("alertmanager", marks=pytest.mark.real)])
def kind(request: pytest.FixtureRequest, database: Database) -> tuple[Kept, Post]:
    if request.param == "alertmanager":
        door: Door = request.getfixturevalue("remote")
        return RemoteAlerting(door), lambda name: void(door.post("alerts", [alert(name)]))
    ledger = Ledger(CLOCK, "test")

    def post(name: str) -> None:
        (one,) = read_bodies(json.dumps([alert(name)]).encode(), PostedAlert, most=1)
        Hearing(database, ledger, CLOCK).take("api", [one.posted(CLOCK.now())])

    return Silencing(database, ledger, CLOCK), post


def void(_answer: object) -> None:
    """Nothing is asked of the answer."""


def wanted(*matchers: str, name: str = "") -> Noted:
    now = CLOCK.now()
    found = tuple(one for text in matchers for one in parsed(text))
    interval = Interval(now, Instant(now + HOUR))
    return Noted(Silence(name, found, interval, "ada", 'work "here"'), now)


def named(alerting: Kept, name: str) -> Silence:
    (found,) = (one.silence for one in alerting.silences() if one.silence.id == name)
    return found


def test_an_alert_is_read_as_it_was_sent(kind: tuple[Kept, Post]) -> None:
    alerting, post = kind
    post("Full")
    (one,) = (one for one in alerting.alerts() if one.name == "Full")
    assert one.labels == {"alertname": "Full", "disk": "sda"}
    assert one.annotations == {"a": "b"}
    assert one.fingerprint == fingerprint(one.labels)
    assert one.starts_at is not None
    assert one.starts_at < CLOCK.now() < (one.ends_at or 0)


def test_a_silence_is_kept_and_ends(kind: tuple[Kept, Post]) -> None:
    alerting, _ = kind
    own = wanted('disk="sda"', 'env!~"dev|test"', 'a!="\\"b\\""', 'c=~"d\\\\.e"')
    name = alerting.silence(own)
    found = named(alerting, name)
    assert (found.matchers, found.by, found.comment) == (own.silence.matchers, "ada", 'work "here"')
    assert abs(found.interval.end - own.silence.interval.end) < 1_000_000
    assert found.holds({"disk": "sda", "c": "d.e"}, CLOCK.now())
    assert alerting.expire(name)
    assert not named(alerting, name).holds({"disk": "sda", "c": "d.e"}, CLOCK.now())
    assert not alerting.expire(name)


def test_what_there_is_not_does_not_end(kind: tuple[Kept, Post]) -> None:
    assert not kind[0].expire("00000000-0000-0000-0000-000000000000")


def test_a_silence_takes_the_place_of_the_one_it_names(
    kind: tuple[Kept, Post],
) -> None:
    alerting, _ = kind
    first = alerting.silence(wanted('x="1"'))
    second = alerting.silence(wanted('x="2"', name=first))
    assert not named(alerting, first).holds({"x": "1"}, CLOCK.now())
    assert named(alerting, second).holds({"x": "2"}, CLOCK.now())
    with pytest.raises(ConfigError):
        alerting.silence(wanted('x="3"', name="00000000-0000-0000-0000-000000000000"))


WRONG: dict[str, tuple[int, bytes, type[OpskitError]]] = {
    "no token": (401, b"", ConfigError),
    "a page": (200, b"<html>", OutsideError),
    "another list": (200, b'[{"a": 1}]', OutsideError),
    "another API": (404, b"not found", ConfigError),
    "not now": (503, b"\x1b[31mbusy", OutsideError),
}


@pytest.mark.parametrize(("status", "body", "error"), WRONG.values(), ids=WRONG)
def test_what_answers_otherwise_is_told_in_one_line(
    status: int, body: bytes, error: type[OpskitError]
) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as inherited
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.handle_request, daemon=True).start()
        remote = RemoteAlerting(Door(f"http://127.0.0.1:{server.server_port}"))
        with pytest.raises(error) as caught:
            remote.alerts()
    assert "\x1b" not in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_nobody_there_is_told(tmp_path: Path) -> None:
    door = door_of(Settings(url="http://127.0.0.1:1"), tmp_path)
    with pytest.raises(OutsideError):
        RemoteAlerting(door).silences()
    with pytest.raises(OutsideError):
        RemoteAlerting(replace(door, url="http://127.0.0.1:1/x")).silence(wanted('a="b"'))
