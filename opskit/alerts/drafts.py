"""New rules of a few kinds, each with its test and its section of the runbook. Pure.

What is drafted fires in its own test and is silent beside it, by values made for its bound.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from opskit.alerts.checks.shape import pinned
from opskit.alerts.families import exporters, own
from opskit.alerts.model import milliseconds
from opskit.alerts.promql.nodes import QueryError, Selector
from opskit.alerts.promql.parsing import parsed
from opskit.alerts.promql.wording import length, name_of, written
from opskit.core.errors import ConfigError

# The labels by which a reader finds what an alert is about, the most telling first.
_TELLING: Final = ("target", "service", "channel", "standard", "waiver", "grant", "collector")
_MINUTE: Final = 60_000
_RUNBOOK: Final = "https://example.org/runbooks/opskit"
_SHORTEST: Final = 120


class Kind(StrEnum):
    """What a rule watches for."""

    THRESHOLD = "threshold"
    ABSENT = "absent"
    BURN_RATE = "burn-rate"
    FORECAST = "forecast"
    EXPIRY = "expiry"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asked for. `bound` is what a value must not be above, or below."""

    name: str
    kind: Kind
    metric: str
    bound: float | None
    above: bool
    within: str
    severity: str
    team: str


@dataclass(frozen=True, slots=True)
class Draft:
    """The texts of a new rule: its file, its test's, its section of the runbook."""

    stem: str
    rules: str
    tests: str
    runbook: str


@dataclass(frozen=True, slots=True)
class _Rule:
    """What differs from kind to kind. `series` are those of the test; times are in minutes."""

    expression: str
    pending: str
    summary: str
    advice: str
    series: tuple[tuple[str, str], ...]
    labels: Mapping[str, str]
    silent_at: int
    fires_at: int


def draft(wanted: Wanted) -> Draft:
    """Return the texts of a rule.

    Raises:
        ConfigError: the name, the metric or a bound does not go with the kind.
    """
    if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", wanted.name):
        raise ConfigError(f"{wanted.name!r} is no name of an alert", hint="write DiskAlmostFull")
    rule = _DRAFTED[wanted.kind](wanted)
    stem = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", wanted.name).lower()
    return Draft(stem, _rules(wanted, rule), _tests(wanted, rule, stem), _runbook(wanted, rule))


def _selector(wanted: Wanted) -> Selector:
    if not wanted.metric:
        raise ConfigError(f"a rule of kind {wanted.kind} needs --metric", hint="--metric up")
    try:
        node = parsed(wanted.metric)
    except QueryError as error:
        raise ConfigError(f"--metric: {error.message}", hint='write up{job="node"}') from error
    if not isinstance(node, Selector) or not name_of(node):
        raise ConfigError(f"{wanted.metric!r} is no metric", hint='write up{job="node"}')
    return node


def _bound(wanted: Wanted) -> float:
    if wanted.bound is None:
        raise ConfigError(f"a rule of kind {wanted.kind} needs a bound", hint="--above 0.9")
    return wanted.bound


def _minutes(wanted: Wanted, default: str) -> int:
    return milliseconds(wanted.within or default) // _MINUTE


def _telling(selector: Selector) -> str:
    family = own().get(name_of(selector))
    if family is None or family.labels is None:
        return "instance"
    return next((one for one in _TELLING if one in family.labels), "")


def _shown(selector: Selector, value: str) -> tuple[str, dict[str, str]]:
    """Return a series of the test that the selector takes, and its labels."""
    label = _telling(selector)
    labels = {**pinned(selector), **({label: value} if label else {"instance": value})}
    inner = ", ".join(f"{name}={json.dumps(text)}" for name, text in labels.items())
    return f"{name_of(selector)}{{{inner}}}", labels


def _of(selector: Selector) -> str:
    label = _telling(selector)
    return f" of {{{{ $labels.{label} }}}}" if label else ""


def _threshold(wanted: Wanted) -> _Rule:
    selector, bound = _selector(wanted), _bound(wanted)
    family = own().get(name_of(selector)) or exporters().get(name_of(selector))
    end = None if family is None else family.high if wanted.above else family.low
    beyond = bound + (1 if wanted.above else -1)
    if end is not None and abs(end) != float("inf"):
        if (end <= bound) if wanted.above else (end >= bound):
            raise ConfigError(
                f"no value of {name_of(selector)} lies beyond {bound:g}",
                hint=f"its values lie within {family.low:g} .. {family.high:g}" if family else "",
            )
        beyond = end if family is not None and family.is_bool else (bound + end) / 2
    sign, word = (">", "above") if wanted.above else ("<", "below")
    fires, labels = _shown(selector, "one")
    silent, _ = _shown(selector, "other")
    return _Rule(
        f"{written(selector)} {sign} {bound:g}",
        "5m",
        f"{name_of(selector)}{_of(selector)} is {word} {bound:g}",
        "Say here what to look at first.",
        ((fires, f"{beyond:.12g}x20"), (silent, f"{bound:.12g}x20")),
        labels,
        4,
        6,
    )


def _absent(wanted: Wanted) -> _Rule:
    selector = _selector(wanted)
    there, _ = _shown(selector, "one")
    return _Rule(
        f"absent({written(selector)})",
        "10m",
        f"Nobody shows {name_of(selector)}",
        "Say here who shows it. No rule over it can fire meanwhile.",
        ((there, "1x9 stale"),),
        pinned(selector),
        19,
        21,
    )


def _burn_rate(wanted: Wanted) -> _Rule:
    if wanted.metric:
        raise ConfigError("a rule of kind burn-rate has its metric", hint="leave out --metric")
    rate = 14.4 if wanted.bound is None else wanted.bound
    if rate <= 0 or not wanted.above:
        raise ConfigError("a burn rate is told of above a bound", hint="--above 14.4")
    burning = "opskit_service_burn_rate"
    down = "opskit_service_down_seconds"
    series = [
        (f'{burning}{{service="{service}", window="{window}"}}', f"{rate + 1:.12g}x20")
        for service in ("shop", "blip")
        for window in ("5m", "1h")
    ]
    series += [(f'{down}{{service="shop", window="1h"}}', "60x20")]
    # One failed probe burns as fast, and is no minute.
    series += [(f'{down}{{service="blip", window="1h"}}', "59x20")]
    return _Rule(
        f'min by (service) ({burning}{{window=~"5m|1h"}}) > {rate:g}\n'
        f'and on (service) {down}{{window="1h"}} >= 60',
        "1m",
        "{{ $labels.service }} spends its error budget too fast",
        "Treat it as an outage. `opskit monitor explain SERVICE --last 1h` lists what was seen.",
        tuple(series),
        {"service": "shop"},
        0,
        2,
    )


def _forecast(wanted: Wanted) -> _Rule:
    selector, bound = _selector(wanted), _bound(wanted)
    ahead = _minutes(wanted, "4h")
    if ahead < _SHORTEST:
        raise ConfigError("a forecast looks 2 hours ahead or more", hint="--within 4h")
    sign, way = (">", -1) if wanted.above else ("<", 1)
    lines = [
        f"predict_linear({written(selector)}[{window}], {ahead * 60}) {sign} {bound:g}"
        for window in ("1h", "6h")
    ]
    fires, labels = _shown(selector, "one")
    silent, _ = _shown(selector, "other")
    step = f"{'-' if way > 0 else '+'}"
    trend = f"{bound + way * (ahead + 369):.12g}{step}1x420"
    # Only the last hour moves, as with a backup: one window says so, the other does not.
    level = bound + way * 2 * ahead
    burst = f"{level:.12g}x309 {level - way * 2:.12g}{step}2x110"
    return _Rule(
        "\nand\n".join(lines),
        "15m",
        f"{name_of(selector)}{_of(selector)} reaches {bound:g} within {length(ahead * _MINUTE)}",
        "Both the last hour and the last six say so. Find what grows, or make room.",
        ((fires, trend), (silent, burst)),
        labels,
        300,
        390,
    )


def _expiry(wanted: Wanted) -> _Rule:
    selector, ahead = _selector(wanted), _minutes(wanted, "14d") * 60
    if not ahead:
        raise ConfigError("an end is told of some time before", hint="--within 14d")
    fires, labels = _shown(selector, "one")
    silent, _ = _shown(selector, "other")
    return _Rule(
        f"{written(selector)} - time() < {ahead}",
        "1h",
        f"{name_of(selector)}{_of(selector)} is less than {length(ahead * 1_000)} away, or over",
        "Say here who renews it, and how.",
        ((fires, f"{ahead}x70"), (silent, f"{ahead + 86_400}x70")),
        labels,
        60,
        62,
    )


_DRAFTED: Final[Mapping[Kind, Callable[[Wanted], _Rule]]] = {
    Kind.THRESHOLD: _threshold,
    Kind.ABSENT: _absent,
    Kind.BURN_RATE: _burn_rate,
    Kind.FORECAST: _forecast,
    Kind.EXPIRY: _expiry,
}


def _rules(wanted: Wanted, rule: _Rule) -> str:
    expression = "".join(f"\n          {line}" for line in rule.expression.splitlines())
    return (
        "---\n"
        "groups:\n"
        f"  - name: {wanted.name}\n"
        "    rules:\n"
        f"      - alert: {wanted.name}\n"
        f"        expr: |{expression}\n"
        f"        for: {rule.pending}\n"
        "        labels:\n"
        f"          severity: {wanted.severity}\n"
        f"          team: {json.dumps(wanted.team)}\n"
        "        annotations:\n"
        f"          summary: {json.dumps(rule.summary)}\n"
        f"          runbook_url: {_RUNBOOK}#{wanted.name.lower()}\n"
    )


def _tests(wanted: Wanted, rule: _Rule, stem: str) -> str:
    labels = {"severity": wanted.severity, "team": wanted.team, **rule.labels}
    series = "".join(
        f"      - series: {json.dumps(name)}\n        values: {json.dumps(values)}\n"
        for name, values in rule.series
    )
    carried = "".join(
        f"              {name}: {json.dumps(value)}\n" for name, value in labels.items()
    )
    return (
        "---\n"
        f"rule_files:\n  - ../{stem}.yaml\n\n"
        "evaluation_interval: 1m\n\n"
        "tests:\n"
        f"  - name: {wanted.name} fires when it should, and not when it nearly should\n"
        "    interval: 1m\n"
        f"    input_series:\n{series}"
        "    alert_rule_test:\n"
        f"      - eval_time: {rule.silent_at}m\n"
        f"        alertname: {wanted.name}\n"
        "        exp_alerts: []\n"
        f"      - eval_time: {rule.fires_at}m\n"
        f"        alertname: {wanted.name}\n"
        "        exp_alerts:\n"
        f"          - exp_labels:\n{carried}"
        "            exp_annotations:\n"
        f"              summary: {json.dumps(_filled(rule))}\n"
        f"              runbook_url: {_RUNBOOK}#{wanted.name.lower()}\n"
    )


def _filled(rule: _Rule) -> str:
    return re.sub(
        r"\{\{ \$labels\.(\w+) \}\}", lambda one: rule.labels.get(one[1], ""), rule.summary
    )


def _runbook(wanted: Wanted, rule: _Rule) -> str:
    return f"### {wanted.name}\n{wanted.severity.capitalize()}. {rule.advice}\n"
