"""The door to ICMP: one echo to one host, timed by the kernel as far as it can."""

from __future__ import annotations

import os
import secrets
import socket
import struct
import time
from dataclasses import dataclass

from opskit.core.clock import SECOND, Duration
from opskit.outside.dial import DialError, Place, resolve

_ECHO = {socket.AF_INET: 8, socket.AF_INET6: 128}
_REPLY = {socket.AF_INET: 0, socket.AF_INET6: 129}
_PROTOCOL = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}
_TIMESTAMP = getattr(socket, "SO_TIMESTAMPNS", 35)
_LARGEST = 65_535


class NotPermitted(Exception):
    """This system lets opskit send no ICMP."""


@dataclass(frozen=True, slots=True)
class Echo:
    """How long a reply took, over which version of IP, and the hops it had left, if told."""

    took: Duration
    version: int
    hops: int | None


def echo(host: str, seconds: float, *, size: int = 56, family: str = "any") -> Echo:
    """Return what came of one echo request.

    Raises:
        NotPermitted: the system does not let us.
        DialError: nothing came back in time, or there is no such host.
    """
    deadline = time.monotonic() + seconds
    wanted = {"4": 4, "6": 6}.get(family)
    places = [one for one in resolve(host, 0, deadline) if wanted is None or one.version == wanted]
    if not places:
        raise DialError(f"{host} has no address of IPv{family}")
    return _echoed(places[0], deadline, size)


def _opened(family: socket.AddressFamily) -> tuple[socket.socket, bool]:
    """Return a socket and whether it is a raw one, which hears what is meant for others too."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            return socket.socket(family, kind, _PROTOCOL[family]), kind == socket.SOCK_RAW
        except PermissionError:
            continue
        except OSError as error:
            raise NotPermitted((error.strerror or "no ICMP").lower()) from error
    raise NotPermitted("not permitted")


def _echoed(place: Place, deadline: float, size: int) -> Echo:
    sock, raw = _opened(place.family)
    with sock:
        sock.setsockopt(socket.SOL_SOCKET, _TIMESTAMP, 1)
        token = secrets.token_bytes(16)
        packet = _packet(place.family, token + os.urandom(max(0, size - 16)))
        try:
            sock.connect((place.host, 0))
            sent_at, sent = time.time_ns(), time.monotonic_ns()
            sock.send(packet)
            while (left := deadline - time.monotonic()) > 0:
                sock.settimeout(left)
                data, told, _, _ = sock.recvmsg(_LARGEST, 256)
                heard = time.monotonic_ns()
                hops, message = _unwrapped(data, place.family, raw)
                if message[:1] == bytes([_REPLY[place.family]]) and message[8:24] == token:
                    return Echo(_took(told, sent_at, heard - sent), place.version, hops)
        except TimeoutError as error:
            raise DialError("no reply in time", late=True) from error
        except OSError as error:
            raise DialError((error.strerror or "broken off").lower()) from error
    raise DialError("no reply in time", late=True)


def _packet(family: socket.AddressFamily, payload: bytes) -> bytes:
    identity = secrets.randbelow(65_536)
    head = struct.pack("!BBHHH", _ECHO[family], 0, 0, identity, 1)
    # The kernel sums up ICMPv6 by itself, since the sum covers addresses only it knows.
    total = _checksum(head + payload) if family == socket.AF_INET else 0
    return struct.pack("!BBHHH", _ECHO[family], 0, total, identity, 1) + payload


def _checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total = sum(int.from_bytes(padded[at : at + 2]) for at in range(0, len(padded), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _unwrapped(data: bytes, family: socket.AddressFamily, raw: bool) -> tuple[int | None, bytes]:
    """Return the hops left and the message; a raw IPv4 socket hands out the IP header as well."""
    if not raw or family != socket.AF_INET or len(data) < 20:
        return None, data
    return data[8], data[(data[0] & 0x0F) * 4 :]


def _took(told: list[tuple[int, int, bytes]], sent_at: int, waited: int) -> Duration:
    """Return the time to the kernel's own stamp; where that cannot be, to when we woke up."""
    for level, kind, data in told:
        if (level, kind) == (socket.SOL_SOCKET, _TIMESTAMP) and len(data) >= 16:
            seconds, nanoseconds = struct.unpack("qq", data[:16])
            stamped = seconds * 1_000_000_000 + nanoseconds - sent_at
            if 0 < stamped <= waited:  # the wall clock may be set meanwhile
                return Duration(stamped * SECOND // 1_000_000_000)
    return Duration(waited * SECOND // 1_000_000_000)
