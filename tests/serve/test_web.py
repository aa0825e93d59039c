"""The web side of one real process: who is answered what, and what nobody gets through."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from opskit.core.errors import ExitCode
from opskit.outside.notify.webhook import signature
from opskit.serve.access import beat_token
from tests.monitor.live import rows, soon
from tests.monitor.servers import Server, page, silence
from tests.serve.live import TOKEN, Reply, Serving, bearer, lay_out, probe_of, secret, service

SECRET = b"k" * 32
NASTY = [
    "<script>alert(1)</script>",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "%1b%5b31m",
    "%0d%0aSet-Cookie:%20a=b",
    "{{7*7}}",
    "%e2%80%aeevil",
    "'%20OR%201=1--",
    "%ff%fe",
    "a" * 8_000,
]


@pytest.fixture(scope="module")
def target() -> Iterator[Server]:
    with Server(page()) as server:
        yield server


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, target: Server) -> Path:
    root = tmp_path_factory.mktemp("web") / "ops"
    beating = service(
        {
            "kind": "heartbeat",
            "beat": "nightly",
            "every": "1d",
            "interval": "1s",
            "timeout": "300ms",
        }
    )
    beating["probes"][0]["confirm_after"] = "100ms"  # type: ignore[index]
    services = {"shop": service(probe_of(target.address)), "backup": beating}
    serve = {
        "token_file": "token",
        "webhooks": {"git": {"secret_file": "git.secret"}},
        "probe_allow": ["127.0.0.0/8", "*.example.org"],
        "hosts": ["ops.example.org"],
    }
    lay_out(root, services, serve=serve)
    secret(root / "token")
    secret(root / "git.secret", "whsec_" + base64.b64encode(SECRET).decode())
    return root


@pytest.fixture(scope="module")
def serving(root: Path) -> Iterator[Serving]:
    with Serving(root) as found:
        found.ready()
        found.says("seen target=shop/tcp seen=up")
        yield found
        assert found.end(signal.SIGTERM) == ExitCode.OK
        assert not any("bug" in line or "library" in line for line in found.lines)


def asked(serving: Serving, path: str, method: str = "GET", body: bytes = b"") -> Reply:
    """Ask with the token."""
    return serving.ask(path, method, body, Authorization=bearer())


SHOWN = ["/", "/metrics", "/status.json", "/badge/shop.svg", "/badge/shop.json", "/sd/http"]
READ = [*SHOWN, "/maintenance"]


@pytest.mark.parametrize("path", READ)
def test_a_page_is_shown_to_whoever_has_the_token(serving: Serving, path: str) -> None:
    assert asked(serving, path).status == 200
    password = base64.b64encode(f"me:{TOKEN}".encode()).decode()
    assert serving.ask(path, Authorization=f"Basic {password}").status == 200


@pytest.mark.parametrize("path", [*READ, "/probe?target=127.0.0.1:1", "/heartbeat/nightly"])
@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bearer",
        "Bearer ",
        bearer(TOKEN[:-1]),
        bearer(TOKEN + "x"),
        bearer("t\u00f6ken"),
        "Basic !!!!",
        "Basic " + base64.b64encode(b"me").decode(),
        f"Digest {TOKEN}",
        TOKEN,
    ],
)
def test_without_the_token_it_is_401(root: Path, path: str, given: str) -> None:
    from opskit.app import App
    from opskit.serve.access import access

    found, _ = access(App.find(root, {}).config, {})
    assert not found.allows(given, basic=True)
    assert not found.allows_beat(given, "nightly")


@pytest.mark.parametrize("path", [*READ, "/probe?target=127.0.0.1:1", "/heartbeat/nightly"])
def test_who_brings_no_token_is_told_to(serving: Serving, path: str) -> None:
    reply = serving.ask(path)
    assert reply.status == 401
    assert reply.headers["www-authenticate"].startswith("Basic")
    assert reply.body == b"a token is needed\n"


def test_a_password_that_a_browser_remembers_does_nothing(serving: Serving) -> None:
    password = base64.b64encode(f"me:{TOKEN}".encode()).decode()
    for path in ("/heartbeat/nightly", "/probe?target=127.0.0.1:1&module=tcp_connect"):
        assert serving.ask(path, Authorization=f"Basic {password}").status == 401


def test_whether_it_is_well_may_be_asked_by_all(serving: Serving) -> None:
    assert serving.ask("/-/healthy").body == b"healthy\n"
    assert serving.ask("/-/ready").body == b"ready\n"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "", "ops.example.org.evil:80", "a b", "[::2]"],
)
def test_a_name_it_does_not_have_is_refused(serving: Serving, host: str) -> None:
    for path in ("/", "/-/healthy", "/nothing"):
        reply = serving.ask(path, Host=host, Authorization=bearer())
        assert reply.status == 421
        assert host.encode() not in reply.body or not host


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:80", "OPS.example.org."])
def test_a_name_it_has_is_answered(serving: Serving, host: str) -> None:
    assert serving.ask("/", Host=host, Authorization=bearer()).status == 200


@pytest.mark.parametrize("path", [*SHOWN, "/-/healthy", "/nothing", "/webhook/git"])
def test_every_answer_says_what_a_browser_may_not_do(serving: Serving, path: str) -> None:
    reply = serving.ask(path, Authorization=bearer(), Origin="https://evil.example")
    assert not [name for name in reply.headers if name.startswith("access-control")]
    assert reply.headers["content-security-policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert "server" not in reply.headers


def test_a_browser_may_not_ask_across_origins(serving: Serving) -> None:
    reply = serving.ask(
        "/", "OPTIONS", Origin="https://evil.example", Access_Control_Request_Method="GET"
    )
    assert reply.status == 405
    assert not [name for name in reply.headers if name.startswith("access-control")]


def test_the_style_of_the_page_is_the_one_it_may_have(serving: Serving) -> None:
    reply = asked(serving, "/")
    style = re.search(b"<style>(.*?)</style>", reply.body, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1]).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in reply.headers["content-security-policy"]
    assert b"<script" not in reply.body
    assert b" style=" not in reply.body
    assert not re.search(rb"(src|href)=\"?(https?:)?//", reply.body)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"])
def test_pages_are_only_shown(serving: Serving, method: str) -> None:
    for path in (*SHOWN, "/probe", "/-/ready"):
        refused = asked(serving, path, method)
        assert refused.status == 405
        assert "GET" in refused.headers["allow"]


def test_what_another_site_makes_a_browser_ask_does_nothing(serving: Serving) -> None:
    for path in ("/heartbeat/nightly", "/probe?target=127.0.0.1:1", "/webhook/git"):
        method = "POST" if "webhook" in path else "GET"
        reply = serving.ask(path, method, Authorization=bearer(), Sec_Fetch_Site="cross-site")
        assert reply.status == 403


# Heartbeats


def beats(root: Path) -> list[str]:
    return [str(word) for (word,) in rows(root, "SELECT word FROM monitor_beats ORDER BY id")]


@pytest.mark.parametrize(
    ("path", "method", "word"),
    [
        ("/heartbeat/nightly", "GET", "ok"),
        ("/heartbeat/nightly", "HEAD", "ok"),
        ("/heartbeat/nightly/ok", "POST", "ok"),
        ("/heartbeat/nightly/start", "POST", "start"),
        ("/heartbeat/nightly/fail", "GET", "fail"),
    ],
)
def test_a_heartbeat_is_stored(
    serving: Serving, root: Path, path: str, method: str, word: str
) -> None:
    before = beats(root)
    assert asked(serving, path, method).status == 200
    assert beats(root) == [*before, word]


def test_one_heartbeats_token_is_good_for_nothing_else(serving: Serving) -> None:
    own = bearer(beat_token(TOKEN.encode(), "nightly"))
    assert serving.ask("/heartbeat/nightly", "POST", Authorization=own).status == 200
    other = bearer(beat_token(TOKEN.encode(), "weekly"))
    assert serving.ask("/heartbeat/nightly", "POST", Authorization=other).status == 401
    assert serving.ask("/metrics", Authorization=own).status == 401


def announce(serving: Serving, body: object, **headers: str) -> Reply:
    """Announce work as a deployment would."""
    named = {"Authorization": bearer(), "Content_Type": "application/json", **headers}
    return serving.ask("/maintenance", "POST", json.dumps(body).encode(), **named)


WORK = {"services": ["shop", "backup"], "for": "2h", "reason": "new disks"}


def test_work_is_announced_listed_and_ended(serving: Serving, root: Path) -> None:
    reply = announce(serving, WORK)
    assert reply.status == 201
    first, second = reply.json["maintenance"]
    assert (first["service"], second["service"]) == ("shop", "backup")
    listed = {one["id"]: one for one in asked(serving, "/maintenance").json["maintenance"]}
    assert listed[first["id"]]["state"] == "open"
    assert listed[first["id"]]["reason"] == "new disks"
    for one in (first, second):
        assert asked(serving, f"/maintenance/{one['id']}/close", "POST").json == one
        assert asked(serving, f"/maintenance/{one['id']}/close", "POST").status == 404
    assert asked(serving, "/maintenance").json == {"maintenance": []}
    told = rows(root, "SELECT data FROM ledger WHERE kind LIKE 'maintenance.%'")
    assert all(json.loads(str(data))["through"] == "HTTP from 127.0.0.1" for (data,) in told)


@pytest.mark.parametrize(
    "wrong",
    [
        {"services": []},
        {"services": ["nobody"]},
        {"services": "shop"},
        {"for": "-2h"},
        {"for": "0s"},
        {"for": 7200},
        {"reason": ""},
        {"at": "2020-01-01T00:00"},
        {"at": "soon"},
        {"until_healthy": "yes"},
        {"<script>": 1},
    ],
)
def test_work_that_is_none_is_refused(serving: Serving, wrong: dict[str, object]) -> None:
    reply = announce(serving, {**WORK, **wrong})
    assert reply.status == 400
    assert not any(str(value).encode() in reply.body for value in wrong.values() if value)
    assert next(iter(wrong)).encode() in reply.body or b"the keys are" in reply.body
    assert asked(serving, "/maintenance").json == {"maintenance": []}


def test_what_may_be_asked_for_instead_is_named(serving: Serving) -> None:
    assert b"http_2xx" in asked(serving, "/probe?target=127.0.0.1:1&module=none").body
    assert b"target=TARGET" in asked(serving, "/probe").body


def test_only_an_api_announces_work(serving: Serving) -> None:
    assert announce(serving, WORK, Authorization="").status == 401
    assert announce(serving, WORK, Content_Type="text/plain").status == 415
    assert announce(serving, WORK, Sec_Fetch_Site="cross-site").status == 403
    assert serving.ask("/maintenance", Authorization="").status == 401
    assert asked(serving, "/maintenance/7;x/close", "POST").status == 404
    assert asked(serving, "/maintenance").json == {"maintenance": []}


@pytest.mark.parametrize("name", ["weekly", "shop", "nightly/never", "nightly/ok/ok", *NASTY])
def test_only_what_is_in_the_catalogue_calls_in(serving: Serving, root: Path, name: str) -> None:
    before = beats(root)
    reply = asked(serving, f"/heartbeat/{name}", "POST")
    assert reply.status in {404, 401}
    assert beats(root) == before
    assert reply.body in {b"there is no such heartbeat\n", b"there is no such page\n"}


def test_a_heartbeat_with_a_large_body_is_refused(serving: Serving, root: Path) -> None:
    before = beats(root)
    assert asked(serving, "/heartbeat/nightly", "POST", b"x" * 20_000).status == 413
    assert beats(root) == before


# Webhooks


def event(
    serving: Serving,
    body: bytes = b'{"type":"push"}',
    *,
    number: str = "m-1",
    late: int = 0,
    key: bytes = SECRET,
    signed: bytes | None = None,
    path: str = "/webhook/git",
) -> Reply:
    stamp = str(int(time.time()) + late)
    return serving.ask(
        path,
        "POST",
        body,
        webhook_id=number,
        webhook_timestamp=stamp,
        webhook_signature="v1,AAAA "
        + signature(key, number, stamp, body if signed is None else signed),
    )


def received(root: Path) -> int:
    query = "SELECT COUNT(*) FROM ledger WHERE kind = 'webhook.received'"
    return int(str(rows(root, query)[0][0]))


def test_an_event_is_taken_once_however_often_it_is_sent(serving: Serving, root: Path) -> None:
    before = received(root)
    body = b'{"type":"push","password":"hunter2hunter2","text":"\\u001b[31m"}\x1b\xff'
    assert event(serving, body, number="once").body == b"accepted\n"
    for _ in range(3):
        assert event(serving, body, number="once").body == b"known already\n"
    assert received(root) == before + 1
    (found,) = rows(
        root, "SELECT data FROM ledger WHERE kind = 'webhook.received' AND data LIKE '%once%'"
    )
    data = json.loads(str(found[0]))
    assert data["sha256"] == hashlib.sha256(body).hexdigest()
    assert "hunter2" not in data["body"]
    assert "\x1b" not in data["body"]


def test_a_large_event_is_kept_in_part(serving: Serving, root: Path) -> None:
    assert event(serving, b"x" * 262_144, number="large").status == 200
    (found,) = rows(root, "SELECT LENGTH(data) FROM ledger WHERE data LIKE '%\"large\"%'")
    assert int(str(found[0])) < 5_000


def test_what_is_forged_replayed_or_for_another_is_refused_alike(
    serving: Serving, root: Path
) -> None:
    before = received(root)
    replies = [
        event(serving, key=b"x" * 32, number="a"),
        event(serving, signed=b"{}", number="b"),
        event(serving, late=-301, number="c"),
        event(serving, late=301, number="d"),
        event(serving, path="/webhook/nobody", number="e"),
        event(serving, path="/webhook/nobody", key=b"\0" * 32, number="f"),
        event(serving, number="x" * 256),
        serving.ask("/webhook/git", "POST", b"{}"),
        serving.ask("/webhook/git", "POST", b"{}", webhook_id="g", webhook_timestamp="now"),
    ]
    assert {(one.status, one.body) for one in replies} == {(401, b"not accepted\n")}
    assert received(root) == before


def test_an_oversized_event_is_refused_before_it_is_read(serving: Serving, root: Path) -> None:
    before = received(root)
    assert event(serving, b"x" * 262_145, number="big").status == 413
    with serving.raw() as raw:
        raw.sendall(
            b"POST /webhook/git HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            _send_for_ever(raw, b"10000\r\n" + b"x" * 65_536 + b"\r\n")
    assert received(root) == before


def _send_for_ever(connection: socket.socket, chunk: bytes) -> None:
    for _ in range(1_000):  # 64 MB, far more than any buffer on the way
        connection.sendall(chunk)


# Probes


def test_a_probe_is_told_by_the_names_of_blackbox_exporter(
    serving: Serving, target: Server
) -> None:
    reply = asked(serving, f"/probe?target={target.address}")
    values = dict(line.split() for line in reply.body.decode().splitlines() if line[0] != "#")
    assert float(values["probe_success"]) == 1
    assert float(values["probe_duration_seconds"]) > 0
    phases = {
        re.sub(".*phase=.(.*).}", r"\1", name)
        for name in values
        if name.startswith("probe_http_duration_seconds{")
    }
    assert phases == {"resolve", "connect", "tls", "processing", "transfer"}
    assert "probe_dns_lookup_time_seconds" in values


def test_a_dead_target_is_no_success(serving: Serving) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    reply = asked(serving, f"/probe?target=127.0.0.1:{port}&module=tcp_connect")
    assert reply.status == 200
    assert b"probe_success 0" in reply.body


def test_a_probe_ends_before_the_scrape_does(serving: Serving) -> None:
    with Server(silence) as silent:
        reply = serving.ask(
            f"/probe?target={silent.address}",
            Authorization=bearer(),
            X_Prometheus_Scrape_Timeout_Seconds="1.0",
        )
    assert b"probe_timeout_seconds 0.5\n" in reply.body
    assert b"probe_success 0" in reply.body


@pytest.mark.parametrize(
    "query",
    [
        "",
        "target=",
        "target=127.0.0.1:1&module=none",
        "target=http://u:p@127.0.0.1/",
        "target=http://127.0.0.1%5c@evil.example/",
        "target=file:///etc/passwd",
        "target=gopher://127.0.0.1/",
        "target=http://127.0.0.1/%0d%0aX:y",
        "target=127.0.0.1&module=tcp_connect",
        "target=127.0.0.1:99999&module=tcp_connect",
        "target=" + "a" * 3_000,
    ],
)
def test_what_is_no_target_is_refused(serving: Serving, query: str) -> None:
    reply = asked(serving, f"/probe?{query}")
    assert reply.status == 400
    assert b"passwd" not in reply.body
    assert b"evil" not in reply.body


@pytest.mark.parametrize(
    "place",
    ["169.254.169.254", "http://[::1]/", "example.org", "evilexample.org", "2130706433", "0x7f.1"],
)
def test_what_is_not_allowed_is_not_looked_at(serving: Serving, place: str) -> None:
    assert asked(serving, f"/probe?target={place}").status == 403
    serving.says("probe.refused")


# Bad callers


@pytest.mark.parametrize("name", NASTY)
def test_what_is_asked_is_never_repeated(serving: Serving, name: str) -> None:
    for path in (f"/{name}", f"/badge/{name}.svg", f"/sd/http?source={name}", f"/webhook/{name}"):
        reply = asked(serving, path)
        assert reply.status in {400, 404, 405, 401, 421}
        assert reply.headers["content-type"] == "text/plain; charset=utf-8"
        assert len(reply.body) < 100
        assert "set-cookie" not in reply.headers


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        (
            b"POST /webhook/git HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        ),
        b"\x00" * 1_000,
    ],
)
def test_what_is_no_request_is_refused(serving: Serving, request_: bytes) -> None:
    with serving.raw() as raw:
        try:
            raw.sendall(request_)
            raw.shutdown(socket.SHUT_WR)
            answer = raw.recv(65_536)
        except OSError:
            answer = b""  # it hung up before it had read everything
    assert not answer or answer.split(b" ")[1] in {b"400", b"421", b"431"}
    assert serving.ask("/-/healthy").status == 200


def test_who_drips_keeps_nobody_out(serving: Serving) -> None:
    slow: list[socket.socket] = []
    try:
        for _ in range(400):
            one = serving.raw()
            one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-")
            slow.append(one)
        assert serving.ask("/-/healthy").status == 200
        assert asked(serving, "/metrics").status == 200

        def all_gone() -> bool:
            return all(_is_closed(one) for one in slow)

        soon(all_gone, "who never ends a request is hung up on")
    finally:
        for one in slow:
            one.close()


def _is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)  # the socket's own
    try:
        connection.sendall(b"x")
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_a_token_is_not_guessed_at_length(serving: Serving) -> None:
    found = {serving.ask("/metrics", Authorization=bearer("guess")).status for _ in range(60)}
    assert found == {401, 429}
    assert asked(serving, "/metrics").status == 200


def test_no_secret_is_in_the_log(serving: Serving) -> None:
    said = "\n".join(serving.lines)
    assert TOKEN not in said
    assert "kkkk" not in said
    assert "\x1b" not in said
