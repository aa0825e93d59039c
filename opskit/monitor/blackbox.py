"""blackbox.yml: modules of blackbox_exporter, looked at by opskit's own probes.

What an option means there it means here. An option that has no meaning here is refused by name
when the file is read: a probe that looks at less than it says would be worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pydantic
from pydantic import Field, model_validator

from opskit.core.clock import SECOND, Duration
from opskit.core.errors import ConfigError
from opskit.monitor.probes import KINDS
from opskit.monitor.settings import ProbeSettings
from opskit.outside.fields import Length
from opskit.outside.models import Model, read

_HOST = r"(?P<host>[A-Za-z0-9_.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])"
_PORT = r"(?::(?P<port>[0-9]{1,5}))"
# No user, no escape, no backslash: what is looked at is what is read here.
_URL = re.compile(rf"(?:(?P<scheme>https?)://)?{_HOST}{_PORT}?(?P<rest>[/?#][!-~]*)?")
_ADDRESS = re.compile(rf"{_HOST}{_PORT}")
_SERVER = re.compile(rf"{_HOST}{_PORT}?")
_NAME = re.compile(r"(?P<host>[A-Za-z0-9_.-]{1,253}|[0-9a-fA-F:.]{2,45})")
_LONGEST = 2_048
_MOST_REDIRECTS = 10
_TIMEOUT = Duration(10 * SECOND)
_SUCCESS = tuple(range(200, 300))

IpVersion = Literal["ip4", "ip6"]


class TlsConfig(Model):
    """Whom to believe."""

    ca_file: str = ""
    insecure_skip_verify: bool = False


class BasicAuth(Model):
    """A name, and the file with its password."""

    username: str
    password_file: str


class _Ip(Model):
    preferred_ip_protocol: IpVersion = "ip6"
    ip_protocol_fallback: bool = True

    @property
    def ip(self) -> str:
        """Return the version that must be used."""
        return "any" if self.ip_protocol_fallback else self.preferred_ip_protocol[-1]


class Http(_Ip):
    """Options of the prober http."""

    valid_status_codes: tuple[Annotated[int, Field(ge=100, le=599)], ...] = ()
    valid_http_versions: tuple[Literal["HTTP/1.0", "HTTP/1.1", "HTTP/2.0"], ...] = Field(
        default=(), max_length=1
    )
    method: str = "GET"
    headers: dict[str, str] = Field(default_factory=dict)
    body: str = ""
    follow_redirects: bool = True
    no_follow_redirects: bool = False
    fail_if_body_not_matches_regexp: tuple[str, ...] = Field(default=(), max_length=1)
    basic_auth: BasicAuth | None = None
    bearer_token_file: str = ""
    tls_config: TlsConfig = Field(default_factory=TlsConfig)

    @property
    def options(self) -> dict[str, object]:
        """Return the same as opskit's own probe has it."""
        follows = self.follow_redirects and not self.no_follow_redirects
        found: dict[str, object] = {
            "method": self.method,
            "status": list(self.valid_status_codes or _SUCCESS),
            "redirects": _MOST_REDIRECTS if follows else 0,
            "headers": self.headers,
            "body": self.body,
            "ip": self.ip,
            "http_version": next(
                (one.removeprefix("HTTP/").removesuffix(".0") for one in self.valid_http_versions),
                None,
            ),
            "matches": next(iter(self.fail_if_body_not_matches_regexp), None),
            "auth": self._auth,
            "tls": _tls(self.tls_config),
        }
        if self.valid_http_versions == ("HTTP/1.0",):
            found["http_version"] = "1.0"
        return found

    @property
    def _auth(self) -> dict[str, str] | None:
        if self.basic_auth:
            return {
                "user": self.basic_auth.username,
                "password_file": self.basic_auth.password_file,
            }
        return {"bearer_file": self.bearer_token_file} if self.bearer_token_file else None


def _tls(config: TlsConfig) -> dict[str, object] | None:
    if not config.model_fields_set:
        return None
    return {"ca": config.ca_file, "verify": not config.insecure_skip_verify}


class Tcp(Model):
    """Options of the prober tcp."""

    tls: bool = False
    tls_config: TlsConfig = Field(default_factory=TlsConfig)
    preferred_ip_protocol: IpVersion = "ip6"

    @property
    def options(self) -> dict[str, object]:
        """Return the same as opskit's own probe has it."""
        if not self.tls:
            return {}
        return {"min_days": None, **(_tls(self.tls_config) or {})}


class Dns(Model):
    """Options of the prober dns."""

    query_name: str
    query_type: str = "ANY"
    transport_protocol: Literal["udp"] = "udp"
    recursion_desired: bool = True
    valid_rcodes: tuple[str, ...] = Field(default=("NOERROR",), min_length=1, max_length=1)
    preferred_ip_protocol: IpVersion = "ip6"

    @property
    def options(self) -> dict[str, object]:
        """Return the same as opskit's own probe has it."""
        return {
            "query": self.query_name,
            "type": self.query_type,
            "rcode": self.valid_rcodes[0],
            "recurse": self.recursion_desired,
        }


class Icmp(_Ip):
    """Options of the prober icmp."""

    payload_size: int = 56

    @property
    def options(self) -> dict[str, object]:
        """Return the same as opskit's own probe has it."""
        return {"size": self.payload_size, "ip": self.ip}


class ModuleSettings(Model):
    """A module as the file has it."""

    prober: Literal["http", "tcp", "dns", "icmp"]
    timeout: Length = Field(default=9_500_000, description="for the whole exchange")
    http: Http = Field(default_factory=Http)
    tcp: Tcp = Field(default_factory=Tcp)
    dns: Dns | None = None
    icmp: Icmp = Field(default_factory=Icmp)

    @model_validator(mode="after")
    def _asks(self) -> ModuleSettings:
        if self.prober == "dns" and self.dns is None:
            message = "dns: query_name is missing"
            raise ValueError(message)
        return self


class BlackboxFile(Model):
    """blackbox.yml."""

    modules: dict[str, ModuleSettings] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Module:
    """How to look at any target: a kind of probe, its options, and its timeout."""

    name: str
    kind: str
    options: Mapping[str, object] = field(default_factory=dict)
    timeout: Duration = _TIMEOUT

    def host(self, target: str) -> str | None:
        """Return the host that would be looked at; nothing if the target is none."""
        match = self._match(target)
        return None if match is None else match["host"].strip("[]")

    def _match(self, target: str) -> re.Match[str] | None:
        patterns = {"http": _URL, "dns": _SERVER, "icmp": _NAME}
        return patterns.get(self.kind, _ADDRESS).fullmatch(target[: _LONGEST + 1])

    def probe(self, target: str, timeout: Duration, **others: object) -> ProbeSettings:
        """Return a probe of a target that ends within `timeout`, and in the module's own.

        Raises:
            ValueError: the target is none for this module.
        """
        match = self._match(target)
        if match is None or len(target) > _LONGEST:
            message = f"no target for module {self.name}"
            raise ValueError(message)
        milliseconds = max(100, min(timeout, self.timeout) // 1_000)
        settings = {
            **self.options,
            **others,
            **_place(self.kind, match),
            "kind": self.kind,
            "interval": "1h",
            "confirm_after": "100ms",
            "timeout": f"{milliseconds}ms",
        }
        model = KINDS[self.kind].settings
        return model.model_validate(_known(model, settings))


def _place(kind: str, match: re.Match[str]) -> dict[str, str]:
    """Return where to look, by the name that the kind has for it."""
    if kind == "http":
        given = match["scheme"] is not None
        return {"url": match[0] if given else f"http://{match[0]}"}
    if kind == "dns":
        return {"server": f"{match['host']}:{match['port'] or 53}"}
    return {"host" if kind == "icmp" else "address": match[0]}


_NEUTRAL: tuple[object, ...] = (None, "", 0, {}, "any", "GET")


def _known(model: type[ProbeSettings], settings: dict[str, object]) -> dict[str, object]:
    """Leave out what says nothing and what this kind has no name for; the rest it must know."""
    return {
        name: value
        for name, value in settings.items()
        if name in model.model_fields or value not in _NEUTRAL
    }


_SAMPLES = {"http": "http://localhost/", "dns": "127.0.0.1:53", "icmp": "localhost"}


def modules(path: Path, *, name: str = "") -> dict[str, Module]:
    """Return the modules of a blackbox.yml.

    Raises:
        DataError: the file holds mistakes, or options that have no meaning here.
        ConfigError: a module asks for what none of opskit's probes can do.
    """
    settings = read(path, BlackboxFile, name=name)
    return {key: _module(key, one, name or str(path)) for key, one in settings.modules.items()}


def _module(name: str, one: ModuleSettings, file: str) -> Module:
    section = getattr(one, one.prober)
    kind = "tls" if one.prober == "tcp" and one.tcp.tls else one.prober
    module = Module(name, kind, section.options, Duration(one.timeout))
    if kind not in KINDS:
        raise ConfigError(f"{file}: modules.{name}: there is no probe {kind}", hint="leave it out")
    try:
        module.probe(_SAMPLES.get(kind, "localhost:1"), module.timeout)
    except pydantic.ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in detail["loc"])
        message = f"{file}: modules.{name}: {key or kind}: {detail['msg']}"
        raise ConfigError(message, hint="opskit's probe cannot do that; leave it out") from error
    return module


def _built_in() -> dict[str, Module]:
    # An http probe that cannot follow redirects is one that does not.
    follows = "redirects" in KINDS["http"].settings.model_fields
    options: dict[str, object] = {"status": list(_SUCCESS)}
    options |= {"redirects": _MOST_REDIRECTS} if follows else {}
    found = [Module("http_2xx", "http", options), Module("tcp_connect", "tcp")]
    return {one.name: one for one in (*found, Module("icmp", "icmp")) if one.kind in KINDS}


BUILT_IN: Mapping[str, Module] = _built_in()
