"""Who did it: people by name, machines by job."""

from __future__ import annotations

import pytest

from opskit.core.people import actor


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, "person:root"),
        ({"SUDO_USER": "alice"}, "person:alice"),
        ({"SUDO_USER": ""}, "person:root"),
        (
            {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "org/ops", "GITHUB_RUN_ID": "17"},
            "ci:github/org/ops/17",
        ),
        (
            {"GITLAB_CI": "true", "CI_PROJECT_PATH": "org/ops", "CI_JOB_ID": "4"},
            "ci:gitlab/org/ops/4",
        ),
        (
            {"JENKINS_URL": "https://ci.example", "JOB_NAME": "ops", "BUILD_NUMBER": "9"},
            "ci:jenkins/ops/9",
        ),
        ({"GITHUB_ACTIONS": "true"}, "ci:github/?/?"),
        ({"GITHUB_ACTIONS": "", "SUDO_USER": "alice"}, "person:alice"),
        ({"GITHUB_ACTIONS": "true", "SUDO_USER": "runner"}, "ci:github/?/?"),
    ],
)
def test_the_actor(environment: dict[str, str], wanted: str) -> None:
    assert actor(environment, "root") == wanted
