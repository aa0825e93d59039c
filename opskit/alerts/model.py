"""Prometheus rule files, as `alerts/**/*.yaml` hold them.

Source of the format: Prometheus documentation, "Defining recording rules" and "Alerting rules".
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, model_validator

from opskit.outside.models import Model

PromDuration = Annotated[str, Field(pattern=r"^(\d+(ms|s|m|h|d|w|y))+$|^0$")]


# Prometheus takes a number or a boolean for the text of it.
_Text = str | int | float | bool


_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_MS |= {"w": 7 * _MS["d"], "y": 365 * _MS["d"]}


def milliseconds(duration: str) -> int:
    """Return a duration as Prometheus writes it, `1h30m` or `0`, in milliseconds."""
    return sum(
        int(count) * _MS[unit] for count, unit in re.findall(r"(\d+)(ms|[smhdwy])", duration)
    )


class Rule(Model):
    """An alerting or a recording rule."""

    alert: str = Field(default="", pattern=r"^$|^\S.*$")
    record: str = Field(default="", pattern=r"^$|^[a-zA-Z_:][a-zA-Z0-9_:]*$")
    expr: str | int | float
    for_: PromDuration = Field(default="0", alias="for")
    keep_firing_for: PromDuration = "0"
    labels: dict[str, _Text] = Field(default_factory=dict)
    annotations: dict[str, _Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_of(self) -> Rule:
        if bool(self.alert) == bool(self.record):
            message = "a rule has either alert or record"
            raise ValueError(message)
        return self


class Group(Model):
    """Rules that are evaluated together."""

    name: str = Field(min_length=1)
    interval: PromDuration = "0"
    query_offset: PromDuration = "0"
    limit: int = 0
    labels: dict[str, str] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = Field(min_length=1)


class RuleFile(Model):
    """One file of rules."""

    groups: tuple[Group, ...] = Field(min_length=1)
