"""Domains: when the registration ends, as the registry says."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from opskit.core.clock import DAY, Instant, from_datetime
from opskit.monitor.kinds import Around
from opskit.monitor.model import Seen
from opskit.monitor.probes.domain import expiration, judged
from opskit.outside import dial
from tests.monitor.probes.looking import look
from tests.outside.servers import Server, plain

NOW = from_datetime(datetime(2026, 11, 22, tzinfo=UTC))
DOMAIN = {"kind": "domain", "domain": "Example.ORG", "allow_private": True}


@pytest.mark.parametrize(
    ("days", "seen", "reason"),
    [
        (None, Seen.UNKNOWN, "the registry does not say when the registration ends"),
        (31, Seen.UP, ""),
        (30, Seen.UP, ""),
        (29, Seen.DEGRADED, "the registration ends within 30 days"),
        (0, Seen.DOWN, "the registration has ended"),
        (-400, Seen.DOWN, "the registration has ended"),
    ],
)
def test_the_end_of_a_registration_means_something(
    days: int | None, seen: Seen, reason: str
) -> None:
    end = None if days is None else Instant(NOW + days * DAY)
    sight = judged(end, 30, NOW)
    assert (sight.seen, sight.reason) == (seen, reason)
    assert len(sight.facts) == (days is not None)


def events(*pairs: tuple[str, object]) -> bytes:
    return json.dumps({"events": [{"eventAction": a, "eventDate": b} for a, b in pairs]}).encode()


@pytest.mark.parametrize(
    ("body", "known"),
    [
        (events(("expiration", "2026-11-22T00:00:00Z")), NOW),
        (events(("registration", "1999-01-01"), ("expiration", "2026-11-22T01:00:00+01:00")), NOW),
        (events(("expiration", "2026-11-22")), NOW),
        (events(("registration", "2026-11-22")), None),
        (events(("expiration", "soon")), None),
        (events(("expiration", None)), None),
        (b'{"events": 7}', None),
        (b'{"events": [[]]}', None),
        (b"[" * 100_000, None),
        (b"\xff", None),
    ],
)
def test_a_registry_may_say_anything(body: bytes, known: Instant | None) -> None:
    assert expiration(body) == known


@given(st.binary())
def test_what_is_no_answer_is_no_end(body: bytes) -> None:
    assert expiration(body) is None


@pytest.mark.parametrize(
    ("status", "seen", "reason"),
    [
        ("404 Not Found", Seen.DOWN, "the registry knows no such domain"),
        ("429 Too Many", Seen.UNKNOWN, "the registry answered 429"),
        ("301 Moved", Seen.UNKNOWN, "the registry answered 301"),
    ],
)
def test_a_registry_that_gives_no_answer_tells_little(
    near: Around, status: str, seen: Seen, reason: str
) -> None:
    with Server(plain(b"{}", status)) as server:
        sight = look({**DOMAIN, "server": server.url}, near)
    assert (sight.seen, sight.reason) == (seen, reason)
    assert server.requests[0].startswith(b"GET /domain/example.org HTTP/1.1\r\n")


def test_a_private_address_must_be_allowed(near: Around) -> None:
    with Server(plain(b"{}")) as server:
        sight = look({**DOMAIN, "server": server.url, "allow_private": False}, near)
    assert sight.seen is Seen.UNKNOWN
    assert "not a public address" in sight.reason
    assert server.requests == []


def test_a_resolver_that_hangs_is_not_waited_for(
    near: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    monkeypatch.setattr(dial, "_look_up", lambda *_: over.wait())
    hasty = {"server": "https://rdap.example/", "timeout": "300ms", "confirm_after": "100ms"}
    sight = look({**DOMAIN, **hasty}, near)
    over.set()
    assert sight.seen is Seen.UNKNOWN
    assert sight.reason == "https://rdap.example/ did not answer, or not in HTTP"


def test_without_a_registry_nobody_knows(near: Around) -> None:
    sight = look(DOMAIN, near)
    assert (sight.seen, sight.reason) == (Seen.UNKNOWN, "no RDAP server is given")
