"""The guarded HTTP client for webhooks and APIs: total deadline, size cap, no redirects.

`requests` alone waits for each byte, follows redirects and talks to any address. Here the
deadline covers the whole exchange (a server that drips is cut off), the peer's address is checked
after connecting (a name that changes between check and use cannot reach inside), and a redirect
is an answer, not a command.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import requests.adapters
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from opskit.core.errors import ConfigError, OpskitError, OutsideError, Refused
from opskit.core.text import clean

_CHUNK = 65_536
_NO_URL = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
)
_SUCCESS = range(200, 300)
_GONE_FOR_GOOD = frozenset({400, 401, 403, 404, 405, 410, 422})


class TooLarge(OutsideError):
    """The answer went on past the bytes allowed; asking for less may help."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


# Translators of IPv4 (RFC 6052, RFC 8215): behind such an address is the one in its last bits.
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
_TRANSLATED_LOCALLY = ipaddress.IPv6Network("64:ff9b:1::/48")


def _is_public(peer: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(peer, ipaddress.IPv6Address):
        behind = peer.ipv4_mapped or peer.sixtofour
        if peer in _TRANSLATED:
            behind = ipaddress.IPv4Address(int(peer) & 0xFFFF_FFFF)
        if peer in _TRANSLATED_LOCALLY or (behind and not _is_public(behind)):
            return False
    return peer.is_global and not peer.is_multicast


@dataclass
class _Guard:
    """Watches the sockets of one exchange."""

    deadline: float
    allow_private: bool
    sockets: list[socket.socket] = field(default_factory=list)
    refused: str = ""

    def connected(self, sock: socket.socket) -> None:
        peer = ipaddress.ip_address(str(sock.getpeername()[0]).split("%")[0])
        if not self.allow_private and not _is_public(peer):
            self.refused = str(peer)
            sock.close()
            message = f"{peer} is not a public address"
            raise OSError(message)
        # A second handle: TLS takes the first one over, and nothing could be shut through it.
        self.sockets.append(sock.dup())

    def cut(self) -> None:
        for sock in self.sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        for sock in self.sockets:
            sock.close()


def _guarded_connection(base: type[HTTPConnection], guard: _Guard) -> type[HTTPConnection]:
    class Guarded(base):  # type: ignore[misc, valid-type]  # one of urllib3's two connection classes
        def _new_conn(self) -> socket.socket:
            sock: socket.socket = super()._new_conn()
            guard.connected(sock)
            return sock

    return Guarded


class _Adapter(requests.adapters.HTTPAdapter):
    def __init__(self, guard: _Guard) -> None:
        self._guard = guard
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # as inherited
        super().init_poolmanager(*args, **kwargs)
        pools = {"http": urllib3.HTTPConnectionPool, "https": urllib3.HTTPSConnectionPool}
        bases = {"http": HTTPConnection, "https": HTTPSConnection}
        self.poolmanager.pool_classes_by_scheme = {
            scheme: type(
                pool.__name__,
                (pool,),
                {"ConnectionCls": _guarded_connection(bases[scheme], self._guard)},
            )
            for scheme, pool in pools.items()
        }


def post(  # each bound is named
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    seconds: float = 15.0,
    max_bytes: int = 1_000_000,
    allow_private: bool = False,
    ca_file: Path | None = None,
) -> Response:
    """POST `body` and return the answer, within `seconds` from first to last byte.

    `ca_file` holds who vouches for the server, instead of those whom everybody trusts.

    Raises:
        Refused: the name leads to an address that is not public and was not allowed.
        OutsideError: no answer in time, a broken one, or one over `max_bytes`; retryable.
        ConfigError: the URL is none.
    """
    guard = _Guard(time.monotonic() + seconds, allow_private)
    return _guarded(_Ask("POST", url, headers, seconds, max_bytes, ca_file, body), guard)


def put(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    seconds: float = 15.0,
    allow_private: bool = False,
) -> Response:
    """PUT `body` and return the answer, under the bounds and with the errors of `post`."""
    guard = _Guard(time.monotonic() + seconds, allow_private)
    return _guarded(_Ask("PUT", url, headers, seconds, 1_000_000, None, body), guard)


def get(  # each bound is named
    url: str,
    headers: Mapping[str, str],
    *,
    seconds: float = 15.0,
    max_bytes: int = 1_000_000,
    allow_private: bool = False,
    ca_file: Path | None = None,
) -> Response:
    """GET and return the answer, under the bounds and with the errors of `post`."""
    guard = _Guard(time.monotonic() + seconds, allow_private)
    return _guarded(_Ask("GET", url, headers, seconds, max_bytes, ca_file), guard)


def delete(
    url: str,
    headers: Mapping[str, str],
    *,
    seconds: float = 15.0,
    allow_private: bool = False,
    ca_file: Path | None = None,
) -> Response:
    """DELETE and return the answer, under the bounds and with the errors of `post`."""
    guard = _Guard(time.monotonic() + seconds, allow_private)
    return _guarded(_Ask("DELETE", url, headers, seconds, 1_000_000, ca_file), guard)


@dataclass(frozen=True, slots=True)
class _Ask:
    """One request and its bounds."""

    method: str
    url: str
    headers: Mapping[str, str]
    seconds: float
    max_bytes: int
    ca_file: Path | None
    body: bytes | None = None


def _guarded(ask: _Ask, guard: _Guard) -> Response:
    timer = threading.Timer(ask.seconds, guard.cut)
    timer.daemon = True
    timer.start()
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy from the environment would hide the peer
            session.verify = True if ask.ca_file is None else str(ask.ca_file)
            session.mount("http://", _Adapter(guard))
            session.mount("https://", _Adapter(guard))
            return _exchange(session, guard, ask)
    except _NO_URL as error:
        raise ConfigError(f"{ask.url} is not a URL", hint="write https://host/path") from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise _failure(error, guard, ask.url, ask.seconds) from error
    finally:
        timer.cancel()
        timer.join()
        guard.close()


def _exchange(session: requests.Session, guard: _Guard, ask: _Ask) -> Response:
    with session.request(
        ask.method,
        ask.url,
        data=ask.body,
        headers=dict(ask.headers),
        stream=True,
        timeout=ask.seconds,
        allow_redirects=False,
    ) as response:
        received = bytearray()
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            received.extend(chunk)
            if len(received) > ask.max_bytes:
                message = f"{ask.url} answered with more than {ask.max_bytes:,} bytes"
                raise TooLarge(message, retryable=True)
            if time.monotonic() > guard.deadline:
                break
        if time.monotonic() > guard.deadline:
            message = "deadline passed"
            raise requests.Timeout(message)
        return Response(response.status_code, dict(response.headers), bytes(received))


def _failure(error: Exception, guard: _Guard, url: str, seconds: float) -> OpskitError:
    if guard.refused:
        return Refused(
            f"{url} leads to {guard.refused}, which is not a public address",
            hint="if that is meant, set allow_private: true beside the URL",
        )
    if time.monotonic() >= guard.deadline or isinstance(error, requests.Timeout):
        return OutsideError(f"{url} did not answer within {seconds:g} s", retryable=True)
    chain = list(_chain(error))
    if any(isinstance(each, urllib3.exceptions.LocationParseError) for each in chain):
        return ConfigError(f"{url} is not a URL", hint="write https://host/path")
    reason = clean(str(getattr(chain[-1], "strerror", "") or chain[-1]))
    return OutsideError(f"{url} cannot be reached: {reason}", retryable=True)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it wraps: the libraries put layers of their own around a reason."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def require_success(url: str, response: Response) -> None:
    """Raise unless the answer is 2xx; a redirect is a failure, and some are final.

    Raises:
        OutsideError: `retryable` tells whether sending the same again may help.
    """
    if response.status in _SUCCESS:
        return
    retryable = response.status not in _GONE_FOR_GOOD and response.status not in range(300, 400)
    raise OutsideError(f"{url} answered {response.status}", retryable=retryable)
