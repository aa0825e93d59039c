"""The figures of access against rows whose answer can be computed in one's head."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opskit.core.clock import HOUR, MINUTE, NOTHING, SECOND, Duration
from opskit.core.evidence import (
    AccessEvidence,
    EmergencyEvidence,
    Evidence,
    RefusalEvidence,
    RequestEvidence,
    ReviewEvidence,
    RevocationEvidence,
)
from opskit.report.access import section
from opskit.report.figures.access import ACCESS
from opskit.report.ground import Ground
from opskit.report.model import Figure, Report, Tag
from tests.report.evidence import PERIOD, START, hour, report

NOTHING_AT_ALL = AccessEvidence()


def asked(
    ref: int, at: float, outcome: str = "approved", usable: float | None = None
) -> RequestEvidence:
    """Return a request so many hours into the period, usable so many hours into it."""
    return RequestEvidence(
        f"r{ref}", "web", "admin", hour(at), outcome, None, hour(at),
        None if usable is None else hour(usable), refs=(ref,),
    )  # fmt: skip


def end(ref: int, at: float, late: int | None = NOTHING) -> RevocationEvidence:
    """Return an end so many hours into the period; `late` None is: never seen gone."""
    planned = hour(at)
    exposure = PERIOD.end - planned if late is None else late
    gone = None if late is None else type(planned)(planned + late)
    return RevocationEvidence(
        f"g{ref}", "web", f"web{ref}", planned, gone, Duration(exposure), "why", (ref,)
    )


def by_id(found: AccessEvidence) -> dict[str, Figure]:
    ground = Ground(PERIOD, Evidence(access=found))
    return {one.id: one for method in ACCESS for one in method.figures(ground)}


def figures(found: AccessEvidence) -> dict[str, Figure]:
    return {name.removeprefix("access."): one for name, one in by_id(found).items()}


def shown(found: AccessEvidence, name: str) -> tuple[str, str, str, tuple[int, ...]]:
    one = figures(found)[name]
    return one.value, one.display, one.note, one.refs


def test_where_nothing_was_asked_nothing_is_claimed() -> None:
    assert shown(NOTHING_AT_ALL, "asked") == ("0", "0", "", ())
    assert shown(NOTHING_AT_ALL, "approved") == ("0", "none asked", "", ())
    assert shown(NOTHING_AT_ALL, "lead_time") == ("", "none asked", "", ())
    assert shown(NOTHING_AT_ALL, "revoked_on_time") == ("0", "none due", "", ())
    assert shown(NOTHING_AT_ALL, "exposure.max") == ("0", "none due", "", ())


def test_requests_are_counted_by_what_became_of_them() -> None:
    refusal = RefusalEvidence(START, "request.refused", "admin", "no", (9,))
    own = RefusalEvidence(START, "decision.refused_self", "r1", "no", (10,))
    outcomes = ("approved", "denied", "pending", "lapsed", "withdrawn", "approved")
    found = AccessEvidence(
        tuple(asked(ref, ref, outcome) for ref, outcome in enumerate(outcomes, 1)),
        refusals=(refusal, own),
    )
    assert shown(found, "asked") == ("6", "6", "", (1, 2, 3, 4, 5, 6))
    words = "1 waiting for a decision, 1 withdrawn, 1 lapsed"
    assert shown(found, "approved") == ("2", "2 of 6", words, (1, 6))
    assert shown(found, "refused") == ("2", "2", "1 by the files, 1 by approvers", (2, 9))


def test_the_lead_time_counts_who_still_waits() -> None:
    served = (asked(1, 0, usable=1), asked(2, 0, usable=2), asked(3, 0, usable=3))
    quick = figures(AccessEvidence(served))["lead_time"]
    assert (quick.value, quick.display) == (str(2 * HOUR), "2 h")
    assert quick.note == "3 requests, none still open; nine of ten within 3 h"
    assert quick.tag is Tag.DERIVED
    still = (asked(4, 50, "pending"), asked(5, 60))  # the second is approved and on no target yet
    slow = figures(AccessEvidence((*served, *still)))["lead_time"]
    assert (slow.value, slow.note) == (str(3 * HOUR), "5 requests, 2 still open")
    assert slow.refs == (1, 2, 3, 4, 5)


def test_where_most_still_wait_the_median_is_not_reached() -> None:
    found = AccessEvidence((asked(1, 0, usable=1), asked(2, 0, "pending"), asked(3, 0, "pending")))
    assert shown(found, "lead_time") == (
        "", "not reached", "3 requests, 2 still open", (1, 2, 3),
    )  # fmt: skip


@pytest.mark.parametrize("outcome", ["denied", "withdrawn", "lapsed"])
def test_who_waited_for_nothing_is_in_no_lead_time(outcome: str) -> None:
    found = AccessEvidence((asked(1, 0, usable=1), asked(2, 0, outcome)))
    assert shown(found, "lead_time")[3] == (1,)


def test_an_end_is_on_time_within_a_minute() -> None:
    found = AccessEvidence(
        revocations=(end(1, 10), end(2, 10, MINUTE), end(3, 10, MINUTE + 1), end(4, 98, None))
    )
    assert shown(found, "revoked_on_time") == ("2", "2 of 4", "1 not seen gone", (1, 2, 3, 4))
    assert shown(found, "exposure.max") == (str(2 * HOUR), "2 h", "", (2, 3, 4))
    total = 2 * HOUR + 2 * MINUTE + 1
    assert shown(found, "exposure.total") == (str(total), "2 h 2 min", "at 3 places", (2, 3, 4))
    late = section(found, PERIOD).late
    assert [(row.grant, row.gone_at is None) for row in late] == [("g4", True), ("g3", False)]


def test_where_all_ended_in_time_the_zero_rests_on_what_was_looked_at() -> None:
    found = AccessEvidence(revocations=(end(1, 10), end(2, 20)))
    assert shown(found, "exposure.max") == ("0", "none seen", "", (1, 2))
    assert section(found, PERIOD).late == ()


def emergency(ref: int, due: float, reviewed: float | None = None) -> EmergencyEvidence:
    at = None if reviewed is None else hour(reviewed)
    return EmergencyEvidence(f"g{ref}", "web", "admin", hour(1), hour(due), at, (ref,))


def test_an_emergency_is_reviewed_to_be_reviewed_or_overdue() -> None:
    found = AccessEvidence(emergencies=(emergency(1, 20, 30), emergency(2, 99), emergency(3, 200)))
    words = "1 reviewed, 1 to be reviewed, 1 overdue"
    assert shown(found, "emergencies") == ("3", "3", words, (1, 2, 3))
    rows = section(found, PERIOD).emergencies
    assert [row.review for row in rows] == ["done", "overdue", "open"]


def test_a_review_counts_once_it_is_closed() -> None:
    one = ReviewEvidence("v1", hour(1), hour(50), hour(40), 5, 3, 1, 0, 0, (1, 2))
    other = ReviewEvidence("v2", hour(60), hour(90), None, 0, 0, 0, 1, 4, (3,))
    found = AccessEvidence(reviews=(one, other))
    assert shown(found, "reviews") == ("1", "1", "1 not closed", (1, 2, 3))
    said = [row.said for row in section(found, PERIOD).reviews]
    assert said == ["5 kept (3 by themselves), 1 revoked", "1 suspended, 4 not answered"]


def test_a_row_of_the_section_is_followed_to_its_entries() -> None:
    found = AccessEvidence(
        (asked(1, 0, usable=1),), (), (end(2, 10, HOUR),), (), (emergency(3, 20),),
        (ReviewEvidence("v1", hour(1), hour(50), None, 0, 0, 0, 0, 1, (4,)),),
    )  # fmt: skip
    whole = _built(found)
    shown = whole.access
    assert shown is not None
    named = {ref for row in shown.late for ref in row.refs}
    named |= {ref for row in shown.emergencies for ref in row.refs}
    named |= {ref for row in shown.reviews for ref in row.refs}
    assert named == {2, 3, 4}
    assert {row.seq for row in whole.entries} == {1, 2, 3, 4}
    other = replace(found, emergencies=())
    assert _built(other).id != whole.id


def test_a_second_is_not_a_minute() -> None:
    assert figures(AccessEvidence(revocations=(end(1, 1, SECOND),)))["revoked_on_time"].value == "1"


def _built(found: AccessEvidence) -> Report:
    return report(Evidence(access=found))
