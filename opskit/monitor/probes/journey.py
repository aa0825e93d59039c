"""A journey: requests one after another, as a user makes them; what one gives, a later one uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import quote, quote_plus

from pydantic import Field, model_validator

from opskit.core.clock import SECOND, Duration, format_duration
from opskit.core.errors import ConfigError
from opskit.monitor.answers import (
    MISSING,
    ONLY_NAMES,
    Expected,
    HeaderName,
    HeaderValue,
    JsonPath,
    Pattern,
    captured,
    failure,
    parsed,
    value_at,
)
from opskit.monitor.kinds import Around, Fact, Sight, Steps, TransferKind
from opskit.monitor.model import Seen
from opskit.monitor.probes.http import Status
from opskit.monitor.settings import Name, ProbeSettings
from opskit.monitor.trust import Tls, trust_of
from opskit.outside.files import read_secret
from opskit.outside.models import Model
from opskit.outside.transfer import TransferRequest, TransferResult, Trust

_VARIABLE = re.compile(r"\$\{([a-z][a-z0-9_]{0,30})\}")
_URL = re.compile(r"https?://[^\s/?#@]+([/?#]\S*)?")
_LONGEST = 8_000

VariableName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
Values = Mapping[str, str]


class Capture(Model):
    """Where in an answer a value is found."""

    pattern: Pattern | None = Field(
        default=None,
        description="pattern whose first group is the value, or all it matches",
        examples=['name="csrf" value="([^"]+)"'],
    )
    json_path: JsonPath | None = Field(
        default=None, description="path in a JSON body", examples=["session.token"]
    )
    header: HeaderName | None = Field(
        default=None, description="name of a header", examples=["Location"]
    )

    @model_validator(mode="after")
    def _is_one(self) -> Capture:
        if sum(one is not None for one in (self.pattern, self.json_path, self.header)) != 1:
            message = "say pattern, json_path or header, one of the three"
            raise ValueError(message)
        return self

    def value(self, result: TransferResult) -> str | None:
        """Return the value in an answer, or nothing where there is none."""
        if self.pattern is not None:
            return captured(self.pattern, result.body)
        if self.header is not None:
            wanted = self.header.lower()
            return next((text for name, text in result.headers if name == wanted), None)
        value = value_at(parsed(result.body), self.json_path or "")
        if value is MISSING or value is None or isinstance(value, dict | list):
            return None
        return str(value).lower() if isinstance(value, bool) else str(value)


class Step(Expected):
    """One request of a journey; `${name}` in it stands for what was captured before."""

    name: Name = Field(description="tells the steps apart", examples=["log-in"])
    url: str = Field(
        pattern=r"^(https?://|\$\{)\S+$",
        description="where to",
        examples=["https://shop.example.org/cart/${cart}"],
    )
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = Field(
        default="GET", description="what to ask"
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict,
        description="headers to send",
        examples=[{"Authorization": "Bearer ${token}"}],
        json_schema_extra=ONLY_NAMES,
    )
    form: dict[str, str] = Field(
        default_factory=dict,
        description="fields of a form to send",
        examples=[{"user": "monitor", "password": "${password}"}],
    )
    body: str = Field(default="", description="what to send as it is")
    status: tuple[Status, ...] = Field(
        default=(200,), min_length=1, description="status codes that are well"
    )
    redirects: int = Field(default=0, ge=0, le=10, description="how many to follow")
    capture: dict[VariableName, Capture] = Field(
        default_factory=dict,
        description="values of the answer that later steps use, by name",
        json_schema_extra=ONLY_NAMES,
    )

    @model_validator(mode="after")
    def _is_a_request(self) -> Step:
        if self.form and self.body:
            message = "give form or body, not both"
            raise ValueError(message)
        if (self.form or self.body) and self.method not in {"POST", "PUT", "PATCH"}:
            message = f"{self.method} sends no body"
            raise ValueError(message)
        return self

    def uses(self) -> set[str]:
        """Return the names of the values it stands on."""
        texts = (self.url, self.body, *self.headers.values(), *self.form.values())
        return {name for text in texts for name in _VARIABLE.findall(text)}


class JourneyProbe(ProbeSettings):
    """Several requests in order, cookies kept in between; up if each step is as expected.

    `timeout` is for all of them together.
    """

    kind: Literal["journey"]
    steps: tuple[Step, ...] = Field(min_length=1, max_length=50, description="what to ask in turn")
    secrets: dict[VariableName, str] = Field(
        default_factory=dict,
        description="files with a secret each, readable by nobody else, by the name steps use",
        examples=[{"password": "secrets/shop.password"}],
        json_schema_extra=ONLY_NAMES,
    )
    tls: Tls | None = Field(default=None, description="whom to believe")

    @model_validator(mode="after")
    def _stands_on_what_is_known(self) -> JourneyProbe:
        known = set(self.secrets)
        names: set[str] = set()
        for step in self.steps:
            unknown = sorted(step.uses() - known)
            if unknown:
                message = f"step {step.name} uses {unknown[0]!r}, which no step before it captures"
                raise ValueError(message)
            if step.name in names:
                message = f"two steps are called {step.name!r}"
                raise ValueError(message)
            names.add(step.name)
            known |= set(step.capture)
        return self


@dataclass(slots=True)
class _Way:
    """How far a journey has come."""

    values: dict[str, str]
    trust: Trust | None
    cookies: tuple[str, ...] = ()
    facts: list[Fact] = field(default_factory=list)


def steps(probe: JourneyProbe, around: Around) -> Steps:
    """Go step by step, to the first that is not as expected."""
    began = around.clock.monotonic()
    try:
        secrets = {name: read_secret(around.root / path) for name, path in probe.secrets.items()}
        trust = trust_of(probe.tls, around.root)
    except ConfigError as error:
        return Sight(Seen.UNKNOWN, error.message)
    way = _Way(secrets, trust)
    reason = ""
    for step in probe.steps:
        left = Duration(probe.timeout - (around.clock.monotonic() - began))
        request = _request(step, way, left)
        if isinstance(request, str):
            reason = request
        elif left <= 0:
            reason = _late(probe)
        else:
            reason = _taken(probe, step, way, (yield request))
        if reason:
            reason = f"{step.name}: {reason}"
            break
    took = Duration(around.clock.monotonic() - began)
    return Sight(Seen.DOWN if reason else Seen.UP, reason, took, facts=tuple(way.facts))


def _late(probe: JourneyProbe) -> str:
    return f"no answer within {format_duration(probe.timeout)} of the start"


def _request(step: Step, way: _Way, left: Duration) -> TransferRequest | str:
    """Return the request of a step, or why there can be none."""
    url = _filled_url(step.url, way.values)
    headers = [f"{name}: {_filled(text, way.values)}" for name, text in step.headers.items()]
    if _URL.fullmatch(url) is None:
        return "what was captured makes no URL"
    if not all(line.isprintable() for line in headers):
        return "what was captured cannot stand in a header"
    return TransferRequest(
        url,
        left,
        method=step.method,
        headers=tuple(headers),
        body=_body(step, way.values),
        redirects=step.redirects,
        trust=way.trust,
        cookies=way.cookies,
        keep_headers=True,
    )


def _body(step: Step, values: Values) -> bytes | None:
    if step.form:
        pairs = (
            f"{quote_plus(name)}={quote_plus(_filled(text, values))}"
            for name, text in step.form.items()
        )
        return "&".join(pairs).encode()
    if step.method in {"POST", "PUT", "PATCH"}:
        return _filled(step.body, values).encode()
    return None


def _filled(text: str, values: Values, escape: Callable[[str], str] = str) -> str:
    return _VARIABLE.sub(lambda match: escape(values[match[1]]), text)


def _filled_url(text: str, values: Values) -> str:
    """Return a URL; a value is a part of it, unless it stands where the URL begins."""
    first = _VARIABLE.match(text)
    begin = values[first[1]] if first else ""
    rest = text[first.end() :] if first else text
    return begin + _filled(rest, values, lambda value: quote(value, safe=""))


def _taken(probe: JourneyProbe, step: Step, way: _Way, result: TransferResult) -> str:
    """Take in what a step gave; return why the journey ends with it, if it does."""
    labels = (("step", step.name),)
    way.facts.append(
        Fact("opskit_probe_step_duration_seconds", result.phases.total / SECOND, labels)
    )
    if result.timed_out:
        return _late(probe)
    if result.error:
        return result.error
    way.facts.append(Fact("opskit_probe_step_status_code", result.status, labels))
    if result.status not in step.status:
        return f"status {result.status}, wanted {', '.join(map(str, step.status))}"
    reason = failure(step, result.body, result.headers, cut=result.cut)
    way.cookies = result.cookies
    for name, capture in step.capture.items():
        value = capture.value(result)
        if value is None or len(value) > _LONGEST:
            return reason or f"nothing to capture as {name!r}"
        way.values[name] = value
    return reason


KIND = TransferKind(JourneyProbe, steps)
