"""For each kind of probe, a server that is well: a real one wherever a user would have one."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dns.message
import dns.rdataclass
import dns.rrset
import pytest

from opskit.core.clock import SystemClock
from tests.monitor.probes.authority import Authority
from tests.monitor.probes.looking import Diary
from tests.monitor.servers import Server, ask, page
from tests.rig.hosts import Fleet
from tests.rig.postgres import Postgres

Settings = dict[str, Any]


@dataclass(frozen=True)
class Ground:
    """Where a well server stands: a directory, and the fixtures it may ask for."""

    directory: Path
    request: pytest.FixtureRequest

    @property
    def authority(self) -> Authority:
        return Authority(self.directory)


@contextmanager
def http(ground: Ground) -> Iterator[Settings]:
    with Server(page()) as server:
        yield {"kind": "http", "url": f"http://{server.address}/", "contains": "welcome"}


@contextmanager
def tcp(ground: Ground) -> Iterator[Settings]:
    with Server(page()) as server:
        yield {"kind": "tcp", "address": server.address}


def pong(connection: socket.socket, over: threading.Event) -> None:
    """Answer one line, as Redis does."""
    connection.recv(1_024)
    connection.sendall(b"+PONG\r\n")
    over.wait()


@contextmanager
def banner(ground: Ground) -> Iterator[Settings]:
    with Server(pong) as server:
        yield {"kind": "banner", "address": server.address, "send": "PING", "expect": r"^\+PONG"}


@contextmanager
def tls(ground: Ground) -> Iterator[Settings]:
    with Server(page(), tls=ground.authority.issue()) as server:
        yield {"kind": "tls", "address": server.address, "ca": "authority.pem"}


ZONE = {
    ("shop.example.", "A"): ("192.0.2.10", "192.0.2.11"),
    ("shop.example.", "SOA"): (
        "ns.shop.example. admin.shop.example. 2026112201 3600 600 86400 60",
    ),
    ("shop.example.", "TXT"): ('"<script>${7*7}\\027[31m"',),
}


def answered(question: bytes) -> bytes:
    """Return what a name server of ZONE says."""
    query = dns.message.from_wire(question)
    response = dns.message.make_response(query)
    asked = query.question[0]
    records = ZONE.get((asked.name.to_text(), dns.rdatatype.to_text(asked.rdtype)))
    if records is None:
        response.set_rcode(dns.rcode.NXDOMAIN)
    else:
        response.answer.append(
            dns.rrset.from_text_list(asked.name, 60, asked.rdclass, asked.rdtype, records)
        )
    return response.to_wire()


@contextmanager
def name_server(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """Answer each datagram; nothing is an answer as well."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def serve() -> None:
            while (heard := sock.recvfrom(4_096))[0] != b"over":
                reply = answer(heard[0])
                if reply:
                    sock.sendto(reply, heard[1])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{sock.getsockname()[1]}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"over", sock.getsockname())
        thread.join(30)


@contextmanager
def dns_(ground: Ground) -> Iterator[Settings]:
    with name_server(answered) as address:
        yield {"kind": "dns", "query": "shop.example", "server": address, "expect": ["192.0.2.11"]}


@contextmanager
def icmp(ground: Ground) -> Iterator[Settings]:
    yield {"kind": "icmp", "host": "127.0.0.1"}


@contextmanager
def ssh(ground: Ground) -> Iterator[Settings]:
    fleet: Fleet = ground.request.getfixturevalue("fleet")
    yield {
        "kind": "ssh",
        "address": f"{fleet['web1'].address}:22",
        "host_keys": [fingerprint(fleet, fleet["web1"].address)],
    }


def fingerprint(fleet: Fleet, address: str) -> str:
    """Return the fingerprint of a host's key, as ssh-keygen says it."""
    argv = ("ssh-keygen", "-l", "-f", str(fleet.known_hosts), "-F", address)
    shown = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return next(word for word in shown.split() if word.startswith("SHA256:"))


def mail(
    connection: socket.socket, over: threading.Event, offers: bytes = b"250-STARTTLS\r\n"
) -> None:
    """Greet as a mail server does, and say what there is."""
    connection.sendall(b"220-<script>\x1b[31m\r\n220 mail.example ESMTP\r\n")
    while line := connection.recv(1_024):
        if line.startswith(b"EHLO"):
            connection.sendall(b"250-mail.example\r\n" + offers + b"250 SIZE 1000\r\n")
        if line.startswith(b"STARTTLS"):
            connection.sendall(b"220 go ahead\r\n")
            return


@contextmanager
def smtp(ground: Ground) -> Iterator[Settings]:
    with Server(mail) as server:
        yield {"kind": "smtp", "address": server.address, "starttls": True}


@contextmanager
def postgres(ground: Ground) -> Iterator[Settings]:
    running: Postgres = ground.request.getfixturevalue("postgres")
    secret(ground.directory / "db.password", running.password)
    yield {
        "kind": "postgres",
        "address": f"127.0.0.1:{running.port}",
        "user": "opskit",
        "password_file": "db.password",
        "query": "SELECT 40 + 2",
        "expect": "42",
    }


def secret(path: Path, text: str) -> None:
    """Write down a secret as it must be kept."""
    path.touch(0o600)
    path.write_text(f"{text}\n")


@contextmanager
def heartbeat(ground: Ground) -> Iterator[Settings]:
    yield {"kind": "heartbeat", "beat": "backup", "every": "1d"}


@contextmanager
def command(ground: Ground) -> Iterator[Settings]:
    script = "echo \"OK - all well | 'time <b>'=12ms;;;0 free=5MB\""
    yield {"kind": "command", "command": ["sh", "-c", script]}


@contextmanager
def domain(ground: Ground) -> Iterator[Settings]:
    end = (datetime.now(UTC) + timedelta(days=200)).isoformat()
    answer = json.dumps({"events": [{"eventAction": "expiration", "eventDate": end}]})
    with Server(page(answer)) as server:
        url = f"http://{server.address}/"
        yield {"kind": "domain", "domain": "example.org", "server": url, "allow_private": True}


def shop(connection: socket.socket, _over: threading.Event) -> None:
    """Hand out a token with a cookie, and let in who brings both."""
    asked = ask(connection)
    if asked.startswith(b"GET / "):
        headers = ("Set-Cookie: session=s3cr3t; Path=/", "Content-Type: text/html")
        answer = page('<input name="csrf" value="a+b&c">', "200 OK", *headers)
    else:
        brought = b"csrf=a%2Bb%26c" in asked and b"session=s3cr3t" in asked
        answer = page("in" if brought else "out", "200 OK" if brought else "403 Forbidden")
    _replay(answer, connection, asked)


def _replay(answer: Any, connection: socket.socket, asked: bytes) -> None:
    """Let a page answer what was read already."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(asked)
        answer(theirs, threading.Event())
        theirs.shutdown(socket.SHUT_WR)
        while chunk := ours.recv(65_536):
            connection.sendall(chunk)


@contextmanager
def journey(ground: Ground) -> Iterator[Settings]:
    with Server(shop) as server:
        url = f"http://{server.address}/"
        csrf = {"pattern": 'name="csrf" value="([^"]+)"'}
        first = {"name": "page", "url": url, "capture": {"csrf": csrf}}
        second = {"name": "log-in", "url": f"{url}in?csrf=${{csrf}}", "contains": "in"}
        yield {"kind": "journey", "steps": [first, second]}


@contextmanager
def scrape(ground: Ground) -> Iterator[Settings]:
    program = shutil.which("prometheus-node-exporter")
    assert program, "node_exporter is missing: apt-get install prometheus-node-exporter"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    argv = (program, f"--web.listen-address={address}")
    with subprocess.Popen(argv, stderr=subprocess.PIPE) as process:
        try:
            assert process.stderr is not None
            while b"Listening on" not in (line := process.stderr.readline()) and line:
                pass
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield {
                "kind": "scrape",
                "url": f"http://{address}/metrics",
                "keep": ["node_load1", 'node_cpu_seconds_total{mode="idle"}'],
                "limits": [{"series": "node_memory_MemTotal_bytes", "fail_below": 1.0}],
            }
        finally:
            process.terminate()


@contextmanager
def host(ground: Ground) -> Iterator[Settings]:
    yield {"kind": "host", "host": "web1", "warn_disk_used": "90%", "fail_memory_used": "99%"}


WELLS: Mapping[str, Callable[[Ground], AbstractContextManager[Settings]]] = {
    "http": http, "tcp": tcp, "banner": banner, "tls": tls, "dns": dns_, "icmp": icmp, "ssh": ssh,
    "smtp": smtp, "postgres": postgres, "heartbeat": heartbeat, "command": command,
    "domain": domain, "journey": journey, "scrape": scrape, "host": host,
}  # fmt: skip

FACTS: Mapping[str, Any] = {
    "ansible_mounts": [
        {
            "mount": "/", "device": "/dev/vda1", "fstype": "ext4",
            "size_total": 1_000, "size_available": 400, "inode_total": 100, "inode_available": 90,
        },
        {"mount": "/run", "fstype": "tmpfs", "size_total": 10, "size_available": 0},
    ],
    "ansible_memtotal_mb": 1_000,
    "ansible_memory_mb": {"nocache": {"free": 600, "used": 400}},
    "ansible_loadavg": {"1m": 0.5, "5m": 0.4, "15m": 0.3},
    "ansible_processor_vcpus": 2,
    "ansible_uptime_seconds": 86_400,
    "opskit_posture": {
        "certificates": {"items": [{"path": "/etc/tls/a.pem", "not_after": "2030-01-01T00:00:00Z"}]}
    },
}  # fmt: skip


def diary() -> Diary:
    """Return that the backup went well just now, and what is known of web1."""
    now = SystemClock().now()
    call = (now, "ok")
    return Diary({"backup": call}, {"backup": call}, {"web1": (now, FACTS)})
