"""SSH, SMTP, PostgreSQL, ICMP and banners: each asks in its own words."""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from opskit.core.clock import SECOND
from opskit.monitor.kinds import Around
from opskit.monitor.model import Seen
from opskit.outside import icmp
from tests.monitor.probes.looking import look
from tests.monitor.probes.wells import fingerprint, mail, pong, secret
from tests.monitor.servers import Server, silence
from tests.rig.hosts import Fleet
from tests.rig.postgres import Postgres

# SSH


def test_a_host_key_that_is_not_the_pinned_one_is_down(near: Around, fleet: Fleet) -> None:
    address = f"{fleet['web1'].address}:22"
    other = fingerprint(fleet, fleet["web2"].address)
    sight = look({"kind": "ssh", "address": address, "host_keys": [other]}, near)
    assert sight.seen is Seen.DOWN
    assert sight.reason == "the host key has changed: no pinned one was shown"
    own = fingerprint(fleet, fleet["web1"].address)
    assert (
        look({"kind": "ssh", "address": address, "host_keys": [other, own]}, near).seen is Seen.UP
    )
    assert look({"kind": "ssh", "address": address}, near).seen is Seen.UP


@pytest.mark.parametrize(
    ("banner", "seen", "reason"),
    [
        (b"SSH-2.0-dropbear\r\n", Seen.UP, ""),
        (b"welcome\r\nto this\nSSH-2.0-\xff\x1b[31m\r\n", Seen.UP, ""),
        (b"SSH-1.5-old\r\n", Seen.DOWN, "an SSH version that is no longer safe"),
        (b"220 mail\r\n" * 60, Seen.DOWN, "what came is not SSH"),
        (b"x" * 5_000, Seen.DOWN, "a line of more than 1,024 bytes"),
    ],
)
def test_a_banner_is_one_of_ssh(near: Around, banner: bytes, seen: Seen, reason: str) -> None:
    def show(connection: socket.socket, _over: threading.Event) -> None:
        connection.sendall(banner)
        connection.recv(1_024)

    with Server(show) as server:
        sight = look({"kind": "ssh", "address": server.address}, near)
    assert (sight.seen, sight.reason) == (seen, reason)


# SMTP


@pytest.mark.parametrize("starttls", [True, False])
def test_starttls_is_offered_where_it_must_be(near: Around, starttls: bool) -> None:
    with Server(lambda connection, over: mail(connection, over, offers=b"")) as server:
        settings = {"kind": "smtp", "address": server.address, "starttls": starttls}
        sight = look(settings, near)
    reason = "STARTTLS is not offered" if starttls else ""
    assert (sight.seen, sight.reason) == (Seen.DOWN if starttls else Seen.UP, reason)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"554 go away <script>\r\n", "SMTP code 554, wanted 220"),
        (b"SSH-2.0-x\r\n", "what came is not SMTP"),
        (b"220-more\r\n" * 1_000, "an SMTP reply without end"),
        ("٢٢٠ ready\r\n".encode(), "what came is not SMTP"),
    ],
)
def test_who_does_not_greet_is_down(near: Around, said: bytes, reason: str) -> None:
    def show(connection: socket.socket, _over: threading.Event) -> None:
        connection.sendall(said)
        connection.recv(1_024)

    with Server(show) as server:
        sight = look({"kind": "smtp", "address": server.address}, near)
    assert (sight.seen, sight.reason) == (Seen.DOWN, reason)


# PostgreSQL


@pytest.fixture
def database(near: Around, postgres: Postgres) -> dict[str, Any]:
    secret(near.root / "password", postgres.password)
    address = f"127.0.0.1:{postgres.port}"
    return {"kind": "postgres", "address": address, "user": "opskit", "password_file": "password"}


@pytest.mark.parametrize(
    ("query", "expect", "seen", "reason"),
    [
        ("SELECT 1", "1", Seen.UP, ""),
        ("SELECT count(*) FROM generate_series(1, 100000)", "100000", Seen.UP, ""),
        ("SELECT n FROM generate_series(1, 10000000) AS n", "1", Seen.UP, ""),
        ("SELECT NULL", None, Seen.UP, ""),
        ("SELECT 1", "2", Seen.DOWN, "the query does not give '2'"),
        ("SELECT NULL", "", Seen.DOWN, "the query does not give ''"),
        ("SELECT 1 WHERE false", "1", Seen.DOWN, "the query does not give '1'"),
        ("SELEC 1", None, Seen.DOWN, "ERROR:  syntax error"),
        ("SELECT 1; SELECT 2", None, Seen.DOWN, "ERROR:  cannot insert multiple commands"),
        ("CREATE TABLE x ()", None, Seen.DOWN, "ERROR:  cannot execute CREATE TABLE"),
    ],
)
def test_a_query_gives_the_value_and_writes_nothing(
    near: Around, database: dict[str, Any], query: str, expect: str | None, seen: Seen, reason: str
) -> None:
    sight = look(
        {**database, "query": query, **({"expect": expect} if expect is not None else {})}, near
    )
    assert sight.seen is seen
    assert sight.reason.startswith(reason)
    assert bool(sight.reason) is bool(reason)


def test_a_query_that_takes_too_long_is_given_up(near: Around, database: dict[str, Any]) -> None:
    hasty = {**database, "timeout": "1s", "query": "SELECT pg_sleep(60)"}
    sight = look(hasty, near)
    assert sight.seen is Seen.DOWN
    # Whichever of the two clocks is first: the server's own, or ours.
    assert "statement timeout" in sight.reason or sight.reason == "no answer within 1 s"


def test_a_wrong_password_is_down(near: Around, database: dict[str, Any]) -> None:
    secret(near.root / "other", "wrong-one")
    sight = look({**database, "password_file": "other"}, near)
    assert sight.seen is Seen.DOWN
    assert "password authentication failed" in sight.reason
    assert "wrong-one" not in repr(sight)


def test_without_the_driver_nobody_knows(
    near: Around, database: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    sight = look(database, near)
    assert sight.seen is Seen.UNKNOWN
    assert "pip install 'opskit[postgres]'" in sight.reason


# ICMP


def test_a_reply_says_how_long_it_took(near: Around) -> None:
    facts = {one.name: one for one in look({"kind": "icmp", "host": "127.0.0.1"}, near).facts}
    assert 0 <= facts["probe_icmp_duration_seconds"].value < 20
    assert facts["probe_icmp_duration_seconds"].labels == (("phase", "rtt"),)
    assert facts["probe_ip_protocol"].value == 4


def test_a_reply_is_not_timed_by_when_we_come_to_look(near: Around) -> None:
    # A machine that is kept busy meanwhile is slow to wake up; the kernel's stamp is not.
    over = threading.Event()
    busy = [threading.Thread(target=lambda: [None for _ in iter(over.is_set, True)]) for _ in "ab"]
    for thread in busy:
        thread.start()
    try:
        sights = [look({"kind": "icmp", "host": "127.0.0.1"}, near) for _ in range(5)]
    finally:
        over.set()
        for thread in busy:
            thread.join()
    told = [one.value * SECOND for sight in sights for one in sight.facts if "icmp_d" in one.name]
    assert len(told) == 5
    assert all(rtt <= sight.took for rtt, sight in zip(told, sights, strict=True))


def test_where_it_is_not_permitted_nobody_knows(
    near: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Forbidden(socket.socket):
        def __init__(self, *arguments: Any, **_more: Any) -> None:
            if socket.IPPROTO_ICMP in arguments:
                raise PermissionError(1, "Operation not permitted")
            super().__init__(*arguments)

    monkeypatch.setattr(socket, "socket", Forbidden)
    sight = look({"kind": "icmp", "host": "127.0.0.1"}, near)
    assert sight.seen is Seen.UNKNOWN
    assert "may not send ICMP" in sight.reason


def test_a_host_without_an_address_of_that_version_is_down(near: Around) -> None:
    sight = look({"kind": "icmp", "host": "127.0.0.1", "ip": "6"}, near)
    assert (sight.seen, sight.reason) == (Seen.DOWN, "127.0.0.1 has no address of IPv6")


@pytest.mark.parametrize("host", ["240.0.0.1", "203.0.113.1", "does-not-exist.invalid"])
def test_a_host_that_sends_no_reply_is_down(near: Around, host: str) -> None:
    sight = look({"kind": "icmp", "host": host, "timeout": "500ms"}, near)
    assert sight.seen is Seen.DOWN
    assert sight.reason


def test_a_reply_to_somebody_else_is_not_ours(
    near: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    packet = icmp._packet
    monkeypatch.setattr(icmp, "_packet", lambda family, own: packet(family, b"0" * len(own)))
    sight = look({"kind": "icmp", "host": "127.0.0.1", "timeout": "300ms"}, near)
    assert (sight.seen, sight.reason) == (Seen.DOWN, "no answer within 0.30 s")


@pytest.mark.parametrize("size", [16, 57, 1_400])
def test_a_request_of_any_size_comes_back(near: Around, size: int) -> None:
    assert look({"kind": "icmp", "host": "127.0.0.1", "size": size}, near).seen is Seen.UP


# Banners


@pytest.mark.parametrize(
    ("expect", "seen"), [(r"^\+PONG\r\n$", Seen.UP), ("PONG", Seen.UP), ("^-ERR", Seen.DOWN)]
)
def test_what_is_said_matches_or_not(near: Around, expect: str, seen: Seen) -> None:
    with Server(pong) as server:
        asked = {"kind": "banner", "address": server.address, "send": "PING\r\n", "expect": expect}
        sight = look({**asked, "timeout": "500ms"}, near)
    assert sight.seen is seen
    assert bool(sight.reason) is (seen is Seen.DOWN)


def test_who_says_nothing_is_told_from_who_says_something_else(near: Around) -> None:
    with Server(silence) as server:
        asked = {"kind": "banner", "address": server.address, "expect": "x", "timeout": "300ms"}
        assert look(asked, near).reason == "no answer within 0.30 s"


def test_files_are_looked_for_where_services_yaml_is(near: Around, tmp_path: Path) -> None:
    settings = {"kind": "postgres", "address": "127.0.0.1:1", "user": "x", "password_file": "none"}
    sight = look(settings, near)
    assert sight.seen is Seen.UNKNOWN
    assert str(tmp_path / "none") in sight.reason
