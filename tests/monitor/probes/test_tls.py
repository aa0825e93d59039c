"""TLS: who is believed, for how long, and behind which protocol."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import Any

import pytest

from opskit.monitor.kinds import Around
from opskit.monitor.model import Seen
from tests.monitor.probes.authority import Authority
from tests.monitor.probes.looking import look
from tests.monitor.probes.wells import mail
from tests.monitor.servers import Answer, Server, page

OWN: dict[str, Any] = {"kind": "tls", "ca": "authority.pem"}
EARLIEST = "probe_ssl_earliest_cert_expiry"


@pytest.mark.parametrize(
    ("certificate", "settings", "seen", "reason"),
    [
        ({"days": 90}, {}, Seen.UP, ""),
        ({"days": 90}, {"ca": ""}, Seen.DOWN, "unable to get local issuer certificate"),
        ({"days": 90}, {"ca": "", "verify": False}, Seen.UP, ""),
        ({"days": 90}, {"server_name": "other.example"}, Seen.DOWN, "Hostname mismatch"),
        ({"days": 10}, {}, Seen.DEGRADED, "a certificate ends within 14 days"),
        ({"days": 10}, {"min_days": 5}, Seen.UP, ""),
        ({"days": -3}, {}, Seen.DOWN, "certificate has expired"),
        ({"days": -3}, {"verify": False}, Seen.DOWN, "a certificate of the chain has ended"),
        ({"days": 90, "begins": 5}, {}, Seen.DOWN, "not yet valid"),
        ({"host": "127.0.0.2"}, {}, Seen.DOWN, "mismatch"),
    ],
)
def test_a_chain_is_believed_or_not_and_for_how_long(
    near: Around,
    authority: Authority,
    certificate: dict[str, Any],
    settings: dict[str, Any],
    seen: Seen,
    reason: str,
) -> None:
    with Server(page(), tls=authority.issue(**certificate)) as server:
        sight = look({**OWN, "address": server.address, **settings}, near)
    assert sight.seen is seen
    assert reason in sight.reason
    assert bool(reason) is bool(sight.reason)
    # When it ends is told of every certificate, also of one that is refused.
    assert [one.name for one in sight.facts].count(EARLIEST) == 1


@pytest.mark.parametrize("verify", [True, False])
def test_dates_that_are_none_end_in_words(near: Around, authority: Authority, verify: bool) -> None:
    with Server(page(), tls=authority.issue(broken=True)) as server:
        sight = look({**OWN, "address": server.address, "verify": verify}, near)
    assert sight.seen is (Seen.DOWN if verify else Seen.UNKNOWN)
    assert sight.reason.startswith("certificate refused" if verify else "the dates of")
    assert EARLIEST not in {one.name for one in sight.facts}


def imap(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"* OK ready\r\n")
    if connection.recv(1_024).startswith(b"a1 STARTTLS"):
        connection.sendall(b"* still here\r\na1 OK begin\r\n")


def postgres(connection: socket.socket, over: threading.Event) -> None:
    if connection.recv(8) == b"\x00\x00\x00\x08\x04\xd2\x16\x2f":
        connection.sendall(b"S")


def upgraded(begin: Answer, context: ssl.SSLContext) -> Answer:
    """Speak in the clear first, then in TLS."""

    def answer(connection: socket.socket, over: threading.Event) -> None:
        begin(connection, over)
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(1)

    return answer


@pytest.mark.parametrize(
    ("protocol", "begin"), [("smtp", mail), ("imap", imap), ("postgres", postgres)]
)
def test_tls_is_asked_for_in_the_words_of_the_protocol(
    near: Around, authority: Authority, protocol: str, begin: Answer
) -> None:
    with Server(upgraded(begin, authority.issue())) as server:
        sight = look({**OWN, "address": server.address, "starttls": protocol}, near)
    assert (sight.seen, sight.reason) == (Seen.UP, "")


REFUSALS: dict[str, tuple[Answer, str]] = {
    "smtp": (
        lambda connection, over: mail(connection, over, offers=b""), "STARTTLS is not offered",
    ),
    "imap": (
        lambda connection, _over: connection.sendall(b"* OK\r\na1 BAD no\r\n"),
        "STARTTLS is not offered",
    ),
    "postgres": (lambda connection, _over: connection.sendall(b"N"), "TLS is not offered"),
}  # fmt: skip


@pytest.mark.parametrize("protocol", REFUSALS)
def test_who_does_not_offer_tls_is_down(near: Around, protocol: str) -> None:
    answer, reason = REFUSALS[protocol]

    def refuse(connection: socket.socket, over: threading.Event) -> None:
        answer(connection, over)
        connection.recv(1_024)

    with Server(refuse) as server:
        settings = {"kind": "tls", "address": server.address, "starttls": protocol}
        sight = look(settings, near)
    assert (sight.seen, sight.reason) == (Seen.DOWN, reason)


def test_what_was_said_in_the_clear_does_not_count_as_said_in_tls(
    near: Around, authority: Authority
) -> None:
    # A man in the middle would put words of his own before the handshake (CVE-2011-0411).
    def inject(connection: socket.socket, _over: threading.Event) -> None:
        connection.sendall(b"* OK\r\n")
        connection.recv(1_024)
        connection.sendall(b"a1 OK begin\r\n* OK injected\r\n")
        connection.recv(1_024)

    with Server(inject) as server:
        sight = look({**OWN, "address": server.address, "starttls": "imap"}, near)
    assert (sight.seen, sight.reason) == (
        Seen.DOWN, "something was said in the clear before TLS",
    )  # fmt: skip


def test_a_file_without_authorities_tells_nothing_of_the_server(
    near: Around, authority: Authority
) -> None:
    (authority.directory / "empty.pem").write_text("nothing")
    with Server(page(), tls=authority.issue()) as server:
        sight = look({**OWN, "address": server.address, "ca": "empty.pem"}, near)
    assert sight.seen is Seen.UNKNOWN
    assert "holds no certificates of authorities" in sight.reason
