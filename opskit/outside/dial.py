"""The door to sockets: a conversation over one connection, with one deadline for all of it.

Whatever the other side does, drip, flood or say nothing, each call ends by the deadline and keeps
no more than it was told to.
"""

from __future__ import annotations

import functools
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from opskit.core.errors import ConfigError
from opskit.core.text import clean, decode

_CHUNK = 65_536
_ADDRESS = re.compile(r"(.+):([0-9]+)")


class DialError(Exception):
    """Nothing came of it; the words say why, and `late` whether only the time was up."""

    def __init__(self, reason: str, *, late: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.late = late


@dataclass(frozen=True, slots=True)
class Place:
    """An address that needs no looking up."""

    family: socket.AddressFamily
    host: str
    port: int

    @property
    def version(self) -> int:
        """Return 4 or 6."""
        return 6 if self.family == socket.AF_INET6 else 4


def split(address: str) -> tuple[str, int]:
    """Return host and port of `host:port`, without the brackets of an IPv6 address."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise DialError(f"{address} is no address")
    return match[1].strip("[]"), int(match[2])


def resolve(host: str, port: int, deadline: float) -> list[Place]:
    """Return where a host is. The system's resolver knows no deadline, so it is not waited for.

    Raises:
        DialError: it has no address, or nobody said so in time.
    """
    try:
        return _places(socket.getaddrinfo(host, port, 0, 0, 0, socket.AI_NUMERICHOST))
    except (OSError, UnicodeError):
        pass  # a name, not a number
    found: queue.SimpleQueue[list[Place] | str] = queue.SimpleQueue()
    threading.Thread(target=_look_up, args=(host, port, found), daemon=True).start()
    try:
        answer = found.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        raise DialError(f"{host} was not resolved in time", late=True) from None
    if isinstance(answer, str):
        raise DialError(f"{host} cannot be resolved: {answer}")
    return answer


def _look_up(host: str, port: int, found: queue.SimpleQueue[list[Place] | str]) -> None:
    try:
        found.put(_places(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)))
    except (OSError, UnicodeError) as error:
        found.put(str(getattr(error, "strerror", "") or "no valid name"))


def _places(infos: Iterable[tuple[Any, ...]]) -> list[Place]:
    known = (Place(info[0], str(info[4][0]), int(str(info[4][1]))) for info in infos)
    return list(dict.fromkeys(known))


class Dial:
    """A connection that is open, until its deadline."""

    def __init__(self, sock: socket.socket, deadline: float, version: int) -> None:
        self.version = version
        self._sock = sock
        self._deadline = deadline
        self._kept = bytearray()

    @classmethod
    def open(cls, address: str, seconds: float) -> Self:
        """Connect to `host:port`; each of its addresses gets an equal share of what time is left.

        Raises:
            DialError: nobody answered.
        """
        deadline = time.monotonic() + seconds
        host, port = split(address)
        places = resolve(host, port, deadline)
        failed = DialError(f"{host} has no address")
        for index, place in enumerate(places):
            now = time.monotonic()
            until = now + (deadline - now) / (len(places) - index)
            try:
                sock = _connected(place, until)
            except DialError as error:
                failed = error
            else:
                return cls(sock, deadline, place.version)
        raise failed

    def __enter__(self) -> Self:
        """Hold the connection open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up."""
        self._sock.close()

    def send(self, data: bytes) -> None:
        """Say something."""
        self._timed()
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise _failure(error) from error

    def receive(self) -> bytes:
        """Return what comes next, at most 64 KiB; nothing at the end."""
        if self._kept:
            kept, self._kept = bytes(self._kept), bytearray()
            return kept
        self._timed()
        try:
            return self._sock.recv(_CHUNK)
        except OSError as error:
            raise _failure(error) from error

    def exactly(self, count: int) -> bytes:
        """Return so many bytes.

        Raises:
            DialError: they did not come.
        """
        while len(self._kept) < count:
            self._more()
        found = bytes(self._kept[:count])
        del self._kept[:count]
        return found

    def line(self, limit: int = 1_024) -> str:
        """Return the next line without its end.

        Raises:
            DialError: none came, or one over `limit` bytes.
        """
        while b"\n" not in self._kept:
            if len(self._kept) > limit:
                raise DialError(f"a line of more than {limit:,} bytes")
            self._more()
        raw, _, rest = bytes(self._kept).partition(b"\n")
        self._kept = bytearray(rest)
        if len(raw) > limit:
            raise DialError(f"a line of more than {limit:,} bytes")
        return decode(raw.removesuffix(b"\r"))

    def _more(self) -> None:
        kept, self._kept = self._kept, bytearray()
        chunk = self.receive()
        if not chunk:
            raise DialError("the connection was closed")
        self._kept = kept + chunk

    def secure(self, context: ssl.SSLContext, name: str) -> None:
        """Speak TLS from here on. What came before it in the clear is a trick, and refused.

        Raises:
            DialError: the server does not, or is not believed.
        """
        if self._kept:
            raise DialError("something was said in the clear before TLS")
        self._timed()
        try:
            self._sock = context.wrap_socket(self._sock, server_hostname=name)
        except (OSError, ValueError) as error:
            raise _failure(error) from error

    @property
    def tls_version(self) -> str:
        """Return what TLS is spoken, such as `TLSv1.3`."""
        return (self._sock.version() or "") if isinstance(self._sock, ssl.SSLSocket) else ""

    def chain(self, *, verified: bool) -> tuple[bytes, ...]:
        """Return the certificates: as the server sent them, or as they were verified."""
        told = getattr(self._sock, "_sslobj", None)  # public with Python 3.13 only
        if told is None:
            return ()
        chain = told.get_verified_chain() if verified else told.get_unverified_chain()
        return tuple(ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in chain or ())

    def _timed(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise DialError("the time was up", late=True)
        self._sock.settimeout(left)


def _connected(place: Place, until: float) -> socket.socket:
    sock = socket.socket(place.family, socket.SOCK_STREAM)
    sock.settimeout(max(0.001, until - time.monotonic()))
    try:
        sock.connect((place.host, place.port))
    except OSError as error:
        sock.close()
        raise _failure(error) from error
    return sock


def _failure(error: Exception) -> DialError:
    """Return a failure in words that stay the same."""
    if isinstance(error, TimeoutError):
        return DialError("the time was up", late=True)
    if isinstance(error, ssl.SSLCertVerificationError):
        return DialError(f"certificate refused: {clean(error.verify_message)}")
    if isinstance(error, ssl.SSLError):
        why = (error.reason or "broken off").replace("_", " ").lower()
        return DialError(f"no TLS: {clean(why)}")
    if isinstance(error, OSError):
        return DialError((error.strerror or "broken off").lower())
    return DialError(clean(str(error)))


def trusting(authorities: str = "", *, verify: bool = True) -> ssl.SSLContext:
    """Return a context that believes the authorities in a file, the system's, or anybody.

    Raises:
        ConfigError: the file holds none.
    """
    context = _system() if verify and not authorities else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if authorities:
            context.load_verify_locations(authorities)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"{authorities} holds no certificates of authorities", hint="check the path"
        ) from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


@functools.cache
def _system() -> ssl.SSLContext:
    """Return what the system trusts, read once: that costs more than shaking hands."""
    return ssl.create_default_context()
