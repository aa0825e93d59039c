"""How time is accounted for: a contract's own rules, as a versioned file.

What was observed stays the same under every policy; a policy decides what of it counts. So one
month can be told as two contracts tell it, side by side, with what makes the difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal

from pydantic import Field

from opskit.core.interval import COVERAGE_FLOOR, DEGRADED_WEIGHT, Accounting
from opskit.monitor.settings import Share
from opskit.outside.fields import Span
from opskit.outside.models import Model


class Policy(Model):
    """What counts as what in an availability."""

    name: str = Field(min_length=1, max_length=60, description="what reports call it")
    version: str = Field(default="1", max_length=20, description="changes when a rule does")
    failures: Literal["confirmed", "first"] = Field(
        default="confirmed",
        description="whether a failure counts that the next try did not confirm",
    )
    degraded: Share = Field(
        default=DEGRADED_WEIGHT,
        description="what a degraded minute is worth",
        json_schema_extra={"default": "50%"},
    )
    maintenance: Literal["excluded", "counted"] = Field(
        default="excluded", description="whether an outage within maintenance counts"
    )
    hours: Literal["honored", "ignored"] = Field(
        default="honored", description="whether only the hours of service count"
    )
    unknown: Literal["excluded", "down", "up"] = Field(
        default="excluded", description="what a time counts as that nobody observed"
    )
    shorter_than: Span = Field(
        default=0,
        description="outages shorter than this do not count",
        json_schema_extra={"default": "0s"},
    )
    coverage_floor: Share = Field(
        default=COVERAGE_FLOOR,
        description="below this share of observed time there is no percentage",
        json_schema_extra={"default": "95%"},
    )

    @property
    def accounting(self) -> Accounting:
        """Return what the arithmetic needs of it."""
        return Accounting(self.degraded, self.unknown, self.coverage_floor)

    def with_rule(self, rule: str, other: Policy) -> Policy:
        """Return this policy with one of its rules as another has it."""
        return self.model_copy(update={rule: getattr(other, rule)})

    def differences(self, other: Policy) -> tuple[str, ...]:
        """Return the rules in which two policies differ."""
        rules = tuple(name for name in type(self).model_fields if name not in {"name", "version"})
        return tuple(rule for rule in rules if getattr(self, rule) != getattr(other, rule))


OPSKIT = Policy(name="opskit")
# What a tool says that asks now and then and divides: what it did not see was not there.
NAIVE = OPSKIT.model_copy(
    update={
        "name": "naive",
        "failures": "first",
        "degraded": Fraction(1),
        "maintenance": "counted",
        "hours": "ignored",
        "coverage_floor": Fraction(0),
    }
)
# What a customer could say who was there all the time.
STRICT = Policy(name="strict", maintenance="counted", hours="ignored", unknown="down")

BUILT_IN: Mapping[str, Policy] = {one.name: one for one in (OPSKIT, NAIVE, STRICT)}

_WORDS: Mapping[str, Mapping[Any, str]] = {
    "failures": {"confirmed": "only confirmed failures count", "first": "every failure counts"},
    "maintenance": {"excluded": "maintenance is left out", "counted": "maintenance counts"},
    "hours": {"honored": "only hours of service count", "ignored": "all hours count"},
    "unknown": {
        "excluded": "unobserved time is left out",
        "down": "unobserved time counts as down",
        "up": "unobserved time counts as up",
    },
}


def in_words(policy: Policy, rule: str) -> str:
    """Return what a policy says by one of its rules."""
    value = getattr(policy, rule)
    if rule in _WORDS:
        return _WORDS[rule][value]
    if rule == "degraded":
        return f"a degraded minute is worth {float(value):g}"
    if rule == "shorter_than":
        return (
            f"outages under {value / 1_000_000:g} s do not count" if value else "all outages count"
        )
    return f"a percentage needs {float(value * 100):g} % observed"
