"""Real servers on loopback that answer as a test wants: slowly, endlessly, wrongly."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_PATIENCE = 30.0


@dataclass(eq=False)
class Exchange:
    """One connection: what was asked, and the way to answer."""

    sock: socket.socket
    stopping: threading.Event
    request: bytes = b""

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def drip(self, data: bytes) -> None:
        """Send the same bytes again and again, a few at a time, for as long as anybody listens."""
        while not self.stopping.wait(0.01):
            self.sock.sendall(data)

    def flood(self, data: bytes) -> None:
        """Send the same bytes again and again for as long as anybody listens."""
        while not self.stopping.is_set():
            self.sock.sendall(data)

    def hang(self) -> None:
        """Say nothing until the other side has had enough."""
        with suppress(OSError):
            self.sock.recv(1)

    def reset(self) -> None:
        """End the connection as a crashed server would."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


Answer = Callable[[Exchange], None]


def plain(body: bytes = b"", status: str = "200 OK", *headers: str) -> Answer:
    """Answer with a complete response."""
    lines = "".join(f"{line}\r\n" for line in headers)
    head = f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode()
    return lambda exchange: exchange.send(head + body)


@dataclass(eq=False)
class Server:
    """Listens on a port of its own and answers each connection in a thread."""

    answer: Answer
    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    _stopping: threading.Event = field(default_factory=threading.Event)
    _open: list[socket.socket] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self.tls else ''}://{host}:{self.port}/"

    def __enter__(self) -> Self:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, 0), family=family)
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        for sock in (self._listener, *self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_PATIENCE)
        self._listener.close()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            sock.settimeout(_PATIENCE)
            self._open.append(sock)
            self._start(lambda sock=sock: self._serve(sock))  # type: ignore[misc]  # bound now

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError), sock:
            if self.tls is None:
                self._exchange(sock)
                return
            with self.tls.wrap_socket(sock, server_side=True) as secured:
                self._exchange(secured)

    def _exchange(self, sock: socket.socket) -> None:
        request = _read(sock)
        if request:
            self.requests.append(request)
            self.answer(Exchange(sock, self._stopping, request))


def _read(sock: socket.socket) -> bytes:
    """Return a whole request, its body as long as its header says."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = sock.recv(65_536)
        if not chunk:
            return received
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    wanted = int(header(head, b"content-length") or 0)
    while len(body) < wanted:
        chunk = sock.recv(65_536)
        if not chunk:
            break
        body += chunk
    return head + b"\r\n\r\n" + body


def header(request: bytes, name: bytes) -> bytes:
    """Return a header of a request, or nothing."""
    for line in request.partition(b"\r\n\r\n")[0].splitlines()[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name.lower():
            return value.strip()
    return b""


def body(request: bytes) -> bytes:
    """Return the body of a request."""
    return request.partition(b"\r\n\r\n")[2]
