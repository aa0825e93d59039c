"""A mail server on loopback that takes letters, or fails to in one exact way."""

from __future__ import annotations

import base64
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_PATIENCE = 30.0
# What is said to a verb instead of the usual; raises nothing, may block until the test is over.
Say = Callable[[socket.socket, threading.Event], None]


def reply(text: str) -> Say:
    """Answer with one reply."""
    return lambda sock, _over: sock.sendall(f"{text}\r\n".encode())


def hang(_sock: socket.socket, over: threading.Event) -> None:
    """Say nothing until the test is over."""
    over.wait(_PATIENCE)


def drip(sock: socket.socket, over: threading.Event) -> None:
    """Send the lines of a reply that never ends, a few bytes at a time."""
    while not over.wait(0.01):
        sock.sendall(b"250-and\r\n")


def reset(sock: socket.socket, _over: threading.Event) -> None:
    """Break the connection off."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@dataclass(frozen=True)
class Letter:
    """What was taken: the envelope and the text."""

    sender: str
    to: tuple[str, ...]
    data: bytes
    encrypted: bool
    login: str


@dataclass(eq=False)
class MailServer:
    """`says` replaces the reply to a verb, or to a recipient; `banner` is said at first."""

    says: Mapping[str, Say] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    from_the_start: bool = False
    offers: tuple[str, ...] = ("AUTH PLAIN", "8BITMIME")
    letters: list[Letter] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _open: list[socket.socket] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for sock in (self._listener, *self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_PATIENCE)
        for sock in (self._listener, *self._open):
            sock.close()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(_PATIENCE)
            self._open.append(sock)
            self._start(lambda sock=sock: self._serve(sock))  # type: ignore[misc]  # bound now

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError, ValueError), sock:
            if self.from_the_start and self.tls is not None:
                with self.tls.wrap_socket(sock, server_side=True) as secured:
                    _Talk(self, secured, encrypted=True).go()
            else:
                _Talk(self, sock).go()


class _Talk:
    """One connection."""

    def __init__(self, server: MailServer, sock: socket.socket, *, encrypted: bool = False) -> None:
        self._server, self._sock, self._encrypted = server, sock, encrypted
        self._sender, self._login = "", ""
        self._to: list[str] = []
        self._rest = b""

    def go(self) -> None:
        self._say("banner", "220 ready")
        while True:
            line = self._line().decode("ascii", "replace")
            verb = line[:4].upper()
            self._server.seen.append(line)
            if verb == "QUIT":
                self._say("QUIT", "221 bye")
                return
            getattr(self, f"_{verb.lower()}", self._other)(line)

    def _line(self) -> bytes:
        while b"\r\n" not in self._rest:
            chunk = self._sock.recv(65_536)
            if not chunk:
                raise OSError
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\r\n")
        return line

    def _say(self, what: str, usual: str) -> None:
        self._server.says.get(what, reply(usual))(self._sock, self._server._over)

    def _ehlo(self, _line: str) -> None:
        more = ["STARTTLS"] if self._server.tls is not None and not self._encrypted else []
        lines = ["here", *self._server.offers, *more]
        text = "".join(f"250-{one}\r\n" for one in lines[:-1]) + f"250 {lines[-1]}"
        self._say("EHLO", text)

    def _star(self, _line: str) -> None:
        self._say("STARTTLS", "220 go on")
        assert self._server.tls is not None
        self._sock = self._server.tls.wrap_socket(self._sock, server_side=True)
        self._server._open.append(self._sock)
        self._encrypted = True

    def _auth(self, line: str) -> None:
        self._login = base64.b64decode(line.split()[2]).decode()
        self._say("AUTH", "235 2.7.0 welcome")

    def _mail(self, line: str) -> None:
        self._sender = line.partition("<")[2].partition(">")[0]
        self._say("MAIL", "250 ok")

    def _rcpt(self, line: str) -> None:
        address = line.partition("<")[2].partition(">")[0]
        special = self._server.says.get(address)
        if special is not None:
            special(self._sock, self._server._over)
            return
        self._to.append(address)
        self._say("RCPT", "250 ok")

    def _data(self, _line: str) -> None:
        self._say("DATA", "354 go on")
        if "DATA" in self._server.says:
            return
        lines: list[bytes] = []
        while (line := self._line()) != b".":
            lines.append(line[1:] if line.startswith(b".") else line)
        taken = (self._sender, tuple(self._to), b"\r\n".join(lines) + b"\r\n")
        if "taken" not in self._server.says:
            self._server.letters.append(Letter(*taken, self._encrypted, self._login))
        self._say("taken", "250 2.0.0 taken")

    def _rset(self, _line: str) -> None:
        self._say("RSET", "250 ok")

    def _other(self, _line: str) -> None:
        self._say("other", "502 what?")
