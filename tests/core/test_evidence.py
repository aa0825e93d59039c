"""Evidence of several slices taken together."""

from __future__ import annotations

from opskit.core.clock import Instant
from opskit.core.evidence import Blip, DriftEvidence, Evidence, RunEvidence, ServiceEvidence
from opskit.core.findings import Severity

SERVICE = ServiceEvidence(
    "web", "team", "internal", None, (), (Blip(Instant(1), "web/http", "slow"),)
)
DRIFT = DriftEvidence("web1", "C-1", Severity.LOW, "task", None, Instant(1), None, (4,))
RUN = RunEvidence("r1", "check", "s.yml", "finished", Instant(1), Instant(2), {}, (4, 5))

MONITOR = Evidence(services=(SERVICE,), not_configured={"alerts": "no rules", "desk": "old"})
FLEET = Evidence(drifts=(DRIFT,), runs=(RUN,), not_configured={"desk": "no incidents"})


def test_together_nothing_is_lost() -> None:
    together = MONITOR + FLEET
    assert together == Evidence(
        (SERVICE,), (DRIFT,), (RUN,), {"alerts": "no rules", "desk": "no incidents"}
    )


def test_order_is_kept() -> None:
    other = Evidence(services=(ServiceEvidence("api", "team", "internal", None, ()),))
    assert [service.name for service in (MONITOR + other).services] == ["web", "api"]


def test_nothing_adds_nothing() -> None:
    for together in (MONITOR + Evidence(), Evidence() + MONITOR):
        assert together == MONITOR


def test_grouping_does_not_matter() -> None:
    other = Evidence(runs=(RUN,))
    assert (MONITOR + FLEET) + other == MONITOR + (FLEET + other)


def test_the_parts_are_not_changed() -> None:
    before = dict(MONITOR.not_configured)
    _ = MONITOR + FLEET
    assert MONITOR.not_configured == before
