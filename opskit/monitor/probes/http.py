"""HTTP and HTTPS: one request, its redirects where asked for, and what the answer must hold."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from opskit.core.clock import Duration, format_duration
from opskit.core.errors import ConfigError
from opskit.monitor.answers import ONLY_NAMES, Expected, HeaderName, HeaderValue, failure
from opskit.monitor.kinds import Around, Fact, Sight, Steps, TransferKind
from opskit.monitor.model import Seen
from opskit.monitor.settings import ProbeSettings
from opskit.monitor.trust import Tls, aged, expiry_facts, trust_of
from opskit.outside.files import read_secret
from opskit.outside.models import Model
from opskit.outside.transfer import TransferRequest, TransferResult

# A name and a password in it would be shown wherever the URL is.
URL = r"^https?://[^\s/?#@]+([/?#]\S*)?$"
# Facts that say one of a few things are made once: most tries say the same.
_SECURED, _CLEAR = Fact("probe_http_ssl", 1), Fact("probe_http_ssl", 0)
_IPV4, _IPV6 = Fact("probe_ip_protocol", 4), Fact("probe_ip_protocol", 6)
_SPOKEN = {
    spoken: Fact("probe_http_version", float(spoken or 0))
    for spoken in ("", "1.0", "1.1", "2", "3")
}

Status = Annotated[int, Field(ge=100, le=599)]


class Auth(Model):
    """Who asks. The secret stands in a file that others cannot read, never here."""

    bearer_file: str = Field(
        default="", description="file with a token", examples=["secrets/shop.token"]
    )
    user: str = Field(default="", pattern=r"^[^:\s]*$", description="name for basic authentication")
    password_file: str = Field(
        default="", description="file with the password", examples=["secrets/shop.password"]
    )

    @model_validator(mode="after")
    def _is_one(self) -> Auth:
        if bool(self.bearer_file) is bool(self.password_file):
            message = "give a bearer_file, or a user and a password_file"
            raise ValueError(message)
        return self

    def header(self, root: Path) -> str:
        """Return the header that says who asks.

        Raises:
            ConfigError: the file is not there, or anybody may read it.
        """
        if self.bearer_file:
            return f"Authorization: Bearer {read_secret(root / self.bearer_file)}"
        pair = f"{self.user}:{read_secret(root / self.password_file)}".encode()
        return f"Authorization: Basic {base64.b64encode(pair).decode()}"


class HttpProbe(Expected, ProbeSettings):
    """An HTTP or HTTPS request; up if the status and all that is expected of the answer is so."""

    kind: Literal["http"]
    url: str = Field(
        pattern=URL,
        description="certificates are verified",
        examples=["https://shop.example.org/health"],
    )
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = Field(
        default="GET", description="what to ask"
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict,
        description="headers to send; no secrets, for which there is auth",
        examples=[{"Accept": "application/json"}],
        json_schema_extra=ONLY_NAMES,
    )
    body: str = Field(default="", description="what to send with POST, PUT or PATCH")
    auth: Auth | None = Field(default=None, description="who asks")
    status: tuple[Status, ...] = Field(
        default=(200,), min_length=1, description="status codes that are well"
    )
    redirects: int = Field(
        default=0, ge=0, le=10, description="how many to follow; the last answer is judged"
    )
    http_version: Literal["1.0", "1.1", "2", "3"] | None = Field(
        default=None, description="the version of HTTP that must be spoken"
    )
    ip: Literal["4", "6", "any"] = Field(default="any", description="the version of IP to use")
    tls: Tls | None = Field(default=None, description="whom to believe, and for how long")

    @model_validator(mode="after")
    def _has_a_body(self) -> HttpProbe:
        if self.method == "HEAD" and self.wants_body:
            message = "an answer to HEAD has no body that could hold a text"
            raise ValueError(message)
        if self.body and self.method not in {"POST", "PUT", "PATCH"}:
            message = f"{self.method} sends no body"
            raise ValueError(message)
        if self.tls is not None and self.url.startswith("http:") and not self.redirects:
            message = "tls says nothing of a URL that begins with http:"
            raise ValueError(message)
        return self


def steps(probe: HttpProbe, around: Around) -> Steps:
    """Ask once; libcurl follows redirects by itself."""
    try:
        request = _request(probe, around.root)
    except ConfigError as error:
        return Sight(Seen.UNKNOWN, error.message)
    result = yield request
    reason = _failure(probe, result)
    seen = Seen.DOWN if reason else Seen.UP
    if probe.tls is not None and not reason:
        age = aged(result.chain, probe.tls.min_days, around.clock.now())
        seen, reason = age.seen, age.reason
    return Sight(
        seen, reason, result.phases.total, result.phases, tuple(_facts(probe, result, reason))
    )


def _request(probe: HttpProbe, root: Path) -> TransferRequest:
    headers: tuple[str, ...] = ()
    if probe.headers:
        # libcurl takes a name and a semicolon for a header without a value.
        pairs = probe.headers.items()
        headers = tuple(f"{name}: {value}" if value else f"{name};" for name, value in pairs)
    if probe.auth is not None:
        headers = (*headers, probe.auth.header(root))
    return TransferRequest(
        probe.url,
        Duration(probe.timeout),
        method=probe.method,
        headers=headers,
        body=probe.body.encode() if probe.method in {"POST", "PUT", "PATCH"} else None,
        redirects=probe.redirects,
        version=probe.http_version or "",
        family=probe.ip,
        trust=trust_of(probe.tls, root, chain=True),
        keep_headers=bool(probe.expect_headers),
    )


def _failure(probe: HttpProbe, result: TransferResult) -> str:
    if result.timed_out:
        return f"no answer within {format_duration(probe.timeout)}"
    if result.error:
        return result.error
    if result.status not in probe.status:
        wanted = ", ".join(map(str, probe.status))
        return f"status {result.status}, wanted {wanted}"
    if probe.http_version and result.version != probe.http_version:
        return f"spoke HTTP/{result.version}, wanted HTTP/{probe.http_version}"
    return failure(probe, result.body, result.headers, cut=result.cut)


def _facts(probe: HttpProbe, result: TransferResult, reason: str) -> tuple[Fact, ...]:
    """Return what blackbox_exporter tells as well, by its names."""
    if not result.status:
        return ()
    told = (
        Fact("probe_http_status_code", result.status),
        Fact("probe_http_uncompressed_body_length", len(result.body)),
        _SECURED if result.phases.secured else _CLEAR,
        _IPV6 if ":" in result.address else _IPV4,
        _SPOKEN.get(result.version, _SPOKEN[""]),
    )
    if probe.redirects or probe.matches is not None or result.chain:
        return (*told, *_asked_for(probe, result, reason))
    return told


def _asked_for(probe: HttpProbe, result: TransferResult, reason: str) -> Iterator[Fact]:
    if probe.redirects:
        yield Fact("probe_http_redirects", result.redirects)
    if probe.matches is not None:
        failed = reason.startswith(repr(probe.matches))
        yield Fact("probe_failed_due_to_regex", 1 if failed else 0)
    yield from expiry_facts(result.chain)


KIND = TransferKind(HttpProbe, steps)
