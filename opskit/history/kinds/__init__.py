"""The kinds of exports that can be imported, by name."""

from __future__ import annotations

from opskit.history.kinds.alertmanager import ALERTMANAGER
from opskit.history.kinds.ara import ARA
from opskit.history.kinds.awx import AWX
from opskit.history.kinds.github import GITHUB
from opskit.history.kinds.jira import JIRA
from opskit.history.kinds.kind import Kind
from opskit.history.kinds.pagerduty import PAGERDUTY

KINDS: dict[str, Kind] = {
    one.name: one for one in (PAGERDUTY, ALERTMANAGER, JIRA, GITHUB, AWX, ARA)
}

__all__ = ["KINDS", "Kind"]
