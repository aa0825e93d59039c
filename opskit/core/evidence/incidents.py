"""What went wrong: incidents, by whoever or whatever recorded them."""

from __future__ import annotations

from dataclasses import dataclass

from opskit.core.clock import Duration, Instant


@dataclass(frozen=True, slots=True)
class IncidentEvidence:
    """One incident as it stood at the end of the period.

    `detected_at` is when a machine or a person first told of it, `acknowledged_at` when somebody
    took it, `resolved_at` when it was over for whoever was hit; None is: not recorded, or not yet.
    `visible` is whether users were hit. `cause` groups incidents of one cause, `fingerprint` those
    that look alike. `by_ops` is whether Ops' own change brought it about, `change` which. `source`
    says who recorded it: opskit, or what it was imported from.
    """

    name: str
    service: str
    team: str
    started_at: Instant
    detected_at: Instant | None
    acknowledged_at: Instant | None
    resolved_at: Instant | None
    visible: bool
    source: str
    cause: str = ""
    fingerprint: str = ""
    by_ops: bool = False
    change: str = ""
    refs: tuple[int, ...] = ()

    @property
    def lasted(self) -> Duration | None:
        """Return how long it lasted; None while it is not over."""
        if self.resolved_at is None:
            return None
        return Duration(max(0, self.resolved_at - self.started_at))


@dataclass(frozen=True, slots=True)
class PageEvidence:
    """One call for a human.

    `after_hours` is by the team's own calendar; `acted` is whether anything followed but silence,
    None where that is not known.
    """

    at: Instant
    team: str
    rule: str
    after_hours: bool
    acted: bool | None
    refs: tuple[int, ...] = ()
