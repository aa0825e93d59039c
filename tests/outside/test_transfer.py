"""Timed transfers, many at once, against servers that do what servers do on bad days."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from opskit.core.clock import SECOND, Duration
from opskit.outside.transfer import TransferRequest, TransferResult
from opskit.outside.transfers import Transfers
from tests.outside.servers import Answer, Exchange, Server, header, plain

PATIENCE = Duration(20 * SECOND)
IMPATIENCE = Duration(SECOND // 2)


@pytest.fixture
def transfers() -> Iterator[Transfers[str]]:
    running = Transfers[str]()
    yield running
    running.close()


def ended(transfers: Transfers[str]) -> dict[str, TransferResult]:
    results: dict[str, TransferResult] = {}
    while len(transfers):
        results.update(transfers.poll(0.5))
    return results


def fetch(
    transfers: Transfers[str],
    url: str,
    *,
    timeout: Duration = PATIENCE,
    max_bytes: int = 1_000_000,
    method: str = "GET",
    connect_only: bool = False,
) -> TransferResult:
    request = TransferRequest(url, timeout, max_bytes, connect_only, method)
    transfers.start("only", request)
    return ended(transfers)["only"]


def test_an_answer_and_when_each_step_was_done(transfers: Transfers[str]) -> None:
    with Server(plain(b"welcome", "404 Not Found")) as server:
        result = fetch(transfers, server.url)
    assert (result.error, result.timed_out, result.cut) == ("", False, False)
    assert (result.status, result.body, result.address) == (404, b"welcome", "127.0.0.1")
    phases = result.phases
    assert 0 <= phases.resolved <= phases.connected <= phases.first_byte <= phases.total
    assert phases.connected > 0
    assert phases.secured == 0
    assert phases.total < PATIENCE


def test_a_redirect_is_an_answer(transfers: Transfers[str]) -> None:
    with (
        Server(plain(b"inside")) as inside,
        Server(plain(b"", "302 Found", f"Location: {inside.url}")) as server,
    ):
        assert fetch(transfers, server.url).status == 302
        assert inside.connections == 0


def test_head_asks_for_no_body(transfers: Transfers[str]) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"
    with Server(lambda exchange: exchange.send(head)) as server:
        result = fetch(transfers, server.url, method="HEAD")
    assert server.requests[0].startswith(b"HEAD / HTTP/1.1\r\n")
    assert (result.error, result.status, result.body) == ("", 200, b"")


def test_nothing_of_the_environment_is_used(
    transfers: Transfers[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("default login somebody password canary\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with Server(plain(b"proxy")) as proxy, Server(plain(b"direct")) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        assert fetch(transfers, server.url).body == b"direct"
    assert header(server.requests[0], b"authorization") == b""
    assert header(server.requests[0], b"user-agent").startswith(b"opskit/")


# Bounds


@pytest.mark.parametrize(
    ("size", "kept", "cut"), [(99, 99, False), (100, 100, False), (101, 100, True)]
)
def test_a_body_is_kept_up_to_the_limit(
    transfers: Transfers[str], size: int, kept: int, cut: bool
) -> None:
    with Server(plain(b"x" * size)) as server:
        result = fetch(transfers, server.url, max_bytes=100)
    assert (result.error, result.status) == ("", 200)
    assert (len(result.body), result.cut) == (kept, cut)


def test_a_flood_is_cut_and_still_an_answer(transfers: Transfers[str]) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\n\r\n")
        exchange.flood(b"x" * 65_536)

    with Server(answer) as server:
        result = fetch(transfers, server.url, max_bytes=1_000)
    assert (result.error, result.status, len(result.body), result.cut) == ("", 200, 1_000, True)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        pytest.param(lambda exchange: exchange.hang(), 0, id="silence"),
        pytest.param(
            lambda exchange: (exchange.send(b"HTTP/1.1 200 OK\r\nX-A: "), exchange.drip(b"a")),
            200,
            id="dripping header",
        ),
        pytest.param(
            lambda exchange: (exchange.send(b"HTTP/1.1 200 OK\r\n\r\n"), exchange.drip(b"x")),
            200,
            id="dripping body",
        ),
    ],
)
@pytest.mark.timeout(60)
def test_a_server_that_is_too_slow_is_cut_off(
    transfers: Transfers[str], answer: Answer, status: int
) -> None:
    with Server(answer) as server:
        result = fetch(transfers, server.url, timeout=IMPATIENCE)
    assert result.timed_out
    assert result.error
    assert result.status == status
    assert result.phases.total >= IMPATIENCE


# What goes wrong


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda exchange: None, id="closed without a word"),
        pytest.param(lambda exchange: exchange.reset(), id="reset"),
        pytest.param(
            lambda exchange: exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
            id="cut off",
        ),
        pytest.param(lambda exchange: exchange.send(b"\x1b]0;title\x07\r\n\r\n"), id="no HTTP"),
    ],
)
def test_a_broken_answer_is_an_error_in_one_safe_line(
    transfers: Transfers[str], answer: Answer
) -> None:
    with Server(answer) as server:
        result = fetch(transfers, server.url)
    assert result.error
    assert result.error.isprintable()
    assert not result.timed_out


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://",
        "http://[::1/",
        "http://127.0.0.1:99999/",
        "file:///etc/hostname",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1/",
    ],
)
def test_what_cannot_be_fetched_is_an_error(transfers: Transfers[str], url: str) -> None:
    result = fetch(transfers, url)
    assert result.error
    assert (result.status, result.body, result.timed_out) == (0, b"", False)


# Connections alone


def test_a_connection_is_opened_and_nothing_said_on_it(transfers: Transfers[str]) -> None:
    with Server(plain()) as server:
        result = fetch(transfers, server.url, connect_only=True)
        assert (result.error, result.status, result.address) == ("", 0, "127.0.0.1")
        assert result.phases.connected > 0
    assert server.requests == []


def test_a_port_where_nobody_listens_is_an_error(transfers: Transfers[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert fetch(transfers, f"http://127.0.0.1:{port}", connect_only=True).error


# Side by side


def test_a_slow_one_does_not_hold_up_the_others(transfers: Transfers[str]) -> None:
    with Server(lambda exchange: exchange.hang()) as slow, Server(plain(b"quick")) as quick:
        transfers.start("slow", TransferRequest(slow.url, PATIENCE))
        for number in range(20):
            transfers.start(f"quick {number}", TransferRequest(quick.url, PATIENCE))
        results: dict[str, TransferResult] = {}
        while len(results) < 20:
            results.update(transfers.poll(0.5))
        assert {result.body for result in results.values()} == {b"quick"}
        assert "slow" not in results
        assert len(transfers) == 1
        transfers.close()
        assert len(transfers) == 0


def test_each_uses_a_connection_of_its_own(transfers: Transfers[str]) -> None:
    with Server(plain(b"x")) as server:
        for _ in range(3):
            fetch(transfers, server.url)
        assert server.connections == 3


def test_who_is_woken_waits_no_longer(transfers: Transfers[str]) -> None:
    transfers.wake()
    assert list(transfers.poll(1_000)) == []
