"""One transfer for a probe: what to fetch and what came of it. `transfers` runs them.

Each uses a new connection, ignores proxies of the environment, and ends within its own deadline
whatever the server does. Nothing is followed or sent that was not asked for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import pycurl

from opskit import __version__
from opskit.core.clock import NOTHING, SECOND, Duration
from opskit.core.text import clean, decode

_TIMED_OUT = 28
_STOPPED_BY_US = 23
_MAX_HEADERS = 500
# How long and how far is told elsewhere: a failure of the same kind is told in the same words.
_MEASURED = re.compile(r" after \d+ ms| with \d+ (?:out of \d+ )?bytes [a-z ]+", re.ASCII)
_REFUSED = re.compile(r"Failed to connect to (?P<place>\S+):")
_VERSIONS = {
    "1.0": pycurl.CURL_HTTP_VERSION_1_0,
    "1.1": pycurl.CURL_HTTP_VERSION_1_1,
    "2": pycurl.CURL_HTTP_VERSION_2_0,
    "3": pycurl.CURL_HTTP_VERSION_3,
}
_SPOKEN = {code: version for version, code in _VERSIONS.items()}
_FAMILIES = {"4": pycurl.IPRESOLVE_V4, "6": pycurl.IPRESOLVE_V6, "any": pycurl.IPRESOLVE_WHATEVER}

Family = Literal["4", "6", "any"]


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to believe: the authorities in a file, or the system's; `chain` asks what was shown."""

    authorities: str = ""
    verify: bool = True
    chain: bool = False


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """What to fetch. `connect_only` opens a TCP connection and says nothing on it.

    Headers are whole lines, and may hold a secret: `Authorization` goes to no other host than the
    first. Cookies, as `TransferResult` tells them, are kept where there is a tuple for them.
    """

    url: str
    timeout: Duration
    max_bytes: int = 1_000_000
    connect_only: bool = False
    method: str = "GET"
    headers: tuple[str, ...] = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)
    redirects: int = 0
    version: str = ""
    family: Family = "any"
    trust: Trust | None = None
    cookies: tuple[str, ...] | None = field(default=None, repr=False)
    keep_headers: bool = False


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
    """What came of it. `error` is empty where a full answer, or its first `max_bytes`, came.

    `ours` says that opskit itself lacked something, which tells nothing of the other side.
    """

    error: str
    timed_out: bool
    status: int
    body: bytes
    cut: bool
    address: str
    phases: Phases
    version: str = ""
    redirects: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[str, ...] = field(default=(), repr=False)
    chain: tuple[str, ...] = ()
    ours: bool = False


@dataclass(slots=True)
class Body:
    """What has come in so far, at most `limit` bytes."""

    limit: int
    data: bytearray = field(default_factory=bytearray)
    cut: bool = False
    lines: list[bytes] = field(default_factory=list)

    def write(self, chunk: bytes) -> int:
        """Take a chunk; taking less of it than there is ends the transfer."""
        room = max(0, self.limit - len(self.data))
        self.data.extend(chunk[:room])
        self.cut = len(chunk) > room
        return 0 if self.cut else len(chunk)

    def head(self, line: bytes) -> None:
        """Take a line of headers; those of the last answer are kept."""
        if line.startswith(b"HTTP/"):
            self.lines.clear()
        elif len(self.lines) < _MAX_HEADERS:
            self.lines.append(line)


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
    if request.body is not None or request.headers or request.keep_headers:
        _prepare_message(handle, request, body)
    if request.cookies is not None:
        _prepare_cookies(handle, request.cookies)
    if request.redirects:
        handle.setopt(pycurl.FOLLOWLOCATION, 1)
        handle.setopt(pycurl.MAXREDIRS, request.redirects)
        handle.setopt(pycurl.REDIR_PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    if request.version:
        handle.setopt(pycurl.HTTP_VERSION, _VERSIONS[request.version])
    if request.family != "any":
        handle.setopt(pycurl.IPRESOLVE, _FAMILIES[request.family])
    if request.trust is not None:
        _prepare_trust(handle, request.trust)


def _prepare_message(handle: pycurl.Curl, request: TransferRequest, body: Body) -> None:
    if request.body is not None:
        handle.setopt(pycurl.POSTFIELDS, request.body)
        handle.setopt(pycurl.CUSTOMREQUEST, request.method)
    if request.headers:
        handle.setopt(pycurl.HTTPHEADER, [line.encode() for line in request.headers])
    if request.keep_headers:
        handle.setopt(pycurl.HEADERFUNCTION, body.head)


def _prepare_cookies(handle: pycurl.Curl, cookies: tuple[str, ...]) -> None:
    handle.setopt(pycurl.COOKIEFILE, "")
    for line in cookies:
        handle.setopt(pycurl.COOKIELIST, line)


def _prepare_trust(handle: pycurl.Curl, trust: Trust) -> None:
    handle.setopt(pycurl.SSL_VERIFYPEER, int(trust.verify))
    handle.setopt(pycurl.SSL_VERIFYHOST, 2 if trust.verify else 0)
    if trust.authorities:
        handle.setopt(pycurl.CAINFO, trust.authorities)
    if trust.chain:
        handle.setopt(pycurl.OPT_CERTINFO, 1)


def result_of(
    handle: pycurl.Curl, request: TransferRequest, body: Body, code: int, message: str
) -> TransferResult:
    """Return what came of a handle's transfer."""
    if code == _STOPPED_BY_US and body.cut:
        code, message = 0, ""
    return TransferResult(
        error=_words(handle, code, message) if code else "",
        timed_out=code == _TIMED_OUT,
        status=int(handle.getinfo(pycurl.RESPONSE_CODE)),
        body=bytes(body.data),
        cut=body.cut,
        address=decode(handle.getinfo_raw(pycurl.PRIMARY_IP) or b""),
        phases=_phases(handle),
        version=_SPOKEN.get(handle.getinfo(pycurl.INFO_HTTP_VERSION), ""),
        redirects=handle.getinfo(pycurl.REDIRECT_COUNT) if request.redirects else 0,
        headers=tuple(_headers(body.lines)) if body.lines else (),
        cookies=_cookies(handle) if request.cookies is not None else (),
        chain=_chain(handle) if request.trust and request.trust.chain else (),
    )


def _words(handle: pycurl.Curl, code: int, message: str) -> str:
    """Return why a transfer failed; where nobody took the connection, what the kernel says."""
    words = _MEASURED.sub("", clean(message)) or f"transfer error {code}"
    number = handle.getinfo(pycurl.OS_ERRNO) if code == pycurl.E_COULDNT_CONNECT else 0
    refused = _REFUSED.match(words)
    if not number or refused is None:
        return words
    return f"{os.strerror(number).lower()}: {refused['place']}"


def _headers(lines: list[bytes]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, colon, value = line.partition(b":")
        if colon:
            yield decode(name.strip()).lower(), decode(value.strip())


def _cookies(handle: pycurl.Curl) -> tuple[str, ...]:
    # Bytes that are no text would not go back in as they came out: such a cookie is left out.
    raw = (bytes(line) for line in handle.getinfo_raw(pycurl.INFO_COOKIELIST))
    return tuple(line.decode() for line in raw if line.isascii())


def _chain(handle: pycurl.Curl) -> tuple[str, ...]:
    """Return the certificates the server sent, its own first, as PEM."""
    told = handle.getinfo_raw(pycurl.INFO_CERTINFO) or ()
    return tuple(
        decode(bytes(value)) for one in told for name, value in one if bytes(name) == b"Cert"
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
