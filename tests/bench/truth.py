"""How true a reported duration is while many targets are looked at.

    python -m tests.bench.truth [TARGETS INTERVAL_SECONDS]...

The truth is what the kernel saw on the wire: from the first packet of a connection to the last of
its answer, stamped by a raw socket on loopback (needs root, and `nginx`). Targets are looked at by
the loop of `opskit serve`, writing included.
"""

from __future__ import annotations

import json
import multiprocessing
import select
import socket
import struct
import sys
import tempfile
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles

from opskit.app import App
from opskit.core.clock import SECOND, Duration
from opskit.monitor.model import Observation
from tests.bench.monitor import HTTP, url, web_server

_WARM_UP, _MEASURED = 15, 40
_PLAN = (("1000", "5"), ("5000", "5"), ("5000", "25"))
# Of linux/if_ether.h, asm-generic/socket.h, linux/if_packet.h and RFC 9293.
_ETH_P_IP, _SO_TIMESTAMPNS, _PACKET_HOST, _SYN = 0x0800, 35, 0, 0x02


def on_the_wire(end: Connection) -> None:
    """Watch connections to the web server; at the end tell how long each took, by what it asked."""
    began: dict[int, int] = {}
    answered: dict[int, int] = {}
    asked: dict[int, str] = {}
    took: dict[str, list[int]] = defaultdict(list)
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IP)) as wire:
        wire.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 26)
        wire.bind(("lo", _ETH_P_IP))
        end.send("ready")
        while not end.poll():
            for port, to_server, flags, payload, at in _packets(wire):
                if flags & _SYN and to_server:
                    _finish(port, began, answered, asked, took)
                    began[port] = at
                elif payload and to_server:
                    asked.setdefault(port, payload.split(b" ", 2)[1].decode())
                elif payload:
                    answered[port] = at
    for port in list(began):
        _finish(port, began, answered, asked, took)
    end.send(dict(took))


def _finish(
    port: int,
    began: dict[int, int],
    answered: dict[int, int],
    asked: dict[int, str],
    took: dict[str, list[int]],
) -> None:
    start, last, path = began.pop(port, None), answered.pop(port, None), asked.pop(port, None)
    if start is not None and last is not None and path is not None:
        took[path].append((last - start) // 1_000)


def _packets(wire: socket.socket) -> Iterator[tuple[int, bool, int, bytes, int]]:
    """Yield (client port, to the server, flags, payload, nanoseconds) of what has come in."""
    while select.select([wire], [], [], 0.1)[0]:
        packet, notes, _, address = wire.recvmsg(2_048, 128)
        if address[2] != _PACKET_HOST or packet[9] != socket.IPPROTO_TCP:
            continue
        tcp = (packet[0] & 0x0F) * 4
        source, target = struct.unpack_from("!HH", packet, tcp)
        if HTTP not in {source, target}:
            continue
        seconds, nanoseconds = struct.unpack("qq", notes[0][2][:16])
        payload = packet[tcp + (packet[tcp + 12] >> 4) * 4 : struct.unpack_from("!H", packet, 2)[0]]
        to_server = target == HTTP
        port = source if to_server else target
        yield port, to_server, packet[tcp + 13], payload, seconds * 1_000_000_000 + nanoseconds


def lay_out(root: Path, targets: int, interval: int) -> None:
    """Write a repository whose services are all that one server."""
    services = {
        f"s{number}": {
            "owner": "web",
            "probes": [
                {
                    "kind": "http", "url": url("http", number),
                    "interval": f"{interval}s", "timeout": "2s", "confirm_after": "1s",
                }
            ],
        }
        for number in range(targets)
    }  # fmt: skip
    (root / "services.yaml").write_text(json.dumps({"services": services}))
    (root / "opskit.yaml").write_text("services: services.yaml\n")


def looked(root: Path, targets: int) -> tuple[dict[str, array[int]], Counter[str]]:
    """Return how long each look at each target took, and how often the loop saw what.

    The looks of the first seconds are there as -1: all is new then, and registered one by one.
    """
    app = App.find(root / "opskit.yaml", {})
    # Plain numbers: what is kept for the comparison must not be gone through as garbage.
    seen: dict[str, array[int]] = defaultdict(lambda: array("q"))
    states: Counter[str] = Counter()
    warm_at = app.clock.now() + _WARM_UP * SECOND

    def note(batch: Sequence[Observation]) -> None:
        for one in batch:
            warm = one.at >= warm_at
            seen[one.target].append(one.took if warm else -1)
            states[one.seen.value] += warm

    prober = app.prober(app.catalogue.targets())
    prober.loop(Duration((_WARM_UP + _MEASURED) * SECOND), note, lambda: None)
    assert len(seen) <= targets
    return seen, states


def measure(targets: int, interval: int) -> None:
    """Print how far reported durations were from the truth."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=on_the_wire, args=(there,))
    process.start()
    assert here.recv() == "ready"
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        lay_out(root, targets, interval)
        with web_server(root):
            seen, states = looked(root, targets)
    here.send("end")
    truth: dict[str, list[int]] = here.recv()
    process.join()
    errors, unmatched = [], 0
    for target, ones in seen.items():
        told = truth.get("/?" + target.partition("/")[0].removeprefix("s"), [])
        unmatched += abs(len(told) - len(ones))
        errors += [one - real for one, real in zip(ones, told, strict=False) if one >= 0]
    cuts = quantiles(errors, n=1_000)
    rate = sum(states.values()) / _MEASURED
    print(
        f"{targets} targets each {interval} s, {rate:.0f}/s, n={len(errors)}: reported minus true "
        f"p50 {cuts[499] / 1e3:.2f} ms, p99 {cuts[989] / 1e3:.2f} ms, p99.9 {cuts[998] / 1e3:.2f} "
        f"ms; seen {dict(states)}; not matched {unmatched}"
    )


def main() -> None:
    """Measure what was asked for, or all."""
    given = sys.argv[1:]
    for targets, interval in list(zip(given[::2], given[1::2], strict=True)) or _PLAN:
        measure(int(targets), int(interval))


if __name__ == "__main__":
    main()
