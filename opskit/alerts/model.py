"""Prometheus rule files, as `alerts/**/*.yaml` hold them.

Source of the format: Prometheus documentation, "Defining recording rules" and "Alerting rules".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from opskit.outside.models import Model

_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_MS |= {"w": 7 * _MS["d"], "y": 365 * _MS["d"]}


def milliseconds(duration: str) -> int:
    """Return a duration as Prometheus writes it, `1h30m` or `0`, in milliseconds."""
    return sum(
        int(count) * _MS[unit] for count, unit in re.findall(r"(\d+)(ms|[smhdwy])", duration)
    )


# A length of Go's, in milliseconds.
_LONGEST: Final = 2**63 // 1_000_000


# Each unit once, the longest first, as Prometheus reads it.
_UNITS: Final = "".join(f"([0-9]+{unit})?" for unit in ("y", "w", "d", "h", "m", "s", "ms"))
_LENGTH: Final = re.compile(f"^({_UNITS}|0)$")


def is_length(text: str) -> bool:
    """Tell whether a text is a duration as Prometheus writes it."""
    return bool(text) and _LENGTH.fullmatch(text) is not None


def _length(text: str) -> str:
    if not is_length(text):
        message = "write a length such as 30s, 5m or 1h30m: each unit once, the longest first"
        raise ValueError(message)
    if milliseconds(text) > _LONGEST:
        message = "longer than 292 years"
        raise ValueError(message)
    return text


def _or_none_at_all(value: object) -> object:
    """Read a key without a value as if it were not there, as Prometheus does."""
    return "0" if value is None else value


PromDuration = Annotated[
    str,
    Field(json_schema_extra={"pattern": _LENGTH.pattern}),
    AfterValidator(_length),
    BeforeValidator(_or_none_at_all),
]


def _word(value: object) -> object:
    """Return text; Prometheus takes a number for the text of it, and nothing for an empty one."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int | float) else value


_Word = Annotated[str, BeforeValidator(_word)]
# Prometheus takes a number or a boolean for the text of it.
_Text = str | int | float | bool


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", text, re.ASCII):
        message = "a name has letters, digits and _, and begins with no digit"
        raise ValueError(message)
    return text


_Name = Annotated[str, AfterValidator(_name)]


def _said(values: object) -> object:
    """Read a label without a value as empty, as Prometheus does."""
    if not isinstance(values, Mapping):
        return {} if values is None else values
    return {name: "" if value is None else value for name, value in values.items()}


_Labels = Annotated[dict[_Name, _Text], BeforeValidator(_said)]


class Rule(Model):
    """An alerting or a recording rule."""

    alert: _Word = ""
    record: _Word = Field(default="", pattern=r"^$|^[a-zA-Z_:][a-zA-Z0-9_:]*$")
    expr: str | int | float
    for_: PromDuration = Field(default="0", alias="for")
    keep_firing_for: PromDuration = "0"
    labels: _Labels = Field(default_factory=dict)
    annotations: _Labels = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_of(self) -> Rule:
        if bool(self.alert) == bool(self.record):
            message = "a rule has either alert or record"
            raise ValueError(message)
        if self.expr == "":
            message = "expr is empty"
            raise ValueError(message)
        if "__name__" in self.labels:
            message = "label __name__ cannot be set"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _only_alerts_wait(self) -> Rule:
        told = {
            "for": milliseconds(self.for_),
            "keep_firing_for": milliseconds(self.keep_firing_for),
            "annotations": len(self.annotations),
        }
        wrong = [name for name, value in told.items() if value]
        if self.record and wrong:
            message = f"a recording rule has no {' and no '.join(wrong)}"
            raise ValueError(message)
        return self


class Group(Model):
    """Rules that are evaluated together."""

    name: _Word = Field(min_length=1)
    interval: PromDuration = "0"
    query_offset: PromDuration = "0"
    limit: int = 0
    labels: dict[_Name, str] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = ()


class RuleFile(Model):
    """One file of rules."""

    groups: tuple[Group, ...] = ()

    @model_validator(mode="after")
    def _told_apart(self) -> RuleFile:
        twice = [name for name, count in Counter(g.name for g in self.groups).items() if count > 1]
        if twice:
            message = f"group {twice[0]} is there twice"
            raise ValueError(message)
        return self
