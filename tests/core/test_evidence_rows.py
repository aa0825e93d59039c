"""Evidence of several sources: what one of them records is recorded, and only that."""

from __future__ import annotations

from opskit.core.clock import Duration, Instant
from opskit.core.evidence import DeskEvidence, Evidence, TimedEvidence, only, recorded

TIMED = TimedEvidence(Instant(1), "patch", Duration(1))


def test_what_nobody_writes_down_is_not_an_empty_list() -> None:
    desk = DeskEvidence(timed=(TIMED,), unrecorded=only(DeskEvidence, "timed"))
    assert recorded(desk, "timed")
    assert not recorded(desk, "timed", "incidents")
    assert not recorded(None, "timed")
    assert recorded(DeskEvidence(), "incidents")


def test_added_up_each_records_what_it_did() -> None:
    one = DeskEvidence(timed=(TIMED,), unrecorded=only(DeskEvidence, "timed"))
    other = DeskEvidence(unrecorded=only(DeskEvidence, "incidents", "work"))
    both = (Evidence(desk=one) + Evidence(desk=other) + Evidence()).desk
    assert both is not None
    assert both.timed == (TIMED,)
    assert both.unrecorded == (
        "automated", "commands", "demand", "fixes", "intakes", "logins", "processes", "upkeep",
    )  # fmt: skip
