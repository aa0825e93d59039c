"""An `opskit serve` that runs for real, in a process of its own, and how it is asked."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.monitor.live import PATIENCE, soon

TOKEN = "t0k3n-of-the-whole-house"
_ADDRESS = re.compile(r"listening address=[0-9.]+:(\d+)")


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def probe_of(address: str, kind: str = "tcp", **more: object) -> dict[str, object]:
    """Return the settings of a quick probe."""
    quick = {"interval": "2s", "timeout": "200ms", "confirm_after": "100ms"}
    return {"kind": kind, "address": address, **quick, **more}


def lay_out(root: Path, services: Mapping[str, Any], **settings: Any) -> Path:
    """Write the least ops repository; JSON is YAML."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "inventory").mkdir(exist_ok=True)
    (root / "inventory" / "hosts.ini").write_text("[web]\nweb1 ansible_connection=local\n")
    serve = {"listen": "127.0.0.1:0", **settings.pop("serve", {})}
    (root / "opskit.yaml").write_text(json.dumps({"serve": serve, **settings}))
    (root / "services.yaml").write_text(json.dumps({"services": services}))
    return root


def service(*probes: Mapping[str, object], **more: object) -> dict[str, object]:
    return {"owner": "web", "probes": list(probes), **more}


def secret(path: Path, text: str = TOKEN) -> Path:
    """Write a file that only its owner can read."""
    path.touch(0o600)
    path.write_text(text)
    return path


class Serving:
    """The process; `lines` is its log so far."""

    def __init__(self, root: Path, *arguments: str, **environment: str) -> None:
        self._root = root
        self._argv = [sys.executable, "-m", "opskit", "serve", *arguments]
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self._environment = {**kept, "HOME": str(root), **environment}
        self.lines: list[str] = []
        self.tls: ssl.SSLContext | None = None

    def __enter__(self) -> Self:
        """Start it."""
        self.process = subprocess.Popen(
            self._argv,
            cwd=self._root,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it whatever happened."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.end(signal.SIGKILL)

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status

    def says(self, words: str, times: int = 1) -> None:
        """Wait until its log has said something, so many times."""

        def said() -> bool:
            found = sum(words in line for line in self.lines) >= times
            assert found or self.process.poll() is None, "\n".join(self.lines)
            return found

        soon(said, f"{words!r} x {times}")

    @property
    def port(self) -> int:
        """Return where it listens, as its log says."""
        self.says("listening address=")
        found = [match[1] for line in self.lines if (match := _ADDRESS.search(line))]
        return int(found[-1])

    def ask(self, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> Reply:
        """Send a request; `Host` is what it listens on unless it is given."""
        connection: http.client.HTTPConnection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=PATIENCE
        )
        if self.tls is not None:
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=PATIENCE, context=self.tls
            )
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body or None, named)
            answer = connection.getresponse()
            return Reply(
                answer.status,
                {name.lower(): value for name, value in answer.getheaders()},
                answer.read(),
            )
        finally:
            connection.close()

    def ready(self) -> None:
        """Wait until it looks at what it should."""
        soon(lambda: self.ask("/-/ready").status == 200, "ready")

    def state_of(self, name: str) -> str:
        """Return how a service is."""
        services = {one["service"]: one for one in self.ask("/status.json").json["services"]}
        return str(services[name]["state"])

    def raw(self) -> socket.socket:
        """Return a connection on which anything may be said."""
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)


def bearer(token: str = TOKEN) -> str:
    return f"Bearer {token}"
