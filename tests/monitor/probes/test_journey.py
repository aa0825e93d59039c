"""Journeys: steps in order, what one gives is used by the next, the one that fails is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from opskit.monitor.kinds import Around, Sight
from opskit.monitor.model import Seen
from tests.monitor.probes.looking import look
from tests.monitor.probes.wells import secret
from tests.outside.servers import Exchange, Server, body, header, plain

Steps = list[dict[str, Any]]


def go(near: Around, server: Server, steps: Steps, **settings: Any) -> Sight:
    url = server.url.rstrip("/")
    own = [{"url": f"{url}{one.pop('path', '/')}", **one} for one in steps]
    return look({"kind": "journey", "steps": own, **settings}, near)


def first(capture: dict[str, Any]) -> dict[str, Any]:
    return {"name": "first", "capture": {"token": capture}}


GIVEN = json.dumps({"a": [{"t": "x y/&\u00e9"}], "n": 7, "yes": True, "none": None}).encode()
GIVING = plain(GIVEN, "200 OK", "X-Token: abc", "Set-Cookie: k=v; Path=/", "Set-Cookie: old=1")


@pytest.mark.parametrize(
    ("capture", "sent"),
    [
        ({"json_path": "a[0].t"}, b"x%20y%2F%26%C3%A9"),
        ({"json_path": "n"}, b"7"),
        ({"json_path": "yes"}, b"true"),
        ({"header": "x-token"}, b"abc"),
        ({"pattern": r'"n": ([0-9])'}, b"7"),
        ({"pattern": r'"y[a-z]s"'}, b"%22yes%22"),
    ],
)
def test_what_one_step_gives_is_used_by_the_next(
    near: Around, capture: dict[str, Any], sent: bytes
) -> None:
    with Server(GIVING) as server:
        last = {"name": "last", "path": "/x?t=${token}", "headers": {"X-Back": "<${token}>"}}
        steps = [first(capture), last]
        assert go(near, server, steps).seen is Seen.UP
    assert server.requests[1].startswith(b"GET /x?t=" + sent + b" HTTP/1.1\r\n")
    assert header(server.requests[1], b"x-back").startswith(b"<")
    cookies = header(server.requests[1], b"cookie")
    assert b"k=v" in cookies
    assert b"cookie:" not in server.requests[0].lower()


@pytest.mark.parametrize(
    "capture", [{"json_path": "none"}, {"json_path": "a"}, {"header": "x"}, {"pattern": "zzz"}]
)
def test_what_is_not_there_cannot_be_captured(near: Around, capture: dict[str, Any]) -> None:
    with Server(GIVING) as server:
        sight = go(near, server, [first(capture), {"name": "last"}])
    assert (sight.seen, sight.reason) == (Seen.DOWN, "first: nothing to capture as 'token'")
    assert server.connections == 1


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ({"status": [201]}, "second: status 200, wanted 201"),
        ({"contains": "welcome"}, "second: 'welcome' is not in the body"),
        ({"expect_json": {"n": 8}}, "second: n in the body is not 8"),
        ({"expect_headers": {"X-Token": "z"}}, "second: 'z' is not in the header X-Token"),
    ],
)
def test_the_step_that_fails_is_named_and_is_the_last(
    near: Around, step: dict[str, Any], reason: str
) -> None:
    with Server(GIVING) as server:
        sight = go(near, server, [{"name": "first"}, {"name": "second", **step}, {"name": "third"}])
    assert (sight.seen, sight.reason) == (Seen.DOWN, reason)
    assert server.connections == 2
    labels = [one.labels for one in sight.facts if one.name.endswith("_seconds")]
    assert labels == [(("step", "first"),), (("step", "second"),)]


def test_a_secret_goes_into_a_form_and_nowhere_else(near: Around) -> None:
    secret(near.root / "password", "p&s=1")
    form = {"user": "a b", "password": "${password}"}
    with Server(GIVING) as server:
        steps = [{"name": "log-in", "method": "POST", "form": form, "contains": "never"}]
        sight = go(near, server, steps, secrets={"password": "password"})
    assert body(server.requests[0]) == b"user=a+b&password=p%26s%3D1"
    assert sight.seen is Seen.DOWN
    assert "p&s=1" not in repr(sight)


@pytest.mark.parametrize("planted", ["x\\r\\nX-Evil: 1", "\\u001b[31m", "\\u0000"])
def test_what_a_server_gives_makes_no_header_of_ours(near: Around, planted: str) -> None:
    with Server(plain(f'{{"t": "{planted}"}}'.encode())) as server:
        last = {"name": "last", "headers": {"X-Back": "${token}"}}
        sight = go(near, server, [first({"json_path": "t"}), last])
    assert sight.seen is Seen.DOWN
    assert sight.reason == "last: what was captured cannot stand in a header"
    assert server.connections == 1


@pytest.mark.parametrize("url", ["file:///etc/passwd", "javascript:1", "http://a@b/", "//x", ""])
def test_what_a_server_gives_is_a_url_or_nothing(near: Around, url: str) -> None:
    with Server(plain(json.dumps({"next": url}).encode())) as server:
        start = {"name": "first", "url": server.url, "capture": {"next": {"json_path": "next"}}}
        steps = [start, {"name": "last", "url": "${next}"}]
        sight = look({"kind": "journey", "steps": steps}, near)
    assert (sight.seen, sight.reason) == (Seen.DOWN, "last: what was captured makes no URL")


def test_the_time_is_for_all_steps_together(near: Around) -> None:
    def slow(exchange: Exchange) -> None:
        if exchange.request.startswith(b"GET /hang"):
            exchange.hang()
        plain(b"")(exchange)

    with Server(slow) as server:
        steps: Steps = [{"name": "quick"}, {"name": "slow", "path": "/hang"}, {"name": "never"}]
        sight = go(near, server, steps, timeout="600ms")
    assert sight.reason == "slow: no answer within 0.60 s of the start"
    assert sight.seen is Seen.DOWN
