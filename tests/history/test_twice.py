"""One incident in two systems is one, where one of them links to the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.inside import Inside
from tests.history.test_import import WHOLE, brought, figure, incidents, reported

PAGES = """id,service_name,created_on,resolved_on
Q1ABCDEF,shop,2026-02-03T10:00:00Z,2026-02-03T11:00:00Z
Q2ABCDEF,,2026-02-09T10:00:00Z,2026-02-09T11:00:00Z
"""
LINK = "see https://example.pagerduty.com/incidents/{} says Ann"


def issue(number: int, day: int, *names: str) -> dict[str, object]:
    """Return an issue whose text links to incidents."""
    return {
        "number": number, "labels": ["incident", "service:web"], "title": "down",
        "body": " ".join(map(LINK.format, names)), "created_at": f"2026-02-{day:02}T10:20:00Z",
        "closed_at": f"2026-02-{day:02}T12:00:00Z",
    }  # fmt: skip


@pytest.mark.parametrize("issues_first", [True, False])
def test_an_issue_that_links_to_an_incident_counts_with_it(
    inside: Inside, tmp_path: Path, issues_first: bool
) -> None:
    issues, pages = tmp_path / "issues.json", tmp_path / "pages.csv"
    every = [
        issue(1, 3, "Q1ABCDEF"), issue(2, 9, "Q2ABCDEF"), issue(3, 9, "Q2ABCDEF"),
        # one of a day later recalls it, one links to two, one to an incident that is not known
        issue(4, 20, "Q1ABCDEF"), issue(5, 3, "Q1ABCDEF", "Q2ABCDEF"), issue(6, 3, "Q9ABCDEF"),
    ]  # fmt: skip
    issues.write_text(json.dumps(every))
    pages.write_text(PAGES)
    files = [("github", issues), ("pagerduty", pages)]
    for kind, file in files if issues_first else reversed(files):
        brought(inside, kind, str(file), *WHOLE)
    report = reported(inside, "2026-02")
    assert figure(report, "incidents.count")["display"] == "5"
    told = {one["name"]: (one["service"], one["source"]) for one in incidents(report)}
    assert told == {
        "pagerduty/Q1ABCDEF": ("shop", "pagerduty and github"),
        "pagerduty/Q2ABCDEF": ("web", "pagerduty and github"),
        "github/4": ("web", "github"),
        "github/5": ("web", "github"),
        "github/6": ("web", "github"),
    }
    assert [len(one["refs"]) for one in incidents(report)][:1] != [1]
    assert "Ann" not in json.dumps(report)
