"""What each kind of export becomes, by its documented fields: issues as incidents, jobs as runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from opskit.core.errors import ExitCode
from tests.cli.inside import Inside
from tests.history.test_import import brought, figure, incidents, path, reported

WHOLE = ("--from", "2025-10-01", "--to", "2026-03-01")
BERLIN = ("--zone", "Europe/Berlin")


def named(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the incidents of a report by their names."""
    return {one["name"]: one for one in incidents(report)}


def why(found: dict[str, Any]) -> dict[str, int]:
    """Return what was left out, by reason."""
    return {one["why"]: one["rows"] for one in found["left_out"]}


def test_issues_of_jira_as_csv(inside: Inside) -> None:
    found = brought(inside, "jira", path("jira.csv"), *BERLIN, *WHOLE)
    assert why(found) == {
        "not marked as an incident; say what is one: --only": 1,
        "its time cannot be read; say --time-format": 1,
    }
    found_in = named(reported(inside, "2026-02"))
    assert found_in["jira/OPS-1"]["started_at"] == 1_770_325_860_000_000
    assert found_in["jira/OPS-1"]["resolved_at"] == 1_770_334_200_000_000
    # columns of one name are one list; without a date of resolution it is open, if it is not done
    assert found_in["jira/OPS-2"]["service"] == "wiki, shop"
    assert found_in["jira/OPS-2"]["resolved_at"] is None
    assert found_in["jira/OPS-3"]["resolved_at"] == 1_770_800_400_000_000


def test_a_wall_time_that_comes_twice_ends_after_it_starts(inside: Inside) -> None:
    brought(inside, "jira", path("jira.csv"), *BERLIN, *WHOLE)
    twice = named(reported(inside, "2025-10"))["jira/OPS-5"]
    # 02:50 in summer time, 02:10 in winter time: 20 minutes, and not minus 40
    assert twice["resolved_at"] - twice["started_at"] == 20 * 60 * 1_000_000


def test_issues_of_jira_as_json_are_the_same_ones(inside: Inside) -> None:
    brought(inside, "jira", path("jira.csv"), *BERLIN, *WHOLE)
    found = brought(inside, "jira", path("jira_search.json"))
    assert found["counts"]["same"] == 1
    assert found["notes"] == ["it is one page of several: the export goes on elsewhere"]


@pytest.mark.parametrize("name", ["github_gh.json", "github_api.json"])
def test_issues_of_github(inside: Inside, name: str) -> None:
    brought(inside, "github", path(name), *WHOLE)
    shop = named(reported(inside, "2026-02"))["github/example/ops#7"]
    assert (shop["service"], shop["resolved_at"]) == ("shop", 1_769_947_200_000_000)


def test_what_is_no_issue_or_no_incident_is_left_out(inside: Inside) -> None:
    assert why(brought(inside, "github", path("github_api.json"))) == {"a pull request": 1}
    found = brought(inside, "github", path("github_gh.json"), *WHOLE)
    assert why(found) == {"not marked as an incident; say what is one: --only": 1}
    assert found["counts"]["same"] == 1


def test_jobs_of_awx_are_runs_and_work_that_was_done(inside: Inside) -> None:
    found = brought(inside, "awx", path("awx.json"), *WHOLE)
    assert why(found) == {"it has not ended": 1, "no start": 1}
    report = reported(inside, "2026-02")
    evidence = report["inputs"]["ground"]["evidence"]
    runs = {one["run_id"]: (one["mode"], one["state"]) for one in evidence["runs"]}
    assert runs == {
        "awx/41": ("apply", "finished"),
        "awx/42": ("check", "finished"),
        "awx/43": ("apply", "interrupted"),
    }
    # what a check would have changed was not changed
    work = [(one["task"], one["units"]) for one in evidence["desk"]["automated"]]
    assert work == [("Patch hosts", 4)]
    assert figure(report, "runs.finished")["display"] == "2"
    assert figure(report, "incidents.count")["presence"] == "not configured"
    # a job says nothing of a standard: no check of ours was made
    assert figure(report, "drift.found")["presence"] == "not observed"


def test_playbooks_of_ara_are_runs(inside: Inside) -> None:
    found = brought(inside, "ara", path("ara.json"), *WHOLE)
    assert why(found) == {"it has not ended": 1}
    report = reported(inside, "2026-02")
    (run,) = report["inputs"]["ground"]["evidence"]["runs"]
    assert (run["run_id"], run["standard"], run["mode"]) == ("ara/3", "site.yml", "apply")


@pytest.mark.parametrize(
    ("kind", "jobs", "hosts", "work"),
    [
        ("awx", "awx.json", "awx_host_summaries.json", ("Patch hosts", 1)),
        ("ara", "ara.json", "ara_hosts.json", ("site.yml", 2)),
    ],
)
def test_hosts_of_another_export_say_what_really_changed(
    inside: Inside, kind: str, jobs: str, hosts: str, work: tuple[str, int]
) -> None:
    found = brought(inside, kind, path(jobs), *WHOLE, "--hosts", path(hosts))
    assert [one for one in found["notes"] if one.endswith(f"from {hosts}")]
    assert why(found).get("no host of a job", 0) == (kind == "awx")
    evidence = reported(inside, "2026-02")["inputs"]["ground"]["evidence"]
    assert [(one["task"], one["units"]) for one in evidence["desk"]["automated"]] == [work]


def test_hosts_of_other_jobs_are_refused(inside: Inside) -> None:
    done = inside("import", "ara", path("ara.json"), "--hosts", path("awx_host_summaries.json"))
    assert done.code == ExitCode.USAGE
    assert "tells of no host of a job" in done.err


def test_incidents_and_runs_stand_side_by_side(inside: Inside) -> None:
    brought(inside, "awx", path("awx.json"), *WHOLE)
    brought(inside, "github", path("github_gh.json"), *WHOLE)
    report = reported(inside, "2026-02")
    assert figure(report, "incidents.count")["display"] == "2"
    assert figure(report, "runs.finished")["display"] == "2"
    kinds = {one["name"] for one in report["inputs"]["sources"]}
    assert kinds == {"awx: awx.json", "github: github_gh.json"}


def test_two_imports_are_listed(inside: Inside) -> None:
    brought(inside, "awx", path("awx.json"))
    brought(inside, "github", path("github_gh.json"))
    done = inside("import", "list")
    assert done.code == ExitCode.OK
    assert [line.split()[1] for line in done.out.splitlines()[1:]] == ["awx", "github"]
    first, _ = json.loads(inside("import", "list", "--json").out)["imports"]
    assert (first["state"], first["counts"]["new"]) == ("finished", 3)
