"""What people assume, from `assumptions.yaml`, and the baseline that a report goes by.

Nothing is shipped: a file that is not there assumes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from opskit.access.model import People, Sentence
from opskit.core.findings import Finding, Location, Severity
from opskit.core.interval import Interval
from opskit.outside.config import Config
from opskit.outside.documents import Document
from opskit.outside.models import Model, read
from opskit.records.baselines import Frozen
from opskit.report.assumptions import NOTHING_ASSUMED, Assumption, Assumptions, Baseline
from opskit.report.statistics.draws import Triangular

# `minutes.grant`, `rate.hour`, `cost.month`, `cash.old-contract`, `share.renewals-missed`: what it
# is, and of what.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[A-Za-z0-9][A-Za-z0-9_-]*)+$")]


def _share(text: str) -> str:
    if Fraction(text.removesuffix("%")) > 100:  # per cent
        message = f"{text} is more than all of it"
        raise ValueError(message)
    return text


# A share of a whole, as `50%`.
Share = Annotated[str, StringConstraints(pattern=r"^\d{1,3}(\.\d{1,3})?%$"), AfterValidator(_share)]


class AssumptionRow(Model):
    """One number that a team stands for, as a range, from the day it was said until it expires.

    `unit` is in words, such as `minutes per grant`; `source` says where the number comes from.
    """

    unit: Sentence
    low: float
    likely: float
    high: float
    owner: Sentence
    source: Sentence
    said_on: date
    expires_on: date

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low <= self.likely <= self.high:
            message = f"low, likely, high are in no order: {self.low}, {self.likely}, {self.high}"
            raise ValueError(message)
        if self.said_on >= self.expires_on:
            message = f"it expires on {self.expires_on}, and was said on {self.said_on}"
            raise ValueError(message)
        return self


class AssumptionsFile(Model):
    """`assumptions.yaml`: numbers that no evidence gives, by name.

    `currency` is that of all prices. `reactive_ceiling` is the share of reactive work that a team
    should not go beyond.
    """

    currency: str = Field(default="", pattern=r"^([A-Z]{3})?$")
    reactive_ceiling: Share | None = None
    assumptions: dict[Name, AssumptionRow] = Field(default_factory=dict)

    @field_validator("assumptions")
    @classmethod
    def _shares_within(cls, rows: dict[str, AssumptionRow]) -> dict[str, AssumptionRow]:
        for name, row in rows.items():
            if name.startswith("share.") and not 0 <= row.low <= row.high <= 1:
                message = f"{name} is a share of 1, and not {row.low:g} to {row.high:g}"
                raise ValueError(message)
        return rows


def assumed(config: Config, day: date) -> Assumptions:
    """Return what was assumed by a day; what was said later is none of that day's business.

    Raises:
        DataError: the file holds mistakes.
    """
    name = config.settings.assumptions
    path = config.path(name)
    if not path.exists():
        return NOTHING_ASSUMED
    found = read(path, AssumptionsFile, name=name)
    rows = {key: one for key, one in sorted(found.assumptions.items()) if one.said_on <= day}
    ceiling = found.reactive_ceiling
    return Assumptions(
        {key: _assumption(key, one) for key, one in rows.items()},
        currency=found.currency,
        reactive_ceiling=None if ceiling is None else Fraction(ceiling.removesuffix("%")) / 100,
    )


def _assumption(name: str, row: AssumptionRow) -> Assumption:
    value = Triangular(row.low, row.likely, row.high)
    return Assumption(
        name, row.unit, value, row.owner, row.source, row.said_on, row.expires_on
    )  # fmt: skip


def lint(found: AssumptionsFile, document: Document, people: People | None) -> Iterator[Finding]:
    """Yield what is odd: owners that are persons, prices without a currency."""
    for name, row in found.assumptions.items():
        where = document.place(("assumptions", name, "owner"))
        subject = f"assumptions.{name}.owner"
        if people is not None and row.owner in people.people:
            told = f"{row.owner!r} is a person, and reports name none"
            fix = f"write their team: {people.people[row.owner].team or 'NAME'}"
            yield Finding("assumption-owner", Severity.HIGH, subject, told, where, fix)
        if not found.currency and name.split(".")[0] in {"rate", "cost", "cash"}:
            yield _no_currency(name, document.place(("assumptions", name)))


def _no_currency(name: str, where: Location) -> Finding:
    told = "it is a price, and no currency is named"
    fix = "write currency: EUR at the top of the file"
    return Finding("assumption-currency", Severity.HIGH, f"assumptions.{name}", told, where, fix)


# Baselines


def baseline(known: Sequence[Frozen], period: Interval) -> Baseline | None:
    """Return the baseline of a report: the newest frozen before its period, else the newest in it.

    One that was frozen within the period is shown, and no figure rests on it: it may be chosen to
    fit.
    """
    every = [
        Baseline(one.period, one.frozen_at, float(one.factor), one.because)
        for one in known
        if one.frozen_at < period.end
    ]
    before = [one for one in every if one.frozen_before(period)]
    return next(reversed(before or every), None)
