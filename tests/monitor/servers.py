"""Small servers on loopback that answer, or fail to, in one exact way."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# What a server does with one connection; the event is set when the test is over.
Answer = Callable[[socket.socket, threading.Event], None]


class Server:
    """Gives each connection to `answer`, in a thread of its own."""

    def __init__(self, answer: Answer, *, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self._tls = tls
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._up = False

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Listen."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of every connection."""
        self._over.set()
        self.stop()

    def start(self) -> None:
        """Listen, on the same port as before."""
        if self._listener.fileno() < 0:
            self._listener = socket.create_server(("127.0.0.1", self.port))
        self._up = True
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        """Listen no more: who connects is refused."""
        if self._up:
            self._up = False
            # Closing alone would leave the thread waiting for one more connection.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        # Most of these end with the prober hanging up, as they should.
        with contextlib.suppress(OSError), connection:
            if self._tls is None:
                self.answer(connection, self._over)
            else:
                with self._tls.wrap_socket(connection, server_side=True) as secured:
                    self.answer(secured, self._over)


def ask(connection: socket.socket) -> bytes:
    """Return the head of a request."""
    head = b""
    while b"\r\n\r\n" not in head:
        chunk = connection.recv(65_536)
        if not chunk:
            break
        head += chunk
    return head


def page(body: str = "welcome", status: str = "200 OK", *headers: str) -> Answer:
    """Answer like any web server."""
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body.encode())}", *headers, "", body)

    def answer(connection: socket.socket, _over: threading.Event) -> None:
        asked = ask(connection)
        text = "\r\n".join(lines)
        connection.sendall(
            (text.removesuffix(body) if asked.startswith(b"HEAD") else text).encode()
        )

    return answer


def silence(connection: socket.socket, over: threading.Event) -> None:
    """Accept and say nothing."""
    over.wait()


def drip(connection: socket.socket, over: threading.Event) -> None:
    """Send a byte now and then: each alone is in time, all together never end."""
    ask(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not over.wait(0.02):
        connection.sendall(b"w")


def endless(connection: socket.socket, over: threading.Event) -> None:
    """Send a page without end, as fast as it is taken."""
    ask(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nwelcome")
    while not over.is_set():
        connection.sendall(b"x" * 65_536)


def garbage(connection: socket.socket, over: threading.Event) -> None:
    """Speak another language: a banner, as SSH and mail servers send one."""
    connection.sendall(b"SSH-2.0-\x1b[31mOpenSSH\xff\r\n")
    over.wait(0.2)


def plain(connection: socket.socket, _over: threading.Event) -> None:
    """Answer in the clear whatever is said, as a web server does that is spoken to in TLS."""
    connection.recv(1)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def reset(connection: socket.socket, _over: threading.Event) -> None:
    """Break the connection off."""
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(connection: socket.socket, _over: threading.Event) -> None:
    """Close in the middle of the answer."""
    ask(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nwel")


def self_signed(directory: Path) -> ssl.SSLContext:
    """Return TLS with a certificate for this address that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = directory / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
