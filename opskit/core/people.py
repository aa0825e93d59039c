"""Who did it: the actor that every ledger entry names."""

from __future__ import annotations

from collections.abc import Mapping

_CI_JOBS = (
    ("GITHUB_ACTIONS", "github", ("GITHUB_REPOSITORY", "GITHUB_RUN_ID")),
    ("GITLAB_CI", "gitlab", ("CI_PROJECT_PATH", "CI_JOB_ID")),
    ("JENKINS_URL", "jenkins", ("JOB_NAME", "BUILD_NUMBER")),
)


def actor(environment: Mapping[str, str], login: str) -> str:
    """Return the actor of this process: `person:alice`, or `ci:github/org/repo/123`.

    Under sudo the person who called it is named, not root.
    """
    for marker, system, names in _CI_JOBS:
        if environment.get(marker):
            return "/".join([f"ci:{system}", *(environment.get(name, "?") for name in names)])
    return f"person:{environment.get('SUDO_USER') or login}"
