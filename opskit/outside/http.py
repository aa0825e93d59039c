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
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
import requests.adapters
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from opskit.core.errors import ConfigError, OutsideError, Refused

_CHUNK = 65_536
_SUCCESS = range(200, 300)
_GONE_FOR_GOOD = frozenset({400, 401, 403, 404, 405, 410, 422})


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class _Guard:
    """Watches the sockets of one exchange."""

    deadline: float
    allow_private: bool
    sockets: list[socket.socket] = field(default_factory=list)
    refused: str = ""

    def connected(self, sock: socket.socket) -> None:
        peer = ipaddress.ip_address(str(sock.getpeername()[0]).split("%")[0])
        if not self.allow_private and not peer.is_global:
            self.refused = str(peer)
            sock.close()
            message = f"{peer} is not a public address"
            raise OSError(message)
        self.sockets.append(sock)

    def cut(self) -> None:
        for sock in self.sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


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
) -> Response:
    """POST `body` and return the answer, within `seconds` from first to last byte.

    Raises:
        Refused: the name leads to an address that is not public and was not allowed.
        OutsideError: no answer in time, a broken one, or one over `max_bytes`; retryable.
        ConfigError: the URL is none.
    """
    guard = _Guard(time.monotonic() + seconds, allow_private)
    timer = threading.Timer(seconds, guard.cut)
    timer.daemon = True
    timer.start()
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy from the environment would hide the peer
            session.mount("http://", _Adapter(guard))
            session.mount("https://", _Adapter(guard))
            return _exchange(session, guard, url, body, headers, max_bytes, seconds)
    except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema) as error:
        raise ConfigError(f"{url} is not a URL", hint="write https://host/path") from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise _failure(error, guard, url, seconds) from error
    finally:
        timer.cancel()


def _exchange(  # inner half of `post`
    session: requests.Session,
    guard: _Guard,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    max_bytes: int,
    seconds: float,
) -> Response:
    response = session.post(
        url, data=body, headers=dict(headers), stream=True, timeout=seconds, allow_redirects=False
    )
    received = bytearray()
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        received.extend(chunk)
        if len(received) > max_bytes:
            raise OutsideError(f"{url} answered with more than {max_bytes:,} bytes")
        if time.monotonic() > guard.deadline:
            break
    if time.monotonic() > guard.deadline:
        message = "deadline passed"
        raise requests.Timeout(message)
    return Response(response.status_code, dict(response.headers), bytes(received))


def _failure(error: Exception, guard: _Guard, url: str, seconds: float) -> Refused | OutsideError:
    if guard.refused:
        return Refused(
            f"{url} leads to {guard.refused}, which is not a public address",
            hint="if that is meant, set allow_private: true beside the URL",
        )
    if time.monotonic() >= guard.deadline or isinstance(error, requests.Timeout):
        return OutsideError(f"{url} did not answer within {seconds:g} s", retryable=True)
    reason = str(getattr(error, "reason", "") or error).rsplit(": ", 1)[-1]
    return OutsideError(f"{url} cannot be reached: {reason}", retryable=True)


def require_success(url: str, response: Response) -> None:
    """Raise unless the answer is 2xx; a redirect is a failure, and some are final.

    Raises:
        OutsideError: `retryable` tells whether sending the same again may help.
    """
    if response.status in _SUCCESS:
        return
    retryable = response.status not in _GONE_FOR_GOOD and response.status not in range(300, 400)
    raise OutsideError(f"{url} answered {response.status}", retryable=retryable)
