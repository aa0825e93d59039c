"""How true a reported duration is while many targets are looked at.

    python -m tests.bench.truth [TARGETS INTERVAL_SECONDS]...

The target is a process of its own that stamps when it takes a connection and when its answer has
left; the truth it tells is too short by what the kernel takes, so that the error shown is at
most too large. Targets are looked at by the loop of `opskit serve`, writing included.
"""

from __future__ import annotations

import json
import multiprocessing
import selectors
import socket
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles

from opskit.app import App
from opskit.core.clock import SECOND, Duration
from opskit.monitor.model import Observation

_MEASURED = 40
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nyes"
_PLAN = (("1000", "5"), ("5000", "5"), ("5000", "25"))


def answer(listener: socket.socket, end: Connection) -> None:
    """Answer each connection; at the end tell how long each took, by what it asked for."""
    took: dict[str, list[int]] = defaultdict(list)
    began: dict[socket.socket, int] = {}
    with selectors.DefaultSelector() as selector:
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ)
        selector.register(end.fileno(), selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is listener:
                    taken = _taken(listener)
                    began.update(dict.fromkeys(taken, time.monotonic_ns()))
                    for one in taken:
                        selector.register(one, selectors.EVENT_READ)
                elif isinstance(key.fileobj, socket.socket):
                    selector.unregister(key.fileobj)
                    asked = key.fileobj.recv(4_096).split(b" ", 2)
                    key.fileobj.sendall(_ANSWER)
                    length = time.monotonic_ns() - began.pop(key.fileobj)
                    took[asked[1].decode() if len(asked) > 1 else ""].append(length // 1_000)
                    key.fileobj.close()
                else:
                    end.send(dict(took))
                    return


def _taken(listener: socket.socket) -> list[socket.socket]:
    found = []
    try:
        while True:
            found.append(listener.accept()[0])
    except BlockingIOError:
        return found


def lay_out(root: Path, port: int, targets: int, interval: int) -> None:
    """Write a repository whose services are all that one server."""
    services = {
        f"s{number}": {
            "owner": "web",
            "probes": [
                {
                    "kind": "http", "url": f"http://127.0.0.1:{port}/{number}",
                    "interval": f"{interval}s", "timeout": "2s", "confirm_after": "1s",
                }
            ],
        }
        for number in range(targets)
    }  # fmt: skip
    (root / "services.yaml").write_text(json.dumps({"services": services}))
    (root / "opskit.yaml").write_text("services: services.yaml\n")


def looked(root: Path, targets: int) -> tuple[dict[str, list[Observation]], Counter[str]]:
    """Return what the loop saw of each target for a while, and how often it saw what."""
    app = App.find(root / "opskit.yaml", {})
    seen: dict[str, list[Observation]] = defaultdict(list)
    states: Counter[str] = Counter()

    def note(batch: Sequence[Observation]) -> None:
        for one in batch:
            seen[one.target].append(one)
            states[one.seen.value] += 1

    prober = app.prober(app.catalogue.targets())
    prober.loop(Duration(_MEASURED * SECOND), note, lambda: None)
    assert len(seen) <= targets
    return seen, states


def measure(targets: int, interval: int) -> None:
    """Print how far reported durations were from the truth."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4_096)
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=answer, args=(listener, there))
    process.start()
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        lay_out(root, listener.getsockname()[1], targets, interval)
        seen, states = looked(root, targets)
    here.send("end")
    truth: dict[str, list[int]] = here.recv()
    process.join()
    errors, unmatched = [], 0
    for target, ones in seen.items():
        told = truth.get("/" + target.partition("/")[0].removeprefix("s"), [])
        unmatched += abs(len(told) - len(ones))
        errors += [one.took - real for one, real in zip(ones, told, strict=False)]
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
