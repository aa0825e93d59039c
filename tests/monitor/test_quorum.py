"""Managed hosts as witnesses, on real sshd hosts: whose path fails, and who could not be asked."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from opskit.core.clock import DAY, Instant, SystemClock
from opskit.core.interval import Interval
from opskit.monitor.catalogue import Catalogue, Target
from opskit.monitor.model import Observation, Seen
from opskit.monitor.prober import Prober
from opskit.monitor.probes.http import HttpProbe
from opskit.monitor.quorum import Quorum, errand
from opskit.monitor.record import Recorder
from opskit.monitor.store.locations import Sighting, sightings
from opskit.outside.ansible import door, inventory
from opskit.outside.ansible.inventory import Way
from opskit.outside.database import Database, sqlite_url
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox
from tests.cli.inside import Inside
from tests.monitor import servers
from tests.monitor.servers import Server, page
from tests.monitor.world import around, http, tcp
from tests.rig.hosts import Fleet

PORT = 8099
# It is in the background once it listens: whoever started it need not wait for anything.
SERVE = f"""
import http.server, os
server = http.server.ThreadingHTTPServer(("", {PORT}), http.server.SimpleHTTPRequestHandler)
pid = os.fork()
if pid:
    print(pid)
    os._exit(0)
os.setsid()
nothing = os.open(os.devnull, os.O_RDWR)
for number in range(3):
    os.dup2(nothing, number)
server.serve_forever()
"""


def watched(probe: dict[str, Any], *hosts: str, needed: int = 2) -> Catalogue:
    """Return a catalogue in which `shop` is looked at by one probe, and hosts are asked."""
    whole = {
        "services": {"shop": {"owner": "web", "probes": [probe]}},
        "confirm_from": {"hosts": hosts, "needed": needed},
    }
    return Catalogue.model_validate_json(json.dumps(whole), strict=True)


def quorum(catalogue: Catalogue, fleet: Fleet) -> Quorum:
    directory = fleet.directory
    return Quorum(
        catalogue,
        lambda: inventory.ways([fleet.inventory], directory, {}),
        door.environment(directory, {}),
    )


def seen_by_all(
    catalogue: Catalogue, fleet: Fleet, directory: Path, migrated: Path
) -> tuple[Observation, tuple[Sighting, ...]]:
    """Try once, with the hosts as witnesses, until this machine was quick enough to tell."""
    for number in range(10):
        path = directory / f"{number}.db"
        shutil.copyfile(migrated, path)
        database, clock = Database.open(sqlite_url(path)), SystemClock()
        recorder = Recorder(database, Ledger(clock, "test"), Outbox(database, clock))
        known = recorder.begin(catalogue)
        prober = Prober(
            catalogue.targets(), recorder, around(clock), known, None, quorum(catalogue, fleet)
        )
        (one,) = prober.once(lambda _: None)
        window = Interval(Instant(one.at - DAY), Instant(one.at + DAY))
        with database.read() as connection:
            found = sightings(connection, window, [one.target])
        database.close()
        if one.reason != "opskit was too late to tell":
            return one, found
    raise AssertionError("this machine is too busy to tell anything")


Look = Callable[..., tuple[Observation, tuple[Sighting, ...]]]


@pytest.fixture
def look(own_fleet: Fleet, tmp_path: Path, migrated: Path) -> Look:
    def once(probe: dict[str, Any], *hosts: str, needed: int = 2) -> Any:
        return seen_by_all(watched(probe, *hosts, needed=needed), own_fleet, tmp_path, migrated)

    return once


@pytest.fixture(scope="module")
def shop(own_fleet: Fleet) -> Iterator[str]:
    """Serve pages on web1, which answers the other hosts and not this machine."""
    web1 = own_fleet["web1"]
    started = web1.run(("python3", "-u", "-"), SERVE)
    assert started.returncode == 0, started.stderr
    yield f"{web1.address}:{PORT}"
    web1.run(("kill", started.stdout.strip()))


@contextmanager
def hidden_from_here(fleet: Fleet) -> Iterator[None]:
    """Let web1 answer nobody but its neighbors."""
    gateway = fleet["web1"].address.rpartition(".")[0] + ".1/32"
    fleet["web1"].run(("ip", "route", "add", "blackhole", gateway))
    try:
        yield
    finally:
        fleet["web1"].run(("ip", "route", "del", "blackhole", gateway))


@pytest.mark.parametrize("kind", [http, tcp])
def test_what_only_we_cannot_reach_is_degraded_and_our_own_path_is_named(
    look: Look, shop: str, own_fleet: Fleet, kind: Callable[..., dict[str, Any]]
) -> None:
    with hidden_from_here(own_fleet):
        one, found = look(kind(shop, timeout="1s"), "web2", "db1")
    assert one.seen is Seen.DEGRADED
    assert one.reason.startswith("down from here only, so our own path to it fails: no ")
    assert {(each.location, each.spell.seen) for each in found} == {
        ("web2", Seen.UP),
        ("db1", Seen.UP),
    }


def test_what_nobody_can_reach_is_down(look: Look, own_fleet: Fleet) -> None:
    one, found = look(tcp(f"{own_fleet['web1'].address}:9"), "web2", "db1", needed=3)
    assert one.seen is Seen.DOWN
    assert one.reason.endswith("(down from everywhere: the target itself)")
    assert {(each.location, each.spell.reason) for each in found} == {
        ("web2", "Connection refused"),
        ("db1", "Connection refused"),
    }


def test_a_page_that_is_wrong_is_wrong_from_everywhere(look: Look, shop: str) -> None:
    one, found = look(http(shop, contains="no such text"), "web2", "db1", needed=3)
    assert one.seen is Seen.DOWN
    assert {each.spell.reason for each in found} == {"'no such text' is not in the body"}


def test_hosts_that_cannot_be_asked_have_no_voice(look: Look, own_fleet: Fleet) -> None:
    own_fleet["db1"].switch_off()
    try:
        one, found = look(tcp(f"{own_fleet['web1'].address}:9"), "db1", "gone")
    finally:
        own_fleet["db1"].switch_on()
    assert one.seen is Seen.UNKNOWN
    assert one.reason.startswith("down from here; too few other locations could tell")
    by_name = {each.location: each.spell for each in found}
    assert {spell.seen for spell in by_name.values()} == {Seen.UNKNOWN}
    assert "No route to host" in by_name["db1"].reason
    assert by_name["gone"].reason == "could not be asked: it is not in the inventory"


def test_a_host_with_another_key_is_not_trusted(look: Look, own_fleet: Fleet) -> None:
    known = own_fleet.known_hosts.read_text()
    own_fleet.known_hosts.write_text("")
    try:
        one, found = look(tcp(f"{own_fleet['web1'].address}:9"), "web2")
    finally:
        own_fleet.known_hosts.write_text(known)
    assert one.seen is Seen.UNKNOWN
    assert [each.spell.reason for each in found] == [
        "could not be asked: Host key verification failed."
    ]


def target(probe: dict[str, Any]) -> Target:
    return watched(probe, "web2").targets()[0]


def asked(probe: dict[str, Any], ways: dict[str, Way]) -> Any:
    """Return what the witnesses say whose ways are these."""
    catalogue = watched(probe, *ways)
    return Quorum(catalogue, lambda: ways, {"PATH": "/usr/bin:/bin"}).testify(
        catalogue.targets()[0]
    )


@pytest.mark.parametrize(
    "argv",
    [("echo", "[[1]]"), ("false",), ("cat",), ("sh", "-c", "yes | head -c 9000000"), ("no-such",)],
    ids=" ".join,
)
def test_a_host_that_answers_garbage_is_unknown(argv: tuple[str, ...]) -> None:
    (one,) = asked(tcp("192.0.2.1:9"), {"web2": Way(argv)})
    assert (one.location, one.seen) == ("web2", Seen.UNKNOWN)
    assert one.reason.startswith("could not be asked: ")


def test_a_loopback_address_is_somewhere_else_on_each_host() -> None:
    for address in ("127.0.0.1:80", "[::1]:80", "localhost:80"):
        assert errand(target(tcp(address)).probe) is None
        assert errand(target(http(address)).probe) is None


@pytest.mark.parametrize(
    "probe",
    [
        {**http("192.0.2.1"), "url": "http://192.0.2.1/?token=ce48a9d1"},
        tcp("192.0.2.1:80"),
    ],
)
def test_no_secret_goes_to_a_host(probe: dict[str, Any]) -> None:
    what = errand(target(probe).probe)
    assert what is not None
    assert what.asked == {"look": "tcp", "host": "192.0.2.1", "port": 80, "timeout": 5.0}
    assert what.whole is (probe["kind"] == "tcp")


@pytest.mark.parametrize(
    "said", [{"auth": {"bearer_file": "secret"}}, {"headers": {"X-Token": "secret"}}]
)
def test_what_a_host_cannot_repeat_it_looks_at_as_far_as_it_goes(said: dict[str, Any]) -> None:
    settings = {"kind": "http", "url": "https://shop/health?of=all", "timeout": "2s"}
    plain = errand(HttpProbe.model_validate(settings))
    assert plain is not None
    assert (plain.whole, plain.asked["look"]) == (True, "http")
    more = errand(HttpProbe.model_validate({**settings, **said}))
    assert more is not None
    assert not more.whole
    assert more.asked == {"look": "tcp", "host": "shop", "port": 443, "timeout": 2.0}


HERE_ITSELF = Way((sys.executable, "-I", "-S", "-B", "-"))


def test_what_comes_up_side_by_side_is_asked_together_and_not_mixed_up() -> None:
    with socket.create_server(("127.0.0.2", 0)) as listening:
        port = listening.getsockname()[1]
        ports = [port, 9] * 6
        catalogue = Catalogue.model_validate_json(
            json.dumps({
                "services": {
                    f"shop{number}": {"owner": "web", "probes": [tcp(f"127.0.0.2:{one}")]}
                    for number, one in enumerate(ports)
                },
                "confirm_from": {"hosts": ["a", "b"]},
            }),
            strict=True,
        )  # fmt: skip
        with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(len(ports)) as pool:
            patch.setattr("opskit.monitor.quorum.is_loopback", lambda _: False)
            ours = Quorum(catalogue, lambda: dict.fromkeys("ab", HERE_ITSELF), {})
            found = list(pool.map(ours.testify, catalogue.targets()))
    for one, said in zip(ports, found, strict=True):
        wanted = Seen.UP if one == port else Seen.DOWN
        assert [(each.location, each.seen) for each in said] == [("a", wanted), ("b", wanted)]


def test_the_command_line_asks_and_lists_what_each_location_saw(
    own_fleet: Fleet, ops: Path, inside: Inside
) -> None:
    (ops / "inventory" / "hosts.ini").write_text(own_fleet.inventory.read_text())
    probe = f"{{kind: tcp, address: '{own_fleet['web1'].address}:9', confirm_after: 100ms}}"
    (ops / "services.yaml").write_text(
        "confirm_from: {hosts: [web2, db1], needed: 3}\n"
        f"services:\n  shop:\n    owner: web\n    probes:\n      - {probe}\n"
    )
    # A look that this machine was too busy for tells nothing; another one will.
    assert any(inside("monitor", "probe").code == 1 for _ in range(10))
    done = inside("monitor", "explain", "shop", "--last", "1h", "--locations", "--json")
    assert done.code == 0
    told = [
        (one["location"], one["seen"], one["reason"]) for one in json.loads(done.out)["sightings"]
    ]
    for host in ("web2", "db1"):
        assert (host, "down", "Connection refused") in told
    assert "web2" in inside("monitor", "explain", "shop", "--last", "1h", "--locations").out


def test_where_a_connection_opens_the_way_is_not_at_fault_and_nobody_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("opskit.monitor.quorum.is_loopback", lambda _: False)
    with Server(servers.silence) as server:
        secret = {**http(""), "url": f"http://{server.address}/?password=secret"}
        assert asked(secret, {"web2": Way(("false",))}) == ()


def test_a_program_that_looks_sees_what_a_server_does() -> None:
    from opskit.outside import vantage

    with Server(page()) as well, Server(servers.drip) as drip:
        whole = {"look": "http", "method": "GET", "status": [200], "timeout": 2}
        urls = [
            (f"http://{well.address}/", "welcome"),
            (f"http://{well.address}/", "goodbye"),
            (f"http://{drip.address}/", ""),
            ("http://does-not-exist.invalid/", ""),
        ]
        spec = [{**whole, "url": url, "contains": text} for url, text in urls]
        found = [tuple(one[:2]) for one in vantage.look_at_all(spec)]
    assert found[:3] == [
        ("up", ""),
        ("down", "'goodbye' is not in the body"),
        ("down", "no answer within 2 s"),
    ]
    assert found[3][0] == "down"


def test_who_is_asked_can_be_said_for_one_service_and_never_more_than_there_are() -> None:
    whole = {
        "services": {
            "shop": {"owner": "web", "probes": [tcp("192.0.2.1:9")]},
            "mail": {
                "owner": "web",
                "probes": [tcp("192.0.2.1:9")],
                "confirm_from": {"hosts": []},
            },
        },
        "confirm_from": {"hosts": ["web1", "web2"], "needed": 3},
    }
    catalogue = Catalogue.model_validate_json(json.dumps(whole), strict=True)
    ours = Quorum(catalogue, dict, {})
    assert [ours.needed(one) for one in catalogue.targets()] == [3, 0]
    for wrong in ({"hosts": ["a"], "needed": 3}, {"hosts": ["a", "a"]}):
        with pytest.raises(ValueError, match=r"can never be|named twice"):
            Catalogue.model_validate_json(json.dumps({**whole, "confirm_from": wrong}), strict=True)
