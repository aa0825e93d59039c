"""Five thousand alerts at once to one receiver: until the last has arrived, beside Alertmanager.

    python -m tests.bench.delivered [ALERTS]

Each alert is a group of its own, so that each is a message; the receiver is a process of its own.
opskit passes, owes and delivers in one process, from pages that are made up; Alertmanager is given
the same alerts as a Prometheus sends them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil

from opskit.core.clock import SystemClock
from opskit.outside.database import Database, sqlite_url
from opskit.outside.notify.kinds import TOGETHER
from opskit.outside.notify.posting import Endpoint
from opskit.outside.notify.webhook import WebhookSender
from opskit.records.messages import Terms
from tests.alerts.watch import ROUTES, RULES, Shop
from tests.rig.alertmanager import Alertmanager

_RECEIVER = """
import http.server, json, sys, time
got, last = 0, 0.0
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        global got, last
        self.rfile.read(int(self.headers["Content-Length"]))
        got, last = got + 1, time.time()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def do_GET(self):
        told = json.dumps([got, last]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""
_SENT_AT_ONCE = 64
_CONFIG = """
route:
  {{receiver: hook, group_by: ['...'], group_wait: 0s, group_interval: 1m, repeat_interval: 4h}}
receivers: [{{name: hook, webhook_configs: [{{url: '{url}', send_resolved: true}}]}}]
"""


@contextmanager
def receiver() -> Iterator[str]:
    """Run a receiver; give where it listens."""
    argv = (sys.executable, "-c", _RECEIVER)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
        finally:
            process.kill()


def arrived(url: str) -> tuple[int, float]:
    """Return how many messages arrived, and when the last."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        count, last = json.load(answer)
    return int(count), float(last)


def own(root: Path, url: str, alerts: int) -> tuple[float, float]:
    """Return wall seconds to the last message, and CPU seconds, of opskit."""
    database, clock = Database.open(sqlite_url(root / "opskit.db")), SystemClock()
    routes = ROUTES.replace("[alertname]", "[alertname, service]")
    shop = Shop(root / "ops", database, clock, RULES.replace("for: 1m", "for: 0s"), routes)  # type: ignore[arg-type]
    shop.down = {f"s{number}": 1.0 for number in range(alerts)}
    sender = WebhookSender(Endpoint("receiver", url, allow_private=True, clock=clock), b"k" * 24)
    page = shop.page
    begun, cpu = time.time(), time.process_time()
    shop.watcher.look(shop.engine, page)
    while shop.outbox.deliver({"pager": sender}, {"pager": Terms(together=TOGETHER)}).sent:
        pass
    spent = time.process_time() - cpu
    count, last = arrived(url)
    assert count == alerts, f"{count} of {alerts} arrived"
    database.close()
    return last - begun, spent


def peer(root: Path, url: str, alerts: int) -> tuple[float, float]:
    """Return the same of Alertmanager."""
    now = datetime.now(UTC).isoformat()
    some = [
        {
            "labels": {"alertname": "Down", "service": f"s{number}", "severity": "page"},
            "annotations": {"summary": f"s{number} is down"},
            "startsAt": now,
        }
        for number in range(alerts)
    ]
    with Alertmanager(root).running(_CONFIG.format(url=url)) as server:
        process = next(
            one for one in psutil.process_iter(["cmdline"])
            if f"--web.listen-address=127.0.0.1:{server.port}" in (one.info["cmdline"] or [])
        )  # fmt: skip
        before = sum(process.cpu_times()[:2])
        begun = time.time()
        for first in range(0, alerts, _SENT_AT_ONCE):
            body = json.dumps(some[first : first + _SENT_AT_ONCE]).encode()
            ask = urllib.request.Request(f"{server.url}/api/v2/alerts", body)
            ask.add_header("Content-Type", "application/json")
            urllib.request.urlopen(ask, timeout=30).close()
        while arrived(url)[0] < alerts:
            time.sleep(0.2)
        return arrived(url)[1] - begun, sum(process.cpu_times()[:2]) - before


def main() -> None:
    """Print the table."""
    alerts = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    print(f"{alerts} alerts       to the last, s    CPU, s")
    for name, work in (("opskit", own), ("Alertmanager", peer)):
        with tempfile.TemporaryDirectory() as root, receiver() as url:
            wall, cpu = work(Path(root), url, alerts)
        print(f"{name:<18}{wall:>14.1f}{cpu:>10.1f}", flush=True)


if __name__ == "__main__":
    main()
