"""Timed transfers for probes, many at once: the only door to libcurl.

Each uses a new connection, ignores proxies of the environment, follows no redirect, and ends
within its own deadline whatever the server does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import pycurl

from opskit import __version__
from opskit.core.clock import SECOND, Duration
from opskit.core.text import clean, decode

K = TypeVar("K")
_TIMED_OUT = 28
_STOPPED_BY_US = 23


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """What to fetch. `connect_only` opens a TCP connection and says nothing on it."""

    url: str
    timeout: Duration
    max_bytes: int = 1_000_000
    connect_only: bool = False
    method: str = "GET"


@dataclass(frozen=True, slots=True)
class Phases:
    """When each step was done, in microseconds from the start; 0 where there was none."""

    resolved: int = 0
    connected: int = 0
    secured: int = 0
    first_byte: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class TransferResult:
    """What came of it. `error` is empty where a full answer, or its first `max_bytes`, came."""

    error: str
    timed_out: bool
    status: int
    body: bytes
    cut: bool
    address: str
    phases: Phases


@dataclass
class _Body:
    limit: int
    data: bytearray = field(default_factory=bytearray)
    cut: bool = False

    def write(self, chunk: bytes) -> int:
        room = max(0, self.limit - len(self.data))
        self.data.extend(chunk[:room])
        self.cut = len(chunk) > room
        return 0 if self.cut else len(chunk)


class Transfers(Generic[K]):
    """Runs transfers side by side; `poll` hands out what has ended."""

    def __init__(self) -> None:
        self._multi = pycurl.CurlMulti()
        self._running: dict[pycurl.Curl, tuple[K, _Body]] = {}

    def __len__(self) -> int:
        """Return how many are under way."""
        return len(self._running)

    def start(self, key: K, request: TransferRequest) -> None:
        """Begin a transfer; its result will come with `key`."""
        body = _Body(request.max_bytes)
        handle = _handle(request, body)
        self._running[handle] = (key, body)
        self._multi.add_handle(handle)

    def poll(self, seconds: float) -> Iterator[tuple[K, TransferResult]]:
        """Yield what has ended, after waiting at most `seconds` for something to happen."""
        self._multi.perform()
        if self._running:
            self._multi.select(max(0.0, min(seconds, 0.5)))
            self._multi.perform()
        more = True
        while more:
            waiting, ended, failed = self._multi.info_read()
            for handle in ended:
                yield self._end(handle, 0, "")
            for handle, code, message in failed:
                yield self._end(handle, code, message)
            more = bool(waiting)

    def _end(self, handle: pycurl.Curl, code: int, message: str) -> tuple[K, TransferResult]:
        key, body = self._running.pop(handle)
        self._multi.remove_handle(handle)
        result = _result(handle, body, code, message)
        handle.close()
        return key, result

    def close(self) -> None:
        """Give up what is still under way."""
        for handle in self._running:
            self._multi.remove_handle(handle)
            handle.close()
        self._running.clear()
        self._multi.close()


def _handle(request: TransferRequest, body: _Body) -> pycurl.Curl:
    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, request.url)
    handle.setopt(pycurl.CUSTOMREQUEST, request.method)
    handle.setopt(pycurl.NOBODY, request.method == "HEAD")
    handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    handle.setopt(pycurl.NOSIGNAL, 1)
    handle.setopt(pycurl.PROXY, "")
    handle.setopt(pycurl.FOLLOWLOCATION, 0)
    handle.setopt(pycurl.FRESH_CONNECT, 1)
    handle.setopt(pycurl.FORBID_REUSE, 1)
    handle.setopt(pycurl.DNS_CACHE_TIMEOUT, 0)
    handle.setopt(pycurl.TIMEOUT_MS, max(1, request.timeout // 1_000))
    handle.setopt(pycurl.CONNECT_ONLY, int(request.connect_only))
    handle.setopt(pycurl.USERAGENT, f"opskit/{__version__}")
    handle.setopt(pycurl.WRITEFUNCTION, body.write)
    return handle


def _result(handle: pycurl.Curl, body: _Body, code: int, message: str) -> TransferResult:
    if code == _STOPPED_BY_US and body.cut:
        code, message = 0, ""
    return TransferResult(
        error=clean(message) or (f"transfer error {code}" if code else ""),
        timed_out=code == _TIMED_OUT,
        status=int(handle.getinfo(pycurl.RESPONSE_CODE)),
        body=bytes(body.data),
        cut=body.cut,
        address=decode(handle.getinfo_raw(pycurl.PRIMARY_IP) or b""),
        phases=_phases(handle),
    )


def _phases(handle: pycurl.Curl) -> Phases:
    def microseconds(info: int) -> int:
        return int(handle.getinfo(info) * SECOND + 0.5)

    return Phases(
        resolved=microseconds(pycurl.NAMELOOKUP_TIME),
        connected=microseconds(pycurl.CONNECT_TIME),
        secured=microseconds(pycurl.APPCONNECT_TIME),
        first_byte=microseconds(pycurl.STARTTRANSFER_TIME),
        total=microseconds(pycurl.TOTAL_TIME),
    )
