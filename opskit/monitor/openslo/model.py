"""The documents of OpenSLO v1, as far as opskit reads them; a key it does not know is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from opskit.outside.fields import Zone
from opskit.outside.models import Model

VERSION = "openslo/v1"
# They say how others are told; opskit has its own ways.
TOLERATED = frozenset({"AlertCondition", "AlertNotificationTarget", "AlertPolicy", "DataSource"})
# The windows of the calendar, and what opskit calls them.
CALENDAR: Mapping[str, Literal["month", "quarter", "year"]] = {
    "1M": "month",
    "1Q": "quarter",
    "1Y": "year",
}


class Metadata(Model):
    """What a document is called."""

    name: str = Field(min_length=1)
    display_name: str = Field(default="", alias="displayName")
    labels: dict[str, Any] = Field(default_factory=dict)
    annotations: dict[str, Any] = Field(default_factory=dict)


class Header(Model):
    """What every document says."""

    version: Literal["openslo/v1"] = Field(alias="apiVersion")
    kind: str
    metadata: Metadata


class ServiceSpec(Model):
    """A service, in words."""

    description: str = ""


class ServiceDocument(Header):
    """A service: it must be one of the catalogue's."""

    spec: ServiceSpec = Field(default_factory=ServiceSpec)


class IndicatorSpec(Model):
    """What is counted: good of all, or a value against a threshold."""

    description: str = ""
    threshold: dict[str, Any] | None = Field(default=None, alias="thresholdMetric")
    ratio: dict[str, Any] | None = Field(default=None, alias="ratioMetric")


class Indicator(Model):
    """An indicator inside an SLO."""

    metadata: Metadata | None = None
    spec: IndicatorSpec


class IndicatorDocument(Header):
    """An indicator by itself."""

    spec: IndicatorSpec


class CalendarSpec(Model):
    """From when on a calendar window is counted, and by whose clocks."""

    start: str = Field(alias="startTime")
    zone: Zone = Field(alias="timeZone")


class Window(Model):
    """Over which time a promise is measured."""

    duration: str = Field(pattern=r"^[1-9]\d*[mhdwMQY]$")
    rolling: bool = Field(default=False, alias="isRolling")
    calendar: CalendarSpec | None = None


class Goal(Model):
    """One promise of an SLO."""

    display_name: str = Field(default="", alias="displayName")
    op: str | None = None
    value: float | None = None
    target: float | None = Field(default=None, ge=0, le=1)
    target_percent: float | None = Field(default=None, alias="targetPercent", ge=0, le=100)
    slice_target: float | None = Field(default=None, alias="timeSliceTarget", gt=0, le=1)
    slice_window: str | int | None = Field(default=None, alias="timeSliceWindow")
    indicator: dict[str, Any] | None = None
    indicator_ref: str | None = Field(default=None, alias="indicatorRef")
    weight: float | None = Field(default=None, alias="compositeWeight")


class SloSpec(Model):
    """What is promised of a service."""

    description: str = ""
    service: str
    indicator: Indicator | None = None
    indicator_ref: str | None = Field(default=None, alias="indicatorRef")
    windows: tuple[Window, ...] = Field(alias="timeWindow", min_length=1, max_length=1)
    method: Literal["Occurrences", "Timeslices", "RatioTimeslices"] = Field(alias="budgetingMethod")
    goals: tuple[Goal, ...] = Field(alias="objectives", min_length=1)
    alert_policies: tuple[Any, ...] = Field(default=(), alias="alertPolicies")


class SloDocument(Header):
    """A service level objective."""

    spec: SloSpec


KINDS: Mapping[str, type[Header]] = {
    "SLI": IndicatorDocument,
    "SLO": SloDocument,
    "Service": ServiceDocument,
}
