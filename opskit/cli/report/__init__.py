"""`opskit report`."""

from __future__ import annotations

from opskit.cli.commands import group

_HERE = "opskit.cli.report"


@group(
    short_help="Build the value report.",
    examples=[
        "opskit report build --month last       the month that is over, as report.html",
        "opskit report verify report.html       does it say what its evidence gives?",
        "opskit report list                     what was issued",
        "opskit report explain drift.found      where a figure comes from",
        "opskit report demo                     a full one, of a year that was made up",
    ],
    lazy={
        "build": (f"{_HERE}.building:build", "Build the report of a period."),
        "baseline": (f"{_HERE}.baseline:baseline", "Fix what later months are compared with."),
        "verify": (f"{_HERE}.verifying:verify", "Recompute every figure of a report's file."),
        "explain": (f"{_HERE}.explaining:explain", "Where a figure comes from."),
        "list": (f"{_HERE}.listing:list_", "The reports that were issued."),
        "schedule": (
            f"{_HERE}.sending:schedule",
            "Show how the report is sent each month by itself.",
        ),
        "send": (f"{_HERE}.sending:send", "Send the report of a month that is over."),
        "demo": (f"{_HERE}.demo:demo", "See a full report, of a year that was made up."),
    },
)
def report() -> None:
    """Build the value report: what Ops did, in figures that can be followed to their evidence."""
