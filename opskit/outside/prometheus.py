"""The one door to the HTTP API of a Prometheus, or of what answers as one.

Thanos, Mimir and VictoriaMetrics speak it too. Only what is read is asked for: raw samples of a
selector, sums per step, names of series. A span is `(start, end]`, as range selectors of
Prometheus 3 take it; where the server's are closed on both sides, nothing is read twice either.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from opskit.core.clock import DAY
from opskit.core.errors import ConfigError, OpskitError, OutsideError
from opskit.core.interval import Interval
from opskit.core.text import clean, shorten
from opskit.outside import http, prometheus_wire as wire
from opskit.outside.prometheus_wire import MILLISECOND, Answer, Garbled, Labels, seconds

MAX_POINTS = 10_000  # of a range query; servers refuse more than 11,000
_OK = 200
_UNAUTHORIZED = frozenset({401, 403})
_NO_SUCH_API = frozenset({404, 405, 501})
_SELECTOR = 'a selector is e.g. probe_success{instance="https://shop"}, without a function'
_LESS = "a shorter period, or a selector that finds fewer series"


class TooMuch(OutsideError):
    """The server, or the bound on its answer, does not allow that much at once; ask for less."""


class Flavor(StrEnum):
    """How raw samples are asked for."""

    PROMETHEUS = "prometheus"
    VICTORIAMETRICS = "victoriametrics"


class Edges(StrEnum):
    """Whether a range selector takes a sample at its very start, as before Prometheus 3."""

    CLOSED = "closed"
    LEFT_OPEN = "left-open"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answers. `edges` is nothing where it cannot be told: sums per step are no use then."""

    flavor: Flavor
    version: str
    edges: Edges | None


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what is asked and waited for: `seconds` for all requests together."""

    seconds: float = 300.0
    request_seconds: float = 60.0
    max_bytes: int = 64_000_000  # of one answer, unpacked
    max_samples: int = 50_000_000  # of one query: the server's --query.max-samples


@dataclass
class Server:
    """A server at `url`, the part before `/api/v1`. `headers` tell it who asks.

    Its time begins when it is made. Every call raises `TooMuch`; `ConfigError` for what the
    server does not understand; `OutsideError` for what it does not, or not properly, answer.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    limits: Limits = field(default_factory=Limits)
    ca_file: Path | None = None
    received: int = 0  # bytes, unpacked
    requests: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no plain address."""
        parts = urlsplit(self.url)
        if parts.username or parts.password:
            message = "the address of a Prometheus must not hold a name or a password"
            raise ConfigError(message, hint="give --user and --password-file")
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query:
            message = f"{clean(self.url)} is not the address of a Prometheus"
            raise ConfigError(message, hint="write https://host:9090, with its path if it has one")
        self.url = self.url.rstrip("/")
        self._deadline = time.monotonic() + self.limits.seconds

    def identity(self) -> Identity:
        """Return who answers. How ranges are cut is tried, not looked up in a list of versions."""
        response = self._send("status/buildinfo", None)
        version = ""
        if response.status == _OK:
            data = self._parsed(response).get("data")
            version = clean(str(data.get("version", ""))) if isinstance(data, dict) else ""
        elif response.status not in _NO_SUCH_API:
            raise self._refusal(response)
        # Every answer of VictoriaMetrics has this header, and no other server's.
        if any(name.lower() == "x-server-hostname" for name in response.headers):
            return Identity(Flavor.VICTORIAMETRICS, version, None)
        return Identity(Flavor.PROMETHEUS, version, self._edges())

    def _edges(self) -> Edges | None:
        """Tell how ranges are cut: of steps a minute apart, one or two lie within a minute."""
        # At a whole number of minutes: the steps of a subquery are.
        form = {"query": "count_over_time(vector(1)[1m:1m])", "time": seconds(DAY)}
        found = [value for _, points in self._query("query", form).series for _, value in points]
        return {1.0: Edges.LEFT_OPEN, 2.0: Edges.CLOSED}.get(found[0]) if found else None

    def series(self, selector: str, span: Interval) -> tuple[tuple[Labels, ...], tuple[str, ...]]:
        """Return the labels of every series that a selector finds in `span`; and warnings."""
        data, warnings = self._ask("series", {"match[]": selector, **_bounds(span)})
        if not isinstance(data, list):
            raise self._garbled("a list of series")
        try:
            return tuple(wire.labels(one) for one in data), warnings
        except Garbled as error:
            raise self._garbled(str(error)) from error

    def points(self, selector: str, span: Interval) -> Answer:
        """Return the raw samples of a selector in `span`, which is whole milliseconds.

        An instant query with a range has no step and no lookback, and the limit on the points of
        a range query does not hold for it.
        """
        length = span.length // MILLISECOND
        form = {"query": f"{selector}[{length}ms]", "time": seconds(span.end)}
        return self._query("query", form, "matrix").within(span)

    def exported(self, selector: str, span: Interval) -> Answer:
        """Return the same from the export API of VictoriaMetrics, whose ranges differ."""
        response = self._send("export", {"match[]": selector, **_bounds(span)})
        if response.status != _OK:
            raise self._refusal(response)
        try:
            return Answer(wire.exported(response.body)).within(span)
        except Garbled as error:
            raise self._garbled(str(error)) from error

    def over_time(
        self, function: str, selector: str, span: Interval, step: int, edges: Edges
    ) -> Answer:
        """Return e.g. `sum_over_time` of each step of `span`, at the end of the step.

        Of a step too the start is left out. The caller asks for at most `MAX_POINTS` of them.
        """
        # A range closed on both sides begins at the first millisecond after the last step.
        width = step // MILLISECOND - (edges is Edges.CLOSED)
        form = {
            "query": f"{function}({selector}[{width}ms])",
            "start": seconds(span.start + step),
            "end": seconds(span.end),
            "step": seconds(step),
        }
        return self._query("query_range", form, "matrix")

    def _query(self, path: str, form: Mapping[str, str], kind: str = "") -> Answer:
        data, warnings = self._ask(path, form)
        if kind and isinstance(data, dict) and data.get("resultType") != kind:
            message = f"{shorten(clean(form['query']), 200)} selects no samples"
            raise ConfigError(message, hint=_SELECTOR)
        try:
            return Answer(wire.result(data), warnings)
        except Garbled as error:
            raise self._garbled(str(error)) from error

    def _ask(self, path: str, form: Mapping[str, str]) -> tuple[object, tuple[str, ...]]:
        """Return the data of an answer and what the server warns of."""
        response = self._send(path, form)
        if response.status != _OK:
            raise self._refusal(response)
        body = self._parsed(response)
        if body.get("status") != "success":
            raise self._refusal(response)
        return body.get("data"), tuple(wire.warnings(body))

    def _parsed(self, response: http.Response) -> dict[str, object]:
        try:
            return wire.parsed(response.body)
        except Garbled as error:
            raise self._garbled(str(error)) from error

    def _garbled(self, wanted: str) -> OutsideError:
        message = f"{self.url} answered with something that is not {wanted}"
        return OutsideError(message, hint="is a Prometheus there, and no page in front of it?")

    def _send(self, path: str, form: Mapping[str, str] | None) -> http.Response:
        url, limits = f"{self.url}/api/v1/{path}", self.limits
        left = self._deadline - time.monotonic()
        if left <= 0:
            message = f"{self.url} did not tell everything within {limits.seconds:g} s"
            raise OutsideError(message, hint="--timeout 15m, or a shorter period", retryable=True)
        send = partial(
            http.get if form is None else http.post,
            seconds=min(limits.request_seconds, left),
            max_bytes=limits.max_bytes,
            allow_private=True,
            ca_file=self.ca_file,
        )
        self.requests += 1
        try:
            if form is None:
                response = send(url, headers=self.headers)
            else:
                headers = {**self.headers, "Content-Type": "application/x-www-form-urlencoded"}
                body = urlencode(form, errors="backslashreplace").encode()
                response = send(url, body=body, headers=headers)
        except http.TooLarge as error:
            raise TooMuch(error.message, hint=_LESS) from error
        self.received += len(response.body)
        return response

    def _refusal(self, response: http.Response) -> OpskitError:
        return _error(self.url, response.status, *wire.complaint(response.body))


def _error(url: str, status: int, kind: str, said: str) -> OpskitError:
    """Return what the server said against a request, with the next step."""
    words = f": {said}" if said else ""
    if kind == "bad_data":
        return ConfigError(f"{url} does not understand the query{words}", hint=_SELECTOR)
    if status == 422 or kind in {"timeout", "canceled", "execution"}:
        return TooMuch(f"{url} cannot answer that much{words}", hint=_LESS, retryable=True)
    if status in _UNAUTHORIZED:
        hint = "--token-file FILE, or --user NAME with --password-file FILE"
        return ConfigError(f"{url} does not let opskit in: {status}{words}", hint=hint)
    if status in range(300, 400):
        return ConfigError(f"{url} sends elsewhere: {status}", hint="give the address it leads to")
    if status in _NO_SUCH_API:
        hint = "give the part before /api/v1, with its path: https://mimir/prometheus"
        return ConfigError(f"{url} has no Prometheus API: {status}", hint=hint)
    retryable = status >= 500 or status == 429
    hint = "wait until it is ready, then run the same command again" if retryable else ""
    return OutsideError(f"{url} answered {status}{words}", hint=hint, retryable=retryable)


def _bounds(span: Interval) -> dict[str, str]:
    return {"start": seconds(span.start), "end": seconds(span.end)}
