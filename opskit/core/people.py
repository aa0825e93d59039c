"""Who did it: the actor that every ledger entry names."""

from __future__ import annotations

from collections.abc import Mapping

_CI_JOBS = (
    ("GITHUB_ACTIONS", "github", ("GITHUB_REPOSITORY", "GITHUB_RUN_ID")),
    ("GITLAB_CI", "gitlab", ("CI_PROJECT_PATH", "CI_JOB_ID")),
    ("JENKINS_URL", "jenkins", ("JOB_NAME", "BUILD_NUMBER")),
)
# What tells that nobody asked for it now, a timetable did: opskit's own or cron's, and those of CI.
SCHEDULED = "OPSKIT_SCHEDULED"
_TIMETABLES = (
    (SCHEDULED, "1"),
    ("GITHUB_EVENT_NAME", "schedule"),
    ("CI_PIPELINE_SOURCE", "schedule"),
)
_BY_TIMETABLE = "schedule:"


def user(environment: Mapping[str, str], account: str, uid: int) -> str:
    """Return the account of whoever is at work: of this process, or under sudo of who called it.

    Anybody can set a variable: `SUDO_USER` is believed only where sudo must have set it, as root.
    """
    return (environment.get("SUDO_USER") or account) if uid == 0 else account


def actor(environment: Mapping[str, str], user: str) -> str:
    """Return the actor of this process: `person:alice`, or `ci:github/org/repo/123`.

    Where a timetable started it: `schedule:alice`, or `schedule:github/org/repo/123`.
    """
    planned = any(environment.get(name) == value for name, value in _TIMETABLES)
    for marker, system, names in _CI_JOBS:
        if environment.get(marker):
            kind = _BY_TIMETABLE if planned else "ci:"
            return "/".join([f"{kind}{system}", *(environment.get(name, "?") for name in names)])
    return f"{_BY_TIMETABLE if planned else 'person:'}{user}"


def by_timetable(actor: str) -> bool:
    """Return whether a timetable started what this actor did."""
    return actor.startswith(_BY_TIMETABLE)
