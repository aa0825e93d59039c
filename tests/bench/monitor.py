"""Probing and uptime beside Prometheus with blackbox_exporter: the same targets, the same run.

    python -m tests.bench.monitor [looking|uptime|month]...

Needs `nginx`, `prometheus`, `promtool` and `prometheus-blackbox-exporter`. CPU is that of whole
processes, user and system, over the same stretch of time, the starts left out.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from opskit.core.clock import DAY, SECOND, FrozenClock, Instant
from opskit.core.interval import Interval
from opskit.fleet import store as _fleet
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.store import spells, targets
from opskit.monitor.uptime import Past, uptimes
from opskit.outside.database import Database, sqlite_url
from opskit.records import waivers as _waivers
from opskit.records.ledger import Ledger

TABLES = (_fleet, _waivers)
UTC = ZoneInfo("UTC")
TARGETS = int(os.environ.get("OPSKIT_BENCH_TARGETS", "1000"))
WARM_UP, MEASURED = 15.0, float(os.environ.get("OPSKIT_BENCH_SECONDS", "30"))
INTERVAL = 5
HTTP, HTTPS, BLACKBOX, PROMETHEUS = 18_080, 18_443, 19_115, 19_090
_TICK = os.sysconf("SC_CLK_TCK")


@contextmanager
def running(argv: Sequence[str], **settings: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program for as long as this lasts."""
    with subprocess.Popen(
        argv,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **settings,  # type: ignore[call-overload]
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


def cpu(pid: int) -> float:
    """Return the CPU seconds a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def certificate(root: Path) -> None:
    """Make a certificate for 127.0.0.1 on the P-256 curve."""
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", root / "key.pem", "-out", root / "cert.pem", "-days", "30",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
        ],
        check=True, capture_output=True,
    )  # fmt: skip


@contextmanager
def web_server(root: Path) -> Iterator[None]:
    """Serve a small page over HTTP and HTTPS."""
    certificate(root)
    paths = "".join(
        f"{name}_temp_path {root}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    tls = f"ssl_certificate {root}/cert.pem; ssl_certificate_key {root}/key.pem;"
    page = 'location / { return 200 "welcome to this page"; }'
    (root / "nginx.conf").write_text(
        f"worker_processes 1; daemon off; pid {root}/pid; error_log {root}/error.log;"
        "events { worker_connections 4096; }"
        f"http {{ access_log off; {paths}"
        f"server {{ listen 127.0.0.1:{HTTP} backlog=4096; {page} }}"
        f"server {{ listen 127.0.0.1:{HTTPS} ssl backlog=4096; {tls} {page} }} }}"
    )
    with running(["nginx", "-c", str(root / "nginx.conf"), "-e", str(root / "error.log")]):
        time.sleep(1)
        yield


def url(scheme: str, number: int) -> str:
    """Return the address of a target."""
    return f"{scheme}://127.0.0.1:{HTTPS if scheme == 'https' else HTTP}/?{number}"


def own_side(root: Path, scheme: str) -> list[str]:
    """Lay out a repository that looks at every target, and return how to run it."""
    probe: dict[str, object] = {
        "kind": "http", "interval": f"{INTERVAL}s", "timeout": "2s", "confirm_after": "1s",
    }  # fmt: skip
    if scheme == "https":
        probe["tls"] = {"ca": str(root / "cert.pem")}
    services = {
        f"s{number}": {"owner": "web", "probes": [{**probe, "url": url(scheme, number)}]}
        for number in range(TARGETS)
    }
    (root / "services.yaml").write_text(json.dumps({"services": services}))
    (root / "opskit.yaml").write_text("services: services.yaml\n")
    return [sys.executable, "-m", "opskit", "monitor", "probe", "--loop"]


def peer_side(root: Path, scheme: str) -> tuple[list[str], list[str]]:
    """Return how to run blackbox_exporter and Prometheus over the same targets."""
    tls = {"tls_config": {"ca_file": str(root / "cert.pem")}} if scheme == "https" else {}
    module = {"prober": "http", "timeout": "2s", "http": {"preferred_ip_protocol": "ip4", **tls}}
    (root / "blackbox.yml").write_text(json.dumps({"modules": {"web": module}}))
    job = {
        "job_name": "probes",
        "metrics_path": "/probe",
        "params": {"module": ["web"]},
        "static_configs": [{"targets": [url(scheme, number) for number in range(TARGETS)]}],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": f"127.0.0.1:{BLACKBOX}"},
        ],
    }
    config = {
        "global": {"scrape_interval": f"{INTERVAL}s", "scrape_timeout": "4s"},
        "scrape_configs": [job],
    }
    (root / "prometheus.yml").write_text(json.dumps(config))
    return (
        [
            "prometheus-blackbox-exporter", f"--config.file={root}/blackbox.yml",
            f"--web.listen-address=127.0.0.1:{BLACKBOX}",
        ],
        [
            "prometheus", f"--config.file={root}/prometheus.yml",
            f"--storage.tsdb.path={root}/tsdb", f"--web.listen-address=127.0.0.1:{PROMETHEUS}",
        ],
    )  # fmt: skip


def used(pids: Sequence[int]) -> float:
    """Return the CPU seconds per look that processes use once they are warm."""
    time.sleep(WARM_UP)
    before = sum(map(cpu, pids))
    time.sleep(MEASURED)
    return (sum(map(cpu, pids)) - before) / (MEASURED / INTERVAL * TARGETS)


def looking() -> None:
    """Compare the CPU of a look, from the probe to what is stored."""
    for scheme in ("http", "https"):
        with tempfile.TemporaryDirectory() as directory:
            root = Path(directory)
            with web_server(root):
                argv = own_side(root, scheme)
                with running(argv, cwd=root) as own:
                    mine = used([own.pid])
                blackbox, prometheus = peer_side(root, scheme)
                with running(blackbox) as first, running(prometheus) as second:
                    theirs = used([first.pid, second.pid])
        print(
            f"CPU per {scheme} look, {TARGETS} targets each {INTERVAL} s: "
            f"opskit {mine * 1e6:.0f} us, Prometheus + blackbox_exporter {theirs * 1e6:.0f} us, "
            f"ratio {mine / theirs:.3f}"
        )


@dataclass(frozen=True)
class Year:
    """A database that saw a year of many services, and what it saw."""

    database: Database
    catalogue: Catalogue
    window: Interval
    path: Path


def year(root: Path, services: int = 1_000, days: int = 365) -> Year:
    """Plant a year of looks a minute apart, with outages and blips, the same each time."""
    path = root / "opskit.db"
    database, start = Database.open(sqlite_url(path)), Instant(1_700_000_000 * SECOND)
    probe = {"kind": "http", "url": "http://h/", "interval": "60s"}
    whole = {
        f"s{number}": {"owner": "web", "objective": {"availability": "99.9%"}, "probes": [probe]}
        for number in range(services)
    }
    catalogue = Catalogue.model_validate_json(json.dumps({"services": whole}), strict=True)
    chance = random.Random(1)
    with database.write() as connection:
        targets.sync(connection, Ledger(FrozenClock(start), "bench"), catalogue.targets())
        for number, target in enumerate(catalogue.targets(), 1):
            rows, last = _year_of_one(chance, number, start, days)
            first = {"first_at": start, "first_interval": 60 * SECOND}
            connection.execute(
                spells.SERIES.insert().values(
                    id=number, target=target.id, location="", **first, **last
                )
            )
            connection.execute(spells.SPELLS.insert(), rows)
    return Year(database, catalogue, Interval(start, Instant(start + days * DAY)), path)


def _year_of_one(
    chance: random.Random, number: int, start: int, days: int
) -> tuple[list[dict[str, object]], dict[str, object]]:
    """Return the spells of a service: three outages or blips a month, of 16 minutes or one look."""
    interval, end = 60 * SECOND, start + days * DAY
    rows: list[dict[str, object]] = []

    def row(began: int, last: int, seen: str, reason: str = "") -> dict[str, object]:
        return {
            "began_at": began, "last_at": last, "interval": interval, "seen": seen,
            "reason": reason,
        }  # fmt: skip

    at = start
    for moment in sorted(chance.randrange(start, end) for _ in range(days // 10)):
        slot = start + (moment - start) // interval * interval
        if slot <= at + 2 * interval:
            continue
        rows += [row(at, slot - interval, "up"), row(slot, slot, "suspect", "timed out")]
        if chance.random() < 0.6:
            rows.append(row(slot + 7 * SECOND, slot + 7 * SECOND, "up"))
            at = slot + interval
        else:
            length = interval * int(1 + chance.expovariate(1 / 15))
            rows.append(row(slot + 7 * SECOND, slot + 7 * SECOND, "down", "timed out"))
            rows.append(row(slot + interval, slot + length, "down", "timed out"))
            at = slot + length + interval
    return [{"series": number, **one, "late": 0} for one in rows], row(at, end, "up")


def uptime() -> None:
    """Measure the uptime of a thousand services over a year, and of one over a month."""
    with tempfile.TemporaryDirectory() as directory:
        planted = year(Path(directory))

        def whole() -> None:
            with planted.database.read() as connection:
                uptimes(connection, planted.catalogue, planted.window, UTC)

        print(f"uptime of 1,000 services over 12 months: {_median(whole, 5):.3f} s")
        high = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
        print(f"  memory of the whole process, planting included: {int(high) // 1024} MB")
        size = planted.path.stat().st_size / 1_000
        print(f"  bytes of each service's year: {size:.0f}")


def month() -> None:
    """Compare one service's month with `avg_over_time` over the same month."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        planted = year(root, services=1_000, days=60)
        window = Interval(
            Instant(planted.window.start + 20 * DAY), Instant(planted.window.start + 50 * DAY)
        )

        def own() -> None:
            with planted.database.read() as connection:
                past = Past.read(connection, planted.catalogue, window, UTC, ("s7",))
                past.uptime("s7")

        with recorded(root, window) as ask:
            pairs = [(_timed(own), _timed(ask)) for _ in range(21)]
    mine, theirs = median(one for one, _ in pairs), median(one for _, one in pairs)
    print(
        f"uptime of one month, one service: opskit {mine * 1e3:.2f} ms, avg_over_time "
        f"{theirs * 1e3:.1f} ms, ratio {mine / theirs:.3f} (n={len(pairs)})"
    )


@contextmanager
def recorded(root: Path, window: Interval) -> Iterator[Callable[[], None]]:
    """Run a Prometheus that recorded a month each 15 s; yield a question for its average."""
    first, last = window.start // SECOND, window.end // SECOND
    lines = [f'probe_success{{instance="s7"}} 1 {at}' for at in range(first, last, 15)]
    series = root / "series.txt"
    series.write_text("# TYPE probe_success gauge\n" + "\n".join(lines) + "\n# EOF\n")
    tsdb = root / "tsdb"
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", series, tsdb],
        check=True, capture_output=True,
    )  # fmt: skip
    (root / "prometheus.yml").write_text("global: {}\n")
    query = {"query": "avg_over_time(probe_success[30d])", "time": str(last)}
    address = f"http://127.0.0.1:{PROMETHEUS}/api/v1/query?{urllib.parse.urlencode(query)}"
    argv = [
        "prometheus", f"--config.file={root}/prometheus.yml", f"--storage.tsdb.path={tsdb}",
        f"--web.listen-address=127.0.0.1:{PROMETHEUS}", "--storage.tsdb.retention.time=20y",
    ]  # fmt: skip

    def ask() -> None:
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert b'"1"' in answer.read()

    with running(argv):
        until_ready(f"http://127.0.0.1:{PROMETHEUS}/-/ready")
        yield ask


def until_ready(address: str) -> None:
    """Wait until a server answers."""
    for _ in range(600):
        try:
            urllib.request.urlopen(address, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    message = f"{address} never answered"
    raise RuntimeError(message)


def _timed(call: Callable[[], None]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _median(call: Callable[[], None], n: int) -> float:
    call()
    return median(_timed(call) for _ in range(n))


def main() -> None:
    """Run what was asked for, or all."""
    known = {"looking": looking, "uptime": uptime, "month": month}
    missing = [name for name in ("nginx", "prometheus", "promtool") if not shutil.which(name)]
    if missing:
        print(f"not measured: {', '.join(missing)} is not installed")
        return
    for name in sys.argv[1:] or known:
        known[name]()


if __name__ == "__main__":
    main()
