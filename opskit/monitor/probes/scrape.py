"""A scrape: a Prometheus endpoint answers, and the named series are kept and held to limits."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from opskit.core.clock import Duration, format_duration
from opskit.core.errors import ConfigError
from opskit.core.text import clean, shorten
from opskit.monitor.answers import found
from opskit.monitor.kinds import Around, Fact, Sight, Steps, TransferKind
from opskit.monitor.model import Seen
from opskit.monitor.probes.http import URL, Auth
from opskit.monitor.settings import ProbeSettings
from opskit.monitor.trust import Tls, trust_of
from opskit.outside.exposition import Series, read
from opskit.outside.models import Model
from opskit.outside.transfer import TransferRequest, TransferResult

_MAX_BYTES = 4_000_000
_ACCEPT = "Accept: text/plain; version=0.0.4"
_SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?")
_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric's name, and what its labels must be, as PromQL has it."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]

    @classmethod
    def parsed(cls, text: str) -> Selector:
        """Return the selector written as `metric{label="x"}`.

        Raises:
            ValueError: the text is none.
        """
        match = _SELECTOR.fullmatch(text.strip())
        if match is None:
            message = f'{text!r} selects nothing; write a metric, or metric{{label="x"}}'
            raise ValueError(message)
        return cls(match[1], tuple(_matchers(match[2] or "", text)))

    def takes(self, series: Series) -> bool:
        """Return whether a series is one of those."""
        labels = dict(series.labels)
        return self.name == series.name and all(
            _fits(labels.get(label, ""), how, value) for label, how, value in self.matchers
        )


def _matchers(text: str, whole: str) -> Iterator[tuple[str, str, str]]:
    at = 0
    while at < len(text.rstrip()):
        match = _MATCHER.match(text, at)
        if match is None:
            message = f'{whole!r} has labels that cannot be read; write {{label="x"}}'
            raise ValueError(message)
        value = _ESCAPED.sub(lambda one: {"n": "\n"}.get(one[1], one[1]), match[3])
        if match[2].endswith("~"):
            value = f"^(?:{match[3]})$"
            _compiled(value)
        yield match[1], match[2], value
        at = match.end()


def _compiled(pattern: str) -> None:
    try:
        found(pattern, "")
    except Exception as error:
        message = f"{pattern!r} is no pattern"
        raise ValueError(message) from error


def _fits(value: str, how: str, wanted: str) -> bool:
    equal = found(wanted, value) if how.endswith("~") else value == wanted
    return equal is not how.startswith("!")


def _selector(text: str) -> str:
    Selector.parsed(text)
    return text


Selecting = Annotated[str, Field(max_length=1_000), AfterValidator(_selector)]


class Limit(Model):
    """What the values of some series may be; the worst of them counts."""

    series: Selecting = Field(
        description="which series", examples=['node_filesystem_avail_bytes{mountpoint="/"}']
    )
    warn_above: float | None = Field(default=None, description="degraded above this")
    warn_below: float | None = Field(default=None, description="degraded below this")
    fail_above: float | None = Field(default=None, description="down above this")
    fail_below: float | None = Field(default=None, description="down below this")

    @model_validator(mode="after")
    def _limits(self) -> Limit:
        bounds = (self.warn_above, self.warn_below, self.fail_above, self.fail_below)
        if all(one is None for one in bounds):
            message = "give warn_above, warn_below, fail_above or fail_below"
            raise ValueError(message)
        return self

    def judged(self, value: float) -> tuple[Seen, str]:
        """Return what a value means."""
        if math.isnan(value):
            return Seen.UNKNOWN, f"{self.series} is not a number"
        bounds = (
            (Seen.DOWN, self.fail_above, self.fail_below),
            (Seen.DEGRADED, self.warn_above, self.warn_below),
        )
        for seen, above, below in bounds:
            if above is not None and value > above:
                return seen, f"{self.series} is above {above:g}"
            if below is not None and value < below:
                return seen, f"{self.series} is below {below:g}"
        return Seen.UP, ""


class ScrapeProbe(ProbeSettings):
    """A pull of a Prometheus endpoint; up if every limit holds, and each has a series."""

    kind: Literal["scrape"]
    url: str = Field(
        pattern=URL, description="the endpoint", examples=["http://web1.example.org:9100/metrics"]
    )
    keep: tuple[Selecting, ...] = Field(
        default=(),
        description="series to keep, as PromQL selects them",
        examples=[["node_load1", 'node_filesystem_avail_bytes{mountpoint="/"}']],
    )
    limits: tuple[Limit, ...] = Field(default=(), description="what values may be; they are kept")
    max_series: int = Field(default=200, ge=1, le=5_000, description="how many to keep at most")
    auth: Auth | None = Field(default=None, description="who asks")
    tls: Tls | None = Field(default=None, description="whom to believe")

    @model_validator(mode="after")
    def _keeps_something(self) -> ScrapeProbe:
        if not self.keep and not self.limits:
            message = "name the series to keep, or limits"
            raise ValueError(message)
        return self


def steps(probe: ScrapeProbe, around: Around) -> Steps:
    """Pull once."""
    headers: tuple[str, ...] = (_ACCEPT,)
    try:
        headers += (probe.auth.header(around.root),) if probe.auth else ()
        trust = trust_of(probe.tls, around.root)
    except ConfigError as error:
        return Sight(Seen.UNKNOWN, error.message)
    result = yield TransferRequest(
        probe.url, Duration(probe.timeout), _MAX_BYTES, headers=headers, trust=trust
    )
    seen, reason, facts = _judged(probe, result)
    return Sight(seen, reason, result.phases.total, result.phases, facts)


def _judged(probe: ScrapeProbe, result: TransferResult) -> tuple[Seen, str, tuple[Fact, ...]]:
    reason = _failure(probe, result)
    if reason:
        return Seen.DOWN, reason, ()
    selectors = [
        Selector.parsed(text) for text in (*probe.keep, *(one.series for one in probe.limits))
    ]
    names = {one.name for one in selectors}
    try:
        # Other series of the same names may stand before the ones that are kept.
        series = read(result.body, names, 20 * probe.max_series)
    except ValueError:
        return Seen.DOWN, "the page is not in Prometheus' text format", ()
    kept = [one for one in series if any(each.takes(one) for each in selectors)]
    finite = (one for one in kept[: probe.max_series] if math.isfinite(one.value))
    facts = tuple(map(_fact, finite))
    if len(kept) > probe.max_series:
        return Seen.UNKNOWN, f"more than {probe.max_series} series are selected", facts
    missing = [
        text
        for text, one in zip(probe.keep, selectors, strict=False)
        if not any(map(one.takes, kept))
    ]
    if missing:
        return Seen.DOWN, f"there is no series {missing[0]}", facts
    return (*_worst(probe.limits, kept), facts)


def _failure(probe: ScrapeProbe, result: TransferResult) -> str:
    if result.timed_out:
        return f"no answer within {format_duration(probe.timeout)}"
    if result.error or result.status != 200:
        return result.error or f"status {result.status}, wanted 200"
    return f"the page has more than {_MAX_BYTES:,} bytes" if result.cut else ""


_RANK = (Seen.DOWN, Seen.UNKNOWN, Seen.DEGRADED, Seen.UP)


def _worst(limits: Iterable[Limit], kept: list[Series]) -> tuple[Seen, str]:
    verdicts: list[tuple[Seen, str]] = [(Seen.UP, "")]
    for limit in limits:
        selector = Selector.parsed(limit.series)
        values = [one.value for one in kept if selector.takes(one)]
        verdicts += map(limit.judged, values)
        if not values:
            verdicts.append((Seen.UNKNOWN, f"there is no series {limit.series}"))
    return min(verdicts, key=lambda one: _RANK.index(one[0]))


def _fact(one: Series) -> Fact:
    labels = ((name, shorten(clean(value), 200)) for name, value in one.labels)
    return Fact(one.name, one.value, tuple(labels))


KIND = TransferKind(ScrapeProbe, steps)
