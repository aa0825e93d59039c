"""Who may ask: the token, the names it is reached by, and where it may listen at all."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from opskit.core.errors import ConfigError
from opskit.outside.config import Config, Serve
from opskit.outside.files import translated
from opskit.outside.systemd import credential

_CREDENTIAL = "credential:"
_SHORTEST = 16
HOW_TO_MAKE_ONE = "head -c 32 /dev/urandom | base64 > FILE; chmod 600 FILE"
_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9_.-]{1,253})(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Tls:
    """Where the certificate chain and its key are."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask for what. Without a token there is only this machine."""

    token: bytes
    hosts: frozenset[str]

    def knows_host(self, header: str) -> bool:
        """Return whether a Host header names this server: else a page elsewhere sent us here."""
        match = _HOST.fullmatch(header)
        return match is not None and match["name"].strip("[]").rstrip(".").lower() in self.hosts

    def allows(self, authorization: str, *, basic: bool) -> bool:
        """Return whether a header carries the token; `basic` as a browser sends a password."""
        return not self.token or self._carries(authorization, self.token, basic=basic)

    @staticmethod
    def allows_sender(authorization: str, token: bytes) -> bool:
        """Return whether a header carries the token of one sender of alerts."""
        return Access._carries(authorization, token, basic=True)

    def allows_beat(self, authorization: str, name: str) -> bool:
        """Return whether a header carries the token of one heartbeat, or the one for all."""
        own = beat_token(self.token, name)
        return self.allows(authorization, basic=False) or self._carries(
            authorization, own.encode(), basic=False
        )

    @staticmethod
    def _carries(authorization: str, token: bytes, *, basic: bool) -> bool:
        scheme, _, given = authorization.partition(" ")
        words = given.strip().encode("utf-8", "surrogatepass")
        if basic and scheme.lower() == "basic":
            try:
                words = base64.b64decode(words, validate=True).partition(b":")[2]
            except (binascii.Error, ValueError):
                return False
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(words, token)


def beat_token(token: bytes, name: str) -> str:
    """Return the token with which one heartbeat can call in, and nothing else.

    It follows from the token for all, so that nothing more is to be kept.
    """
    digest = hmac.new(token, b"heartbeat:" + name.encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:15]).decode().lower()


def access(config: Config, environment: Mapping[str, str]) -> tuple[Access, Tls | None]:
    """Return who may ask, and the certificate to show.

    Raises:
        ConfigError: it would be open to others than this machine, or a file cannot be used.
    """
    settings = config.settings.serve
    _refuse_open_doors(settings)
    token = b""
    if settings.token_file:
        token = secret(config, settings.token_file, environment).strip()
        if len(token) < _SHORTEST:
            raise ConfigError("the token is too short to be one", hint=HOW_TO_MAKE_ONE)
    tls = None
    if settings.certificate or settings.key:
        if not (settings.certificate and settings.key):
            raise ConfigError("serve: certificate and key go together", hint="give both")
        secret(config, settings.key, environment)
        chain = _path(config, settings.certificate, environment)
        tls = Tls(chain, _path(config, settings.key, environment))
    return Access(token, _hosts(settings)), tls


def _hosts(settings: Serve) -> frozenset[str]:
    own = {"localhost", "127.0.0.1", "::1"} if settings.on_loopback else set()
    return frozenset(name.lower() for name in {*own, settings.host, *settings.hosts})


def _refuse_open_doors(settings: Serve) -> None:
    if settings.on_loopback:
        return
    needed = {
        "token_file": settings.token_file,
        "certificate": settings.certificate,
        "key": settings.key,
    }
    missing = [f"serve.{name}" for name, value in needed.items() if not value]
    if missing:
        how = "" if settings.token_file else f"a token: {HOW_TO_MAKE_ONE}; or "
        raise ConfigError(
            f"others could reach {settings.listen}: set {', '.join(missing)} in opskit.yaml",
            hint=f"{how}listen: 127.0.0.1:{settings.port}",
        )


def _path(config: Config, name: str, environment: Mapping[str, str]) -> Path:
    if name.startswith(_CREDENTIAL):
        return credential(name.removeprefix(_CREDENTIAL), environment)
    return config.path(name)


def secret(config: Config, name: str, environment: Mapping[str, str]) -> bytes:
    """Return what a secret file holds; systemd guards the ones it passes on.

    Raises:
        ConfigError: it is missing, or can be read by others.
    """
    path = _path(config, name, environment)
    with translated(path):
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            if not name.startswith(_CREDENTIAL) and os.fstat(handle).st_mode & 0o077:
                raise ConfigError(f"{path} can be read by others", hint=f"chmod 600 {path}")
            return stream.read(65_536)


def may_look_at(host: str, allowed: tuple[str, ...]) -> bool:
    """Return whether /probe may look at a host.

    Addresses are held against networks, names against patterns; no name is resolved for it, so
    that none can change its mind afterwards.
    """
    if not allowed:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.rstrip(".").lower()
        return any(_matches(name, pattern.lower()) for pattern in allowed)
    return any(address in network for network in map(_network, allowed) if network)


def _matches(name: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return name.endswith(pattern[1:]) and len(name) > len(pattern) - 1
    return name == pattern


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
