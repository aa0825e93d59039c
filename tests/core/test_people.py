"""Who did it: people by name, machines by job."""

from __future__ import annotations

import pytest

from opskit.core.people import actor, user


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, "person:root"),
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
        ({"GITHUB_ACTIONS": ""}, "person:root"),
        ({"OPSKIT_SCHEDULED": "1"}, "schedule:root"),
        ({"OPSKIT_SCHEDULED": ""}, "person:root"),
        (
            {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "schedule"},
            "schedule:github/?/?",
        ),
        ({"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push"}, "ci:github/?/?"),
        (
            {"GITLAB_CI": "true", "CI_PIPELINE_SOURCE": "schedule", "CI_JOB_ID": "4"},
            "schedule:gitlab/?/4",
        ),
    ],
)
def test_the_actor(environment: dict[str, str], wanted: str) -> None:
    assert actor(environment, "root") == wanted


@pytest.mark.parametrize(
    ("environment", "account", "uid", "who"),
    [
        ({}, "alice", 1000, "alice"),
        ({"SUDO_USER": "alice"}, "root", 0, "alice"),
        ({"SUDO_USER": ""}, "root", 0, "root"),
        ({"SUDO_USER": "bob"}, "alice", 1000, "alice"),
        ({"LOGNAME": "bob", "USER": "bob"}, "alice", 1000, "alice"),
    ],
)
def test_nobody_is_somebody_else_by_setting_a_variable(
    environment: dict[str, str], account: str, uid: int, who: str
) -> None:
    assert user(environment, account, uid) == who
