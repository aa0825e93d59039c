"""Habits that wake people for nothing, or not when they should. Pure.

Sources: the multi-window burn rates of the SRE Workbook, chapter 5; Prometheus documentation,
"Query functions"; for forecasts, single windows fired falsely on 29 of 30 nights with a backup.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from opskit.alerts.checks.bounds import COMPARING, Bounds, Reader, always
from opskit.alerts.checks.shape import argument, is_scalar, pinned
from opskit.alerts.checks.subject import EVERY, Remark, Subject
from opskit.alerts.families import own
from opskit.alerts.promql.nodes import Binary, Call, Node, Number, Range, Selector
from opskit.alerts.promql.wording import every, length, name_of, written
from opskit.core.findings import Severity

_OF_COUNTERS: Final = frozenset({"rate", "irate", "increase", "resets"})
_OF_GAUGES: Final = frozenset({"delta", "idelta", "deriv", "predict_linear"})
# What needs at least two samples of a window.
_OF_TWO: Final = frozenset({*_OF_COUNTERS, *_OF_GAUGES, "changes"})
_COUNTED: Final = ("_total", "_count", "_sum", "_bucket")
_BURN: Final = "opskit_service_burn_rate"
_DOWN: Final = "opskit_service_down_seconds"
_FORECAST: Final = "opskit_forecast_window_seconds_to_threshold"
_SEASONAL: Final = (
    "opskit_forecast_seconds_to_threshold",
    "opskit_forecast_earliest_seconds_to_threshold",
    "opskit_forecast_latest_seconds_to_threshold",
)
# What is read by one try that nobody repeated: one lost packet turns it.
_ONE_TRY: Final = frozenset({"up", "probe_success", "probe_failed_due_to_regex"})
_LONGEST: Final = 7 * 86_400_000


def windows(subject: Subject) -> Iterator[Remark]:
    """Yield functions over windows in which there may be no two samples."""
    shortest = 2 * subject.interval
    for call in _calls(subject, _OF_TWO):
        for window in (one for one in call.arguments if isinstance(one, Range)):
            if window.length < shortest:
                message = f"{written(call)} sees less than two samples now and then: it has gaps"
                fix = f"a window of at least {length(2 * shortest)}"
                yield Remark("alerts-window", Severity.MEDIUM, message, f"write {fix}")


def kinds(subject: Subject) -> Iterator[Remark]:
    """Yield functions of counters over gauges, and the other way."""
    for call in _calls(subject, _OF_COUNTERS | _OF_GAUGES):
        for window in (one for one in call.arguments if isinstance(one, Range)):
            name = name_of(window.selector)
            kind = _kind(name, subject)
            if kind == "gauge" and call.name in _OF_COUNTERS:
                message = f"{name} is a gauge: {call.name}() takes each fall for a restart"
                fix = "write delta() or deriv(), or max_over_time()"
                yield Remark("alerts-kind", Severity.HIGH, message, fix)
            if kind == "counter" and call.name in _OF_GAUGES:
                message = f"{name} is a counter: {call.name}() is wrong after each restart"
                yield Remark("alerts-kind", Severity.HIGH, message, "write rate() or increase()")


def _kind(name: str, subject: Subject) -> str:
    family = subject.around.family(name)
    if family is not None:
        return family.kind
    if name in subject.around.records:
        return ""
    return "counter" if name.endswith(_COUNTED) else ""


def _calls(subject: Subject, names: frozenset[str]) -> Iterator[Call]:
    return (one for one in subject.every() if isinstance(one, Call) and one.name in names)


def burn_rates(subject: Subject) -> Iterator[Remark]:
    """Yield burn rates without a least bad time beside them, or over one window alone."""
    if not subject.rule.alert:
        return
    burning = [one for one in subject.selectors() if name_of(one) == _BURN]
    if burning and not any(name_of(one) == _DOWN for one in subject.selectors()):
        message = "one failed probe pages: an hour at 99.9 % may lose 3.6 seconds"
        fix = f'add: and on (service) {_DOWN}{{window="1h"}} >= 60'
        yield Remark("alerts-burn-floor", Severity.HIGH, message, fix)
    if burning and len({window for one in burning for window in _windows(one)}) == 1:
        message = "a burn rate over one window alone fires late, or long after it is over"
        fix = 'record min by (service) of two windows: {window=~"5m|1h"}'
        yield Remark("alerts-burn-window", Severity.MEDIUM, message, fix)


def _windows(selector: Selector) -> frozenset[str]:
    """Return which of the windows there are a selector takes."""
    asked = [one for one in selector.matchers if one.name == "window"]
    known = own()[_BURN].values["window"]
    return frozenset(one for one in known if all(m.holds(one) for m in asked))


def sparse(subject: Subject) -> Iterator[Remark]:
    """Yield shares of probes that one failed probe is enough for."""
    shares = [
        one
        for one in _calls(subject, frozenset({"avg_over_time"}))
        if isinstance(one.arguments[0], Range)
        and name_of(one.arguments[0].selector) in {"up", "probe_success"}
    ]
    given: dict[Node, Bounds] = {one: _one_failed(one.arguments[0]) for one in shares}
    if given and subject.rule.alert and _holds(subject.node, Reader(subject.around, given)):
        message = "one failed probe is enough for this, at one probe a minute"
        fix = "add a least bad time, or ask for two failures: and on (instance) "
        fix += "sum_over_time((1 - probe_success)[1h:1m]) >= 2"
        yield Remark("alerts-burn-floor", Severity.HIGH, message, fix)


def _one_failed(window: Node) -> Bounds:
    assert isinstance(window, Range)  # noqa: S101  # its caller looked
    share = max(0.0, 1 - EVERY / window.length)
    return Bounds(share, share)


def _holds(node: Node, reader: Reader) -> bool:
    """Tell whether an expression has an element for sure, by the values that are given."""
    if not isinstance(node, Binary):
        return False
    if node.operator == "and":
        return _holds(node.left, reader) and _holds(node.right, reader)
    if node.operator == "or":
        return _holds(node.left, reader) or _holds(node.right, reader)
    return node.operator in COMPARING and always(node, reader)


def forecasts(subject: Subject) -> Iterator[Remark]:
    """Yield forecasts from one window alone: a nightly backup looks like the end."""
    if not subject.rule.alert or any(name_of(one) in _SEASONAL for one in subject.selectors()):
        return
    lines = {
        (written(one.arguments[0].selector), one.arguments[0].length)
        for one in _calls(subject, frozenset({"predict_linear"}))
        if isinstance(one.arguments[0], Range)
    }
    if len(lines) == 1:
        ((selector, window),) = lines
        other = length(6 * window)
        fix = f"add: and predict_linear({selector}[{other}], ...) < 0, so that both must agree"
        yield _single(f"the last {length(window)} alone", fix)
    own_lines = {
        pinned(one).get("window", "") for one in subject.selectors() if name_of(one) == _FORECAST
    }
    if own_lines and len(own_lines - {""}) < 2:  # one line against another
        yield _single("one plain line", f"add: and ignoring (window) {_SEASONAL[0]} < 43200")


def _single(what: str, fix: str) -> Remark:
    message = f"a forecast from {what} fires on every night with a backup"
    return Remark("alerts-forecast", Severity.MEDIUM, message, fix)


def waits(subject: Subject) -> Iterator[Remark]:
    """Yield a `for` that is missing where values flap, or that outlasts what it waits for."""
    if not subject.rule.alert:
        return
    pending = subject.pending
    flapping = [one for one in _compared(subject.node) if name_of(one) in _ONE_TRY]
    if pending == 0 and flapping:
        message = f"fires as soon as {name_of(flapping[0])} changes once: one lost packet is enough"
        yield Remark("alerts-for", Severity.LOW, message, "write for: 3m")
    if pending > _LONGEST:
        message = f"waits {subject.rule.for_}: it begins anew whenever the value is gone once"
        fix = "a window in the expression instead: min_over_time(...[7d])"
        yield Remark("alerts-for", Severity.MEDIUM, message, f"write {fix}")
    yield from _outlasting(subject, pending)


def _compared(node: Node) -> Iterator[Selector]:
    """Yield the selectors that are compared as they are."""
    for part in every(node):
        if not (isinstance(part, Binary) and part.operator in COMPARING):
            continue
        if isinstance(part.left, Selector) and is_scalar(part.right):
            yield part.left


def _outlasting(subject: Subject, pending: int) -> Iterator[Remark]:
    for part in subject.every():
        if not (isinstance(part, Binary) and part.operator in COMPARING):
            continue
        call = part.left
        inner = argument(call) if isinstance(call, Call) else None
        if not isinstance(call, Call) or not isinstance(inner, Range):
            continue
        window = inner.length
        counts = call.name in {"increase", "resets", "changes"} and part.right == Number(0)
        if counts and pending >= window:
            message = f"what happened once leaves the window of {length(window)} before `for` is "
            message += "over: it never fires for one event"
            yield Remark("alerts-for", Severity.MEDIUM, message, "leave out for")
        horizon = call.arguments[1] if call.name == "predict_linear" else None
        if horizon is not None:
            ahead = Reader(subject.around).of(horizon).high * 1_000
            if pending >= ahead:
                message = "waits for as long as it looks ahead: it fires when it is too late"
                yield Remark("alerts-for", Severity.HIGH, message, "write a shorter for")
