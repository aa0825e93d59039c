"""DNS: what must be among the answers, and how the server must answer."""

from __future__ import annotations

from typing import Any

import dns.flags
import dns.message
import pytest

from opskit.monitor.kinds import Around
from opskit.monitor.model import Seen
from opskit.outside import resolver
from opskit.outside.dial import split
from tests.monitor.probes.looking import IMPATIENCE, look
from tests.monitor.probes.wells import answered, name_server


@pytest.mark.parametrize(
    ("settings", "seen", "reason"),
    [
        ({}, Seen.UP, ""),
        ({"expect": ["192.0.2.10"]}, Seen.UP, ""),
        ({"expect": ["192.0.2.11", "192.0.2.10"], "exact": True}, Seen.UP, ""),
        ({"expect": ["192.0.2.10"], "exact": True}, Seen.DOWN, "there are other answers"),
        ({"expect": ["192.0.2.99"]}, Seen.DOWN, "192.0.2.99 is not among the answers"),
        ({"query": "other.example"}, Seen.DOWN, "answered NXDOMAIN, wanted NOERROR"),
        ({"query": "other.example", "rcode": "NXDOMAIN"}, Seen.UP, ""),
        ({"type": "SOA"}, Seen.UP, ""),
        ({"type": "TXT", "expect": ["x"]}, Seen.DOWN, "x is not among the answers"),
        ({"type": "MX"}, Seen.DOWN, "answered NXDOMAIN"),
    ],
)
def test_an_answer_is_held_to_what_is_expected(
    near: Around, settings: dict[str, Any], seen: Seen, reason: str
) -> None:
    with name_server(answered) as address:
        sight = look({"kind": "dns", "query": "shop.example", "server": address, **settings}, near)
    assert sight.seen is seen
    assert sight.reason.startswith(reason)
    assert bool(reason) is bool(sight.reason)


def test_the_serial_of_a_zone_is_told(near: Around) -> None:
    with name_server(answered) as address:
        asked = {"kind": "dns", "query": "shop.example", "server": address, "type": "SOA"}
        facts = {one.name: one.value for one in look(asked, near).facts}
    assert facts == {
        "probe_dns_serial": 2026112201,
        "probe_dns_answer_rrs": 1,
        "probe_dns_authority_rrs": 0,
        "probe_dns_additional_rrs": 0,
        "probe_dns_query_succeeded": 1,
    }


def empty(question: bytes) -> bytes:
    return dns.message.make_response(dns.message.from_wire(question)).to_wire()


def test_no_record_is_no_answer(near: Around) -> None:
    with name_server(empty) as address:
        sight = look({"kind": "dns", "query": "shop.example", "server": address}, near)
    assert (sight.seen, sight.reason) == (Seen.DOWN, "there is no A record")


def cut_short(question: bytes) -> bytes:
    response = dns.message.make_response(dns.message.from_wire(question))
    response.flags |= dns.flags.TC
    return response.to_wire()


def test_an_answer_cut_short_is_asked_for_again_by_tcp(near: Around) -> None:
    with name_server(cut_short) as address:
        sight = look({"kind": "dns", "query": "shop.example", "server": address}, near)
    assert (sight.seen, sight.reason) == (Seen.DOWN, "connection refused")


def test_a_server_that_hangs_is_left_in_time(near: Around) -> None:
    with name_server(lambda _heard: b"") as address:
        settings = {"kind": "dns", "query": "shop.example", "server": address, **IMPATIENCE}
        sight = look(settings, near)
    assert (sight.seen, sight.reason) == (Seen.DOWN, "no answer within 0.30 s")


def test_the_next_server_of_the_system_is_asked(
    near: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"kind": "dns", "query": "shop.example", "expect": ["192.0.2.10"], "timeout": "2s"}
    with name_server(lambda _heard: b"") as dead, name_server(answered) as well:
        known = [split(dead), split(well)]
        monkeypatch.setattr(resolver, "_of_the_system", lambda: known)
        assert look(asked, near).seen is Seen.UP
    monkeypatch.setattr(resolver, "_of_the_system", list)
    assert look(asked, near).reason == "this system names no DNS server"
