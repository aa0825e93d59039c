"""What every kind of probe keeps to; a new entry in `KINDS` is tested by being there."""

from __future__ import annotations

import json
import logging
import math
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from opskit.core.clock import MINUTE
from opskit.core.text import clean
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.kinds import Around, Sight
from opskit.monitor.model import Seen
from opskit.monitor.probes import KINDS
from opskit.outside.models import json_schema
from tests.monitor.probes import wells
from tests.monitor.probes.looking import IMPATIENCE, around, look, probe
from tests.monitor.probes.wells import WELLS, Ground, Settings
from tests.monitor.servers import Answer, Server, silence

PAYLOAD = b"<script>alert(1)</script>\x1b[31m\xff\xfe${7*7}{{7*7}}\r\nSet-Cookie: x\r\n"


def drip(connection: socket.socket, over: threading.Event) -> None:
    """Send one byte now and then, of a line that never ends."""
    while not over.wait(0.02):
        connection.sendall(b"2")


def flood(connection: socket.socket, over: threading.Event) -> None:
    """Send without end what means nothing."""
    while not over.is_set():
        connection.sendall(PAYLOAD * 1_000)


def garbage(connection: socket.socket, _over: threading.Event) -> None:
    """Say what is no protocol, and go."""
    connection.sendall(PAYLOAD)
    connection.settimeout(0.2)
    while connection.recv(65_536):  # who goes with something unread breaks the connection off
        pass


def gone(connection: socket.socket, _over: threading.Event) -> None:
    """Go without a word."""
    connection.settimeout(0.2)
    connection.recv(1)


BAD: Mapping[str, Answer] = {
    "silence": silence, "drip": drip, "flood": flood, "garbage": garbage, "gone": gone,
}  # fmt: skip
BAD_NAME_SERVERS: Mapping[str, Callable[[bytes], bytes]] = {
    "silence": lambda _heard: b"",
    "drip": lambda heard: heard[:1],
    "flood": lambda heard: heard[:2] + PAYLOAD * 500,
    "garbage": lambda _heard: PAYLOAD,
    "gone": lambda _heard: b"\0",
}
BAD_COMMANDS = {
    "silence": "sleep 60",
    "drip": "while :; do printf 2; sleep 0.02; done",
    "flood": "yes '<script>'",
    "garbage": r"printf '<script>\033[31m\377 | \033=1 a=b=c ='; exit 2",
    "gone": "kill -9 $$",
}
# Where what is looked at is, for kinds that connect.
ADDRESSES = {
    "http": "url", "tcp": "address", "banner": "address", "tls": "address", "ssh": "address",
    "smtp": "address", "postgres": "address", "domain": "server", "scrape": "url",
}  # fmt: skip
# These look at nothing that could behave badly meanwhile.
STILL = {"heartbeat", "host", "icmp"}
SECRETS: Mapping[str, dict[str, Any]] = {
    "http": {"auth": {"user": "monitor", "password_file": "secret"}},
    "scrape": {"auth": {"bearer_file": "secret"}},
    "postgres": {"password_file": "secret"},
    "journey": {"secrets": {"password": "secret"}},
}
SECRET = "hunter2-Tr0ub4dor"


@pytest.fixture(scope="module")
def well(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], tuple[Settings, Around]]]:
    """Start the well server of a kind, once for all tests."""
    directory = tmp_path_factory.mktemp("wells")
    started: dict[str, tuple[Settings, Around]] = {}
    with ExitStack() as stack:

        def start(kind: str) -> tuple[Settings, Around]:
            if kind not in started:
                settings = stack.enter_context(WELLS[kind](Ground(directory, request)))
                started[kind] = (settings, around(directory, wells.diary()))
            return started[kind]

        yield start


Well = Callable[[str], tuple[Settings, Around]]


def moved(kind: str, settings: Settings, address: str) -> Settings:
    """Return the same probe of another address."""
    if kind == "dns":
        return {**settings, "server": address}
    if kind == "journey":
        steps = [{**one, "url": f"http://{address}/"} for one in settings["steps"]]
        return {**settings, "steps": steps[:1]}
    key = ADDRESSES[kind]
    return {**settings, key: f"http://{address}/" if key in {"url", "server"} else address}


def ill(kind: str, how: str, settings: Settings, near: Around) -> Sight:
    """Return what a probe sees of something that behaves badly."""
    # What ends by itself needs no haste, which would tell of this machine alone.
    hangs = how in {"silence", "drip", "flood"} and kind != "tcp"
    hasty = {**settings, **(IMPATIENCE if hangs else {})}
    if kind == "command":
        return look({**hasty, "command": ["sh", "-c", BAD_COMMANDS[how]]}, near)
    if kind == "dns":
        with wells.name_server(BAD_NAME_SERVERS[how]) as address:
            return look(moved(kind, hasty, address), near)
    with Server(BAD[how]) as server:
        return look(moved(kind, hasty, server.address), near)


def own_schema(kind: str) -> dict[str, Any]:
    """Return what an editor is told of a kind."""
    definitions = json_schema(Catalogue)["definitions"].values()
    named = [one for one in definitions if "kind" in one.get("properties", {})]
    (own,) = [one for one in named if one["properties"]["kind"].get("const") == kind]
    return dict(own)


def test_every_kind_has_a_server_that_is_well() -> None:
    assert set(WELLS) == set(KINDS)
    assert set(KINDS) == {*ADDRESSES, *STILL, "command", "dns", "journey"}


@pytest.mark.parametrize("kind", KINDS)
def test_its_settings_are_described_to_editors(kind: str) -> None:
    own = own_schema(kind)
    assert own["description"]
    assert own["additionalProperties"] is False
    shared = {"kind", "name"}
    assert [
        name
        for name, one in own["properties"].items()
        if name not in shared and not one.get("description")
    ] == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_must_be_written_has_an_example_that_is_taken(kind: str, well: Well) -> None:
    own = own_schema(kind)
    settings, _ = well(kind)
    for name in own["required"]:
        if name not in {"kind", "steps"}:
            (example, *_) = own["properties"][name]["examples"]
            assert probe({**settings, name: example}).kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_well_is_up(kind: str, well: Well) -> None:
    sight = look(*well(kind))
    assert (sight.seen, sight.reason) == (Seen.UP, "")
    assert sight.took >= 0


@pytest.mark.parametrize("kind", KINDS)
def test_it_remembers_nothing(kind: str, well: Well) -> None:
    settings, near = well(kind)
    first, second = look(settings, near), look(settings, near)
    assert (first.seen, first.reason) == (second.seen, second.reason)
    assert [(one.name, one.labels) for one in first.facts] == [
        (one.name, one.labels) for one in second.facts
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_learns_is_named_as_prometheus_asks(kind: str, well: Well) -> None:
    facts = look(*well(kind)).facts
    assert facts
    for fact in facts:
        assert re.fullmatch(r"[a-z_][a-zA-Z0-9_]*", fact.name)
        assert fact.name.startswith(("probe_", "opskit_")) or kind == "scrape"
        assert math.isfinite(fact.value)
        for label, value in fact.labels:
            assert re.fullmatch(r"[a-z_][a-z0-9_]*", label)
            assert clean(value) == value
    assert len({(one.name, one.labels) for one in facts}) == len(facts)


@pytest.mark.parametrize("how", BAD)
@pytest.mark.parametrize("kind", sorted(set(KINDS) - STILL))
def test_it_ends_whatever_the_other_side_does(kind: str, how: str, well: Well) -> None:
    settings, near = well(kind)
    sight = ill(kind, how, settings, near)
    # A TCP connection that opens is all that the kind tcp asks for.
    assert (sight.seen is Seen.UP) is (kind == "tcp")
    assert bool(sight.reason) is (kind != "tcp")
    assert "<script>" not in sight.reason or kind == "command"
    assert sight.seen is not Seen.SUSPECT


@pytest.mark.parametrize("how", ["silence", "garbage"])
@pytest.mark.parametrize("kind", sorted(set(KINDS) - STILL))
def test_the_same_failure_is_told_in_the_same_words(kind: str, how: str, well: Well) -> None:
    settings, near = well(kind)
    first, second = (ill(kind, how, settings, near).reason for _ in range(2))
    if kind != "dns":  # whose server has another port each time, as the others have
        first, second = (re.sub(r"127\.0\.0\.1:\d+|port \d+", "", one) for one in (first, second))
    assert first == second
    assert len(first) < 200


@pytest.mark.parametrize("kind", sorted({*ADDRESSES, "dns", "journey"}))
def test_an_address_where_nobody_listens_is_not_up(kind: str, well: Well) -> None:
    settings, near = well(kind)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{held.getsockname()[1]}"
        sight = look(moved(kind, settings, address), near)
    # Who looks up a registration and reaches no registry knows nothing of the domain.
    assert sight.seen is (Seen.UNKNOWN if kind == "domain" else Seen.DOWN)
    assert sight.reason


@pytest.mark.parametrize("kind", sorted({*ADDRESSES, "dns", "journey"} - {"dns"}))
def test_a_name_that_leads_nowhere_is_not_up(kind: str, well: Well) -> None:
    settings, near = well(kind)
    sight = look(moved(kind, settings, "does-not-exist.invalid:1"), near)
    assert sight.seen in {Seen.DOWN, Seen.UNKNOWN}
    assert "does-not-exist.invalid" in sight.reason


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_nowhere_to_be_seen(
    kind: str, well: Well, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings, near = well(kind)
    wells.secret(tmp_path / "secret", SECRET)
    whole = {**settings, **SECRETS[kind]}
    if kind == "journey":
        login = {"url": "http://x/", "method": "POST", "form": {"password": "${password}"}}
        whole["steps"] = [{"name": "log-in", "contains": "in", **login}]
    near = around(tmp_path, wells.diary())
    with caplog.at_level(logging.DEBUG), Server(garbage) as server:
        sight = look(moved(kind, whole, server.address), near)
        refused = look(whole, near) if kind == "postgres" else sight
    assert sight.seen is Seen.DOWN
    told = (sight, refused, probe(whole), caplog.text)
    assert SECRET not in repr(told)


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_that_anybody_may_read_is_not_used(kind: str, well: Well, tmp_path: Path) -> None:
    settings, _ = well(kind)
    wells.secret(tmp_path / "secret", SECRET)
    (tmp_path / "secret").chmod(0o644)
    sight = look({**settings, **SECRETS[kind]}, around(tmp_path, wells.diary()))
    assert sight.seen is Seen.UNKNOWN
    assert "can be read by anybody" in sight.reason


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_make_a_whole_probe(kind: str, well: Well) -> None:
    settings, _ = well(kind)
    whole = {"services": {"shop": {"owner": "web", "probes": [settings]}}}
    known = Catalogue.model_validate_json(json.dumps(whole), strict=True)
    assert known.targets()[0].probe.interval == MINUTE
