"""Conversations with one deadline: names that are not resolved, addresses that do not answer."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from opskit.outside import dial
from opskit.outside.dial import Dial, DialError, resolve
from tests.outside.servers import Server


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def slow(*_arguments: Any) -> None:
        over.wait()

    monkeypatch.setattr(dial, "_look_up", slow)
    with pytest.raises(DialError, match="not resolved in time") as caught:
        resolve("slow.example", 1, time.monotonic() + 0.1)
    over.set()
    assert caught.value.late


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_needs_no_resolver(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "_look_up", None)
    (place,) = resolve(host, 25, 0.0)
    assert (place.host, place.port, place.version) == (host, 25, 6 if ":" in host else 4)


@pytest.mark.parametrize("host", ["a" * 300, "..", "x\0y", "does-not-exist.invalid"])
def test_a_name_that_is_none_is_told_in_words(host: str) -> None:
    with pytest.raises(DialError, match="cannot be resolved"):
        resolve(host, 1, time.monotonic() + 20)


def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    places = [
        dial.Place(socket.AF_INET6, "::1", 1),
        dial.Place(socket.AF_INET, "127.0.0.1", 0),
    ]
    with Server(lambda exchange: exchange.send(b"hello\n")) as server:
        places[1] = dial.Place(socket.AF_INET, "127.0.0.1", server.port)
        monkeypatch.setattr(dial, "resolve", lambda *_: places)
        with Dial.open("both.example:1", 20) as open_:
            open_.send(b"GET / HTTP/1.1\r\n\r\n")
            assert (open_.line(), open_.version) == ("hello", 4)


def test_what_comes_in_one_piece_is_taken_in_parts() -> None:
    with (
        Server(lambda exchange: exchange.send(b"one\r\ntwo\nfour")) as server,
        Dial.open(f"127.0.0.1:{server.port}", 20) as open_,
    ):
        open_.send(b"GET / HTTP/1.1\r\n\r\n")
        assert [open_.line(), open_.line()] == ["one", "two"]
        assert (open_.exactly(1), open_.receive()) == (b"f", b"our")
        with pytest.raises(DialError, match="the connection was closed"):
            open_.line()
