"""A routes file as the settings of an Alertmanager, and what it cannot do of it. Pure.

Source: Alertmanager documentation, "Configuration", as of 0.25. Every receiver calls opskit back,
which knows rotas, escalations and quiet times; or, where that is asked for and its settings
suffice without a secret being written, tells people itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opskit.alerts.routing.calendars import TimeInterval, TimeSpan, minute_of
from opskit.alerts.routing.matchers import Matcher, Operator, parsed
from opskit.alerts.routing.settings import ReceiverSettings, Routes, RouteSettings
from opskit.core.errors import ConfigError

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_MILLISECOND = 1_000
_UNITS = (("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))
# Python's expressions that Go's do not know: looking around, references, atoms.
_NOT_IN_GO = re.compile(r"\(\?(=|!|<=|<!|>|\(|#|P=)|\\[1-9]|[*+?}]\+|\\Z")
Native = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Callback:
    """Where opskit is called back, and the file that has the token for it."""

    url: str
    token_file: str
    ca_file: str = ""

    def settings(self, *, send_resolved: bool) -> dict[str, Any]:
        """Return what calls it."""
        http: dict[str, Any] = {"authorization": {"credentials_file": self.token_file}}
        if self.ca_file:
            http["tls_config"] = {"ca_file": self.ca_file}
        return {"url": self.url, "send_resolved": send_resolved, "http_config": http}


@dataclass(frozen=True, slots=True)
class Exported:
    """The settings, and what they do not hold."""

    document: Mapping[str, Any]
    notes: tuple[str, ...] = field(default=())


def exported(routes: Routes, callback: Callback, native: Mapping[str, Native]) -> Exported:
    """Return the settings; `native` has those of receivers' channels that can be written.

    Raises:
        ConfigError: a matcher or a time means nothing to Alertmanager.
    """
    document = {
        "route": _top(routes.route),
        "receivers": [_receiver(one, callback, native) for one in routes.receivers],
        "inhibit_rules": [
            {
                "source_matchers": _matchers(one.source_matchers),
                "target_matchers": _matchers(one.target_matchers),
                **({"equal": [_label(name) for name in one.equal]} if one.equal else {}),
            }
            for one in routes.inhibit_rules
        ],
        "time_intervals": [_interval(one) for one in routes.time_intervals],
    }
    kept = {name: value for name, value in document.items() if value}
    return Exported(kept, tuple(_notes(routes, native)))


def _notes(routes: Routes, native: Mapping[str, Native]) -> Iterator[str]:
    named = {
        "rotas": [one.name for one in routes.rotas],
        "escalations": [one.name for one in routes.escalations],
        "quiet times": [one.name for one in routes.quiet],
    }
    for kind, names in named.items():
        if names:
            yield f"{kind} stay in opskit: {', '.join(names)}"
    yield "acknowledgements, dependencies of services and holding what flaps stay in opskit"
    own = [one for one in routes.receivers if _is_native(one, native)]
    back = [one.name for one in routes.receivers if not _is_native(one, native)]
    if back:
        yield f"these receivers call opskit back, which tells people: {', '.join(back)}"
    if own:
        yield f"these receivers tell people without opskit: {', '.join(one.name for one in own)}"
    if own and back:
        yield "an alert that reaches both kinds is told twice: opskit routes what it is sent again"


def _is_native(one: ReceiverSettings, native: Mapping[str, Native]) -> bool:
    return not one.rota and all(channel in native for channel in one.channels)


def _receiver(
    one: ReceiverSettings, callback: Callback, native: Mapping[str, Native]
) -> dict[str, Any]:
    found: dict[str, Any] = {"name": one.name}
    if not _is_native(one, native):
        found["webhook_configs"] = [callback.settings(send_resolved=one.send_resolved)]
        return found
    for channel in one.channels:
        ((kind, settings),) = native[channel].items()
        found.setdefault(kind, []).append({**settings, "send_resolved": one.send_resolved})
    return found


# Routes


def _top(own: RouteSettings) -> dict[str, Any]:
    """Return the first route; times, which it may not have there, are those of one below it."""
    node = _node(own)
    if not (own.mute_time_intervals or own.active_time_intervals):
        return node
    return {"receiver": own.receiver, "routes": [node]}


def _node(own: RouteSettings) -> dict[str, Any]:
    found: dict[str, Any] = {
        "receiver": own.receiver,
        "matchers": _matchers(own.matchers),
        "group_by": _grouped(own.group_by),
        "continue": own.continue_,
        "group_wait": None if own.group_wait is None else _duration(own.group_wait),
        "group_interval": _positive(own.group_interval),
        "repeat_interval": _positive(own.repeat_interval),
        "mute_time_intervals": list(own.mute_time_intervals),
        "active_time_intervals": list(own.active_time_intervals),
        "routes": [_node(one) for one in own.routes],
    }
    given = {name: value for name, value in found.items() if value}
    # An empty list says: no labels, whatever the node above has.
    return given if own.group_by is None else {**given, "group_by": found["group_by"]}


def _grouped(names: Sequence[str] | None) -> list[str]:
    found = list(dict.fromkeys(names or ()))
    return ["..."] if "..." in found else [_label(one) for one in found]


def _positive(length: int | None) -> str | None:
    """Return a length; none at all is the shortest there is."""
    return None if length is None else _duration(max(length, _MILLISECOND))


def _duration(length: int) -> str:
    """Return a length as `1h30m`, in whole milliseconds."""
    rest = -(-length // _MILLISECOND)
    parts = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


# Matchers


def _matchers(texts: Sequence[str]) -> list[str]:
    return [_matcher(one) for text in texts for one in parsed(text)]


def _matcher(one: Matcher) -> str:
    if one.operator in (Operator.LIKE, Operator.UNLIKE) and _NOT_IN_GO.search(one.value):
        raise ConfigError(
            f"{one}: Alertmanager does not know such an expression", hint="write it without"
        )
    # Of escapes only these three; what JSON escapes besides stays as it is.
    value = one.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{_label(one.name)}{one.operator}"{value}"'


def _label(name: str) -> str:
    if not _LABEL.fullmatch(name):
        raise ConfigError(
            f"{name!r} is no label name of Alertmanager 0.25", hint="letters, digits and _ only"
        )
    return name


# Times


def _interval(one: TimeInterval) -> dict[str, Any]:
    return {
        "name": one.name,
        "time_intervals": [_span(one.name, each) for each in one.time_intervals],
    }


def _span(name: str, one: TimeSpan) -> dict[str, Any]:
    for each in one.times:
        if minute_of(each.start_time) >= minute_of(each.end_time):
            raise ConfigError(
                f"time interval {name!r} has hours that end before they begin",
                hint="write a night as two: until 24:00, and from 00:00",
            )
    for days in one.days_of_month:
        first, _, last = days.partition(":")
        if int(first) < 0 < int(last or first):
            raise ConfigError(
                f"time interval {name!r}: days {days} begin at the end of a month and end at its"
                " beginning", hint="write two: -3:-1 and 1:3",
            )  # fmt: skip
    found = {
        "times": [{"start_time": on.start_time, "end_time": on.end_time} for on in one.times],
        "weekdays": [each.strip().lower() for each in one.weekdays],
        "days_of_month": list(one.days_of_month),
        "months": [each.strip().lower() for each in one.months],
        "years": list(one.years),
        "location": "" if one.location == "UTC" else one.location,
    }
    return {key: value for key, value in found.items() if value}
