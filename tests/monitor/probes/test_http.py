"""HTTP: what is asked, what is followed, and what the answer must hold."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opskit.monitor.kinds import Around, Sight
from opskit.monitor.model import Seen
from tests.monitor.probes.authority import Authority
from tests.monitor.probes.looking import look
from tests.monitor.probes.wells import secret
from tests.outside.servers import Answer, Exchange, Server, header, plain

BODY = json.dumps({"status": "ok", "checks": [{"healthy": True, "n": 1}], "a.b": None}).encode()
HOSTILE = ("X-Payload: <script>${7*7}\x1b[31m", "Content-Type: application/json; a=b")


def fetch(near: Around, answer: Answer, **settings: Any) -> Sight:
    with Server(answer) as server:
        return look({"kind": "http", "url": server.url, **settings}, near)


WELL: list[dict[str, Any]] = [
    {"contains": '"ok"'},
    {"not_contains": "Exception"},
    {"matches": r'"n": [0-9]+\}'},
    {"expect_headers": {"content-TYPE": "application/json"}},
    {"expect_headers": {"X-Payload": ""}},
    {"expect_json": {"status": "ok", "checks[0].healthy": True, "checks[0].n": 1}},
    {"expect_json": {'["a.b"]': None}},
    {"http_version": "1.1"},
    {"ip": "4"},
]
ILL: list[tuple[dict[str, Any], str]] = [
    ({"contains": "welcome"}, "'welcome' is not in the body"),
    ({"not_contains": "healthy"}, "'healthy' is in the body"),
    ({"matches": "^healthy$"}, "'^healthy$' does not match the body"),
    ({"expect_headers": {"X-None": ""}}, "there is no header X-None"),
    ({"expect_headers": {"X-Payload": "y"}}, "'y' is not in the header X-Payload"),
    ({"expect_json": {"status": "down"}}, 'status in the body is not "down"'),
    ({"expect_json": {"checks[0].healthy": 1}}, "checks[0].healthy in the body is not 1"),
    ({"expect_json": {"checks[0].n": True}}, "checks[0].n in the body is not true"),
    ({"expect_json": {"checks[7].n": 1}}, "checks[7].n in the body is not 1"),
    ({"expect_json": {"status.n": 1}}, "status.n in the body is not 1"),
    ({"status": [201, 204]}, "status 200, wanted 201, 204"),
    ({"http_version": "2"}, "spoke HTTP/1.1, wanted HTTP/2"),
]


@pytest.mark.parametrize("settings", WELL, ids=str)
def test_an_answer_as_expected_is_up(near: Around, settings: dict[str, Any]) -> None:
    sight = fetch(near, plain(BODY, "200 OK", *HOSTILE), **settings)
    assert (sight.seen, sight.reason) == (Seen.UP, "")


@pytest.mark.parametrize(("settings", "reason"), ILL, ids=str)
def test_any_other_is_down_and_says_what_was_wanted(
    near: Around, settings: dict[str, Any], reason: str
) -> None:
    sight = fetch(near, plain(BODY, "200 OK", *HOSTILE), **settings)
    assert (sight.seen, sight.reason) == (Seen.DOWN, reason)


@pytest.mark.parametrize("body", [b"<html>", b"[" * 100_000, b"\xff\xfe", b"1" * 10_000, b""])
def test_what_is_no_json_is_down(near: Around, body: bytes) -> None:
    sight = fetch(near, plain(body), expect_json={"status": "ok"})
    assert sight.seen is Seen.DOWN
    assert sight.reason in {"the body is no JSON", 'status in the body is not "ok"'}


def test_a_page_cannot_make_a_pattern_take_long(near: Around) -> None:
    # An engine that goes back and forth would be at this for longer than there is time.
    sight = fetch(near, plain(b"a" * 500_000), matches=r"(a+)+b|(a|a)*b|a*a*a*a*b")
    assert sight.seen is Seen.DOWN
    assert "does not match" in sight.reason


def there_and_back(exchange: Exchange) -> None:
    path = exchange.request.split(b" ")[1]
    if path == b"/end":
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend")
    else:
        to = b"/end" if path == b"/2" else b"/2" if path == b"/" else path
        exchange.send(b"HTTP/1.1 302 Found\r\nLocation: " + to + b"\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize(
    ("redirects", "seen", "reason"),
    [
        (0, Seen.DOWN, "status 302, wanted 200"),
        (1, Seen.DOWN, "Maximum (1) redirects followed"),
        (2, Seen.UP, ""),
        (10, Seen.UP, ""),
    ],
)
def test_so_many_redirects_are_followed_and_the_last_answer_counts(
    near: Around, redirects: int, seen: Seen, reason: str
) -> None:
    sight = fetch(near, there_and_back, redirects=redirects)
    assert (sight.seen, sight.reason) == (seen, reason)
    followed = [one.value for one in sight.facts if one.name == "probe_http_redirects"]
    assert followed == ([min(redirects, 2)] if redirects else [])


def test_a_loop_of_redirects_ends(near: Around) -> None:
    with Server(there_and_back) as server:
        settings = {"kind": "http", "url": f"{server.url}loop", "redirects": 10}
        sight = look(settings, near)
        assert server.connections == 11
    assert (sight.seen, sight.reason) == (Seen.DOWN, "Maximum (10) redirects followed")


@pytest.mark.parametrize("to", ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/"])
def test_a_redirect_leads_nowhere_but_to_http(near: Around, to: str) -> None:
    sight = fetch(near, plain(b"", "302 Found", f"Location: {to}"), redirects=5)
    assert sight.seen is Seen.DOWN
    assert "rotocol" in sight.reason


def test_what_is_sent_is_what_is_written(near: Around, tmp_path: Path) -> None:
    secret(tmp_path / "password", "s3cr3t")
    with Server(plain(b"{}")) as server:
        asked = {
            "url": server.url, "method": "POST", "body": "a=1",
            "headers": {"X-One": "1", "X-Two": ""},
            "auth": {"user": "me", "password_file": "password"},
        }  # fmt: skip
        assert look({"kind": "http", **asked}, near).seen is Seen.UP
    (request,) = server.requests
    assert request.startswith(b"POST / HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\na=1")
    assert (header(request, b"x-one"), header(request, b"x-two")) == (b"1", b"")
    pair = base64.b64encode(b"me:s3cr3t")
    assert header(request, b"authorization") == b"Basic " + pair


def test_a_token_is_not_carried_to_another_server(near: Around, tmp_path: Path) -> None:
    secret(tmp_path / "token", "t0k3n")
    with Server(plain(b"{}")) as other:
        onward = plain(b"", "302 Found", f"Location: {other.url}")
        sight = fetch(near, onward, redirects=1, auth={"bearer_file": "token"})
    assert sight.seen is Seen.UP
    (request,) = other.requests
    assert b"t0k3n" not in request


@pytest.fixture
def served(authority: Authority) -> Iterator[Server]:
    with Server(plain(b"{}"), tls=authority.issue(days=20)) as server:
        yield server


@pytest.mark.parametrize(
    ("tls", "seen", "reason"),
    [
        (None, Seen.DOWN, "SSL certificate"),
        ({"verify": False}, Seen.UP, ""),
        ({"ca": "authority.pem"}, Seen.UP, ""),
        ({"ca": "authority.pem", "min_days": 19}, Seen.UP, ""),
        ({"ca": "authority.pem", "min_days": 21}, Seen.DEGRADED, "ends within 21 days"),
    ],
)
def test_a_certificate_is_believed_or_not_and_for_how_long(
    near: Around, served: Server, tls: dict[str, Any] | None, seen: Seen, reason: str
) -> None:
    sight = look({"kind": "http", "url": served.url, **({"tls": tls} if tls else {})}, near)
    assert sight.seen is seen
    assert reason in sight.reason
    expiry = [one for one in sight.facts if one.name == "probe_ssl_earliest_cert_expiry"]
    assert bool(expiry) is (tls is not None)


@pytest.mark.parametrize("kind", ["http", "scrape", "journey"])
def test_without_the_file_of_authorities_nothing_is_asked(near: Around, kind: str) -> None:
    own: dict[str, Any] = {
        "http": {"url": "https://127.0.0.1:1/"},
        "scrape": {"url": "https://127.0.0.1:1/", "keep": ["up"]},
        "journey": {"steps": [{"name": "one", "url": "https://127.0.0.1:1/"}]},
    }
    sight = look({"kind": kind, **own[kind], "tls": {"ca": "none.pem"}}, near)
    assert sight.seen is Seen.UNKNOWN
    assert sight.reason.endswith("none.pem is not there")


def test_the_facts_are_those_of_blackbox_exporter(near: Around) -> None:
    sight = fetch(near, plain(BODY, "200 OK"), matches="ok")
    assert {one.name: one.value for one in sight.facts} == {
        "probe_http_status_code": 200,
        "probe_http_uncompressed_body_length": len(BODY),
        "probe_http_ssl": 0,
        "probe_http_version": 1.1,
        "probe_ip_protocol": 4,
        "probe_failed_due_to_regex": 0,
    }


def test_cookies_of_one_probe_are_not_sent_by_the_next(near: Around) -> None:
    from opskit.core.clock import SECOND, Duration
    from opskit.outside.transfer import TransferRequest
    from opskit.outside.transfers import Transfers

    running: Transfers[int] = Transfers()
    with Server(plain(b"", "200 OK", "Set-Cookie: a=b")) as server:
        for number, cookies in enumerate(((), None, ())):
            timeout = Duration(20 * SECOND)
            running.start(number, TransferRequest(server.url, timeout, cookies=cookies))
            while len(running):
                running.poll(0.5)
    running.close()
    assert len(server.requests) == 3
    assert not any(b"cookie" in request.lower() for request in server.requests)
