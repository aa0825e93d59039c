"""Times that come again hold when the clocks of their zone say so."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from opskit.alerts.routing.calendars import TimeSpan
from opskit.core.clock import parse_instant

UTC = ZoneInfo("UTC")
BERLIN = "Europe/Berlin"


def span(**given: object) -> TimeSpan:
    return TimeSpan.model_validate_json(json.dumps(given))


@pytest.mark.parametrize(
    ("given", "at", "holds"),
    [
        ({}, "2026-11-23T00:00", True),
        ({"weekdays": ["monday:friday"]}, "2026-11-23T12:00", True),
        ({"weekdays": ["monday:friday"]}, "2026-11-22T12:00", False),
        ({"weekdays": ["saturday", "Sunday"]}, "2026-11-22T12:00", True),
        ({"times": [{"start_time": "09:00", "end_time": "17:00"}]}, "2026-11-23T09:00", True),
        ({"times": [{"start_time": "09:00", "end_time": "17:00"}]}, "2026-11-23T17:00", False),
        ({"times": [{"start_time": "22:00", "end_time": "24:00"}]}, "2026-11-23T23:59", True),
        ({"days_of_month": ["1:5"]}, "2026-11-05T00:00", True),
        ({"days_of_month": ["1:5"]}, "2026-11-06T00:00", False),
        ({"days_of_month": ["-1"]}, "2026-11-30T00:00", True),
        ({"days_of_month": ["-1"]}, "2028-02-29T00:00", True),
        ({"days_of_month": ["-1"]}, "2028-02-28T00:00", False),
        ({"days_of_month": ["-3:-1"]}, "2026-02-26T00:00", True),
        ({"days_of_month": ["31"]}, "2026-11-30T00:00", False),
        ({"months": ["november:december"]}, "2026-11-01T00:00", True),
        ({"months": ["1:3", "5"]}, "2026-04-01T00:00", False),
        ({"years": ["2026:2027"]}, "2028-01-01T00:00", False),
        ({"weekdays": ["monday"], "months": ["may"]}, "2026-11-23T00:00", False),
        # One place's night is another's evening: 23:30 there is 22:30 here, and in July 21:30.
        (
            {"times": [{"start_time": "23:00", "end_time": "24:00"}], "location": BERLIN},
            "2026-11-23T22:30",
            True,
        ),
        (
            {"times": [{"start_time": "23:00", "end_time": "24:00"}], "location": BERLIN},
            "2026-07-23T22:30",
            False,
        ),
        # The hour that comes twice holds twice.
        (
            {"times": [{"start_time": "02:00", "end_time": "03:00"}], "location": BERLIN},
            "2026-10-25T00:30",
            True,
        ),
        (
            {"times": [{"start_time": "02:00", "end_time": "03:00"}], "location": BERLIN},
            "2026-10-25T01:30",
            True,
        ),
    ],
)
def test_it_holds_or_not(given: dict[str, object], at: str, holds: bool) -> None:
    assert span(**given).holds(parse_instant(at, UTC)) is holds


@pytest.mark.parametrize(
    "given",
    [
        {"weekdays": ["moonday"]},
        {"weekdays": ["1"]},
        {"weekdays": ["friday:monday"]},
        {"days_of_month": ["0"]},
        {"days_of_month": ["32"]},
        {"days_of_month": ["5:1"]},
        {"months": ["13"]},
        {"times": [{"start_time": "9:00", "end_time": "17:00"}]},
        {"times": [{"start_time": "09:00", "end_time": "25:00"}]},
        {"location": "Mars/Base"},
    ],
)
def test_what_is_no_time_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        span(**given)
