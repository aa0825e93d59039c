"""What the invented company assumes: each number with who stands for it, and until when."""

from __future__ import annotations

from datetime import date

from opskit.core.interval import Interval
from opskit.demo.year.desk import CORRECTING, ONBOARDING, RENEWING
from opskit.demo.year.when import MONTHS, TAKEN_OVER, at
from opskit.report.assumptions import Assumption, Assumptions, Baseline
from opskit.report.statistics.draws import Triangular

_SAID, _UNTIL = date(2026, 1, 12), date(2027, 1, 12)
_NUMBERS = (
    (f"minutes.{CORRECTING}", "minutes a deviation", (10, 18, 35), "platform", "three tried"),
    (f"minutes.{RENEWING}", "minutes a certificate", (20, 35, 70), "platform", "the old runbook"),
    (f"minutes.{ONBOARDING}", "minutes a newcomer", (50, 75, 120), "support", "their checklist"),
    ("minutes.warning", "minutes a warning", (8, 15, 40), "platform", "ten looked into"),
    ("minutes.failure", "minutes a failure", (45, 110, 300), "platform", "notes of five"),
    (
        "share.renewals-missed",
        "of renewals by hand",
        (0.03, 0.08, 0.15),
        "platform",
        "tickets of 2024 and 2025: 5 of 62 ran out",
    ),
    ("cost.hour-down", "EUR an hour down", (250, 600, 1400), "finance", "orders an hour, 2025"),
    ("rate.hour", "EUR an hour", (52, 64, 78), "finance", "cost of a position, 2026"),
    ("cost.month", "EUR a month", (160, 190, 240), "finance", "one virtual machine and upkeep"),
    ("cash.old monitoring contract", "EUR a month", (310, 310, 310), "finance", "contract ended"),
)
_EXPIRED = Assumption(
    "cash.second line to the office", "EUR a month", Triangular(85, 85, 85), "finance",
    "invoice of 2025", date(2025, 10, 1), date(2026, 10, 1),
)  # fmt: skip


def assumed() -> Assumptions:
    """Return all assumptions, one of which has expired, and the baseline: the last quarter before.

    It was written down when opskit took over, and hosts have been added since.
    """
    rows = [
        Assumption(name, unit, Triangular(*map(float, value)), owner, source, _SAID, _UNTIL)
        for name, unit, value, owner, source in _NUMBERS
    ]
    baseline = Baseline(
        Interval(MONTHS[0].start, TAKEN_OVER), at("2026-01-12 10:00"), 1.1, "one service more"
    )
    return Assumptions({one.name: one for one in (*rows, _EXPIRED)}, baseline, "EUR")
