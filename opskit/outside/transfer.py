"""One transfer for a probe: what to fetch and what came of it. `transfers` runs them.

Each uses a new connection, ignores proxies of the environment, and ends within its own deadline
whatever the server does. Nothing is followed or sent that was not asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pycurl

from opskit import __version__
from opskit.core.clock import NOTHING, SECOND, Duration
from opskit.core.text import clean, decode

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

    resolved: Duration = NOTHING
    connected: Duration = NOTHING
    secured: Duration = NOTHING
    first_byte: Duration = NOTHING
    total: Duration = NOTHING


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


@dataclass(slots=True)
class Body:
    """What has come in so far, at most `limit` bytes."""

    limit: int
    data: bytearray = field(default_factory=bytearray)
    cut: bool = False

    def write(self, chunk: bytes) -> int:
        """Take a chunk; taking less of it than there is ends the transfer."""
        room = max(0, self.limit - len(self.data))
        self.data.extend(chunk[:room])
        self.cut = len(chunk) > room
        return 0 if self.cut else len(chunk)


def prepare(handle: pycurl.Curl, request: TransferRequest, body: Body) -> None:
    """Tell a handle, new or reset, what to do."""
    handle.setopt(pycurl.URL, request.url)
    handle.setopt(pycurl.CUSTOMREQUEST, request.method)
    handle.setopt(pycurl.NOBODY, request.method == "HEAD")
    handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    handle.setopt(pycurl.NOSIGNAL, 1)
    handle.setopt(pycurl.PROXY, "")
    handle.setopt(pycurl.FOLLOWLOCATION, 0)
    handle.setopt(pycurl.FRESH_CONNECT, 1)
    handle.setopt(pycurl.FORBID_REUSE, 1)
    handle.setopt(pycurl.SSL_SESSIONID_CACHE, 0)  # each probe shakes hands anew
    handle.setopt(pycurl.DNS_CACHE_TIMEOUT, 0)
    handle.setopt(pycurl.TIMEOUT_MS, max(1, request.timeout // 1_000))
    handle.setopt(pycurl.CONNECT_ONLY, int(request.connect_only))
    handle.setopt(pycurl.USERAGENT, f"opskit/{__version__}")
    handle.setopt(pycurl.WRITEFUNCTION, body.write)


def result_of(handle: pycurl.Curl, body: Body, code: int, message: str) -> TransferResult:
    """Return what came of a handle's transfer."""
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
    def microseconds(info: int) -> Duration:
        return Duration(int(handle.getinfo(info) * SECOND + 0.5))

    return Phases(
        resolved=microseconds(pycurl.NAMELOOKUP_TIME),
        connected=microseconds(pycurl.CONNECT_TIME),
        secured=microseconds(pycurl.APPCONNECT_TIME),
        first_byte=microseconds(pycurl.STARTTRANSFER_TIME),
        total=microseconds(pycurl.TOTAL_TIME),
    )
