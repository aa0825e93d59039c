"""`opskit import`: what comes in, what is left out and told, and that nothing comes in twice."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from opskit.core.errors import ExitCode
from tests.cli.inside import Inside
from tests.history.conftest import HISTORY

WHOLE = ("--from", "2026-01-01", "--to", "2026-04-01")


def brought(inside: Inside, *arguments: str) -> dict[str, Any]:
    """Import one file, and return what is told of it."""
    done = inside("import", *arguments, "--json")
    assert done.code == ExitCode.OK, done.err
    (found,) = json.loads(done.out)["files"]
    return dict(found)


def reported(inside: Inside, month: str) -> dict[str, Any]:
    """Return the report of a month."""
    done = inside("report", "build", "--month", month, "-o", "json", "--output-file", "-")
    assert done.code == ExitCode.OK, done.err
    return dict(json.loads(done.out))


def figure(report: dict[str, Any], name: str) -> dict[str, Any]:
    """Return one figure of a report."""
    return next(dict(one) for one in report["figures"] if one["id"] == name)


def incidents(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the incidents that a report is built from."""
    return list(report["inputs"]["ground"]["evidence"]["desk"]["incidents"])


def path(name: str) -> str:
    """Return a file of the cases."""
    return str(HISTORY / name)


def test_months_before_opskit_are_reported_and_marked(inside: Inside) -> None:
    brought(inside, "pagerduty", path("pagerduty.csv"), *WHOLE)
    report = reported(inside, "2026-02")
    assert figure(report, "incidents.count")["display"] == "1"
    assert [one["source"] for one in incidents(report)] == ["pagerduty"]
    (source,) = report["inputs"]["sources"]
    assert source["kind"] == "imported"
    assert source["name"] == "pagerduty: pagerduty.csv"
    assert source["note"] == "5 rows read, 6 rows left out"
    assert {"subject": "fleet", "reason": "opskit was not there yet"} in report["gaps"]


def test_every_reported_incident_names_its_ledger_entry(inside: Inside) -> None:
    brought(inside, "pagerduty", path("pagerduty.csv"), *WHOLE)
    report = reported(inside, "2026-01")
    refs = {ref for one in incidents(report) for ref in one["refs"]}
    entries = {one["seq"]: one["kind"] for one in report["inputs"]["entries"]}
    assert {entries[ref] for ref in refs} == {"incident.imported"}


def test_what_is_left_out_is_counted_with_its_reason_and_place(inside: Inside) -> None:
    found = brought(inside, "pagerduty", path("pagerduty.csv"), "--dry-run")
    assert {one["why"]: one["where"] for one in found["left_out"]} == {
        "it ends before it starts": ["line 8"],
        "its time cannot be read; say --time-format": ["line 11"],
        "its time has no zone; name it: --zone Europe/Berlin": ["line 10"],
        "no start": ["line 9"],
        "not as many cells as columns": ["line 12"],
        "told again in the same file: the last counts": ["line 5"],
    }


def test_a_dry_run_changes_nothing(inside: Inside) -> None:
    assert brought(inside, "pagerduty", path("pagerduty.csv"), "--dry-run")["counts"]["new"] == 5
    assert json.loads(inside("import", "list", "--json").out)["imports"] == []


def test_times_without_a_zone_are_read_in_the_one_that_is_named(inside: Inside) -> None:
    brought(inside, "pagerduty", path("pagerduty.csv"), "--zone", "America/New_York", *WHOLE)
    named = {one["name"]: one for one in incidents(reported(inside, "2026-03"))}
    # 10:00 in New York, two days after clocks were put forward there
    assert named["pagerduty/Q0AAG"]["started_at"] == 1_773_237_600_000_000


def test_one_that_never_ended_stays_open(inside: Inside) -> None:
    brought(inside, "pagerduty", path("pagerduty.csv"), *WHOLE)
    named = {one["name"]: one for one in incidents(reported(inside, "2026-03"))}
    assert named["pagerduty/Q0AAD"]["resolved_at"] is None
    assert named["pagerduty/Q0AAJ"]["acknowledged_at"] == 1_774_857_720_000_000


def test_no_name_of_a_person_comes_in(inside: Inside, ops: Path) -> None:
    brought(inside, "pagerduty", path("pagerduty.csv"), *WHOLE)
    brought(inside, "pagerduty", path("pagerduty_api.json"))
    with sqlite3.connect(ops / ".opskit" / "opskit.db") as database:
        said = "\n".join(database.iterdump())
    assert "pagerduty/Q0AAA" in said
    assert "Alex" not in said
    assert "Sam" not in said


def test_a_month_that_is_covered_in_part_only_is_not_counted(inside: Inside) -> None:
    brought(inside, "pagerduty", path("pagerduty.csv"))
    report = reported(inside, "2026-01")
    assert figure(report, "incidents.count")["presence"] == "not configured"
    (gap,) = [one for one in report["gaps"] if one["subject"] == "incidents"]
    assert "imports tell of 5" in gap["reason"]


def test_the_same_file_again_changes_nothing(inside: Inside) -> None:
    first = brought(inside, "pagerduty", path("pagerduty.csv"), *WHOLE)
    again = brought(inside, "pagerduty", path("pagerduty.csv"), *WHOLE)
    assert first["counts"] == {"new": 5, "changed": 0, "same": 0, "older": 0}
    assert again["counts"] == {"new": 0, "changed": 0, "same": 5, "older": 0}
    assert figure(reported(inside, "2026-01"), "incidents.count")["display"] == "2"


def test_a_changed_row_supersedes_what_was_there(inside: Inside, tmp_path: Path) -> None:
    brought(inside, "pagerduty", path("pagerduty.csv"), *WHOLE)
    text = (HISTORY / "pagerduty.csv").read_text(encoding="utf-8")
    later = tmp_path / "later.csv"
    later.write_text(text.replace("10:00:00Z,,300,,", "10:00:00Z,2026-03-09T12:00:00Z,300,7200,"))
    counts = brought(inside, "pagerduty", str(later), *WHOLE)["counts"]
    assert (counts["changed"], counts["same"]) == (1, 4)
    named = {one["name"]: one for one in incidents(reported(inside, "2026-03"))}
    assert named["pagerduty/Q0AAD"]["resolved_at"] == 1_773_057_600_000_000


def test_undoing_brings_back_what_was_replaced_and_deletes_nothing(
    inside: Inside, tmp_path: Path
) -> None:
    brought(inside, "pagerduty", path("pagerduty.csv"), *WHOLE)
    text = (HISTORY / "pagerduty.csv").read_text(encoding="utf-8")
    later = tmp_path / "later.csv"
    later.write_text(text.replace("PSVC1,shop", "PSVC1,store"))
    brought(inside, "pagerduty", str(later), *WHOLE)
    assert inside("import", "undo", "2").code == ExitCode.OK
    assert {one["service"] for one in incidents(reported(inside, "2026-02"))} == {"shop"}
    assert inside("import", "undo", "2").code == ExitCode.REFUSED
    assert inside("import", "undo", "1").code == ExitCode.OK
    assert figure(reported(inside, "2026-02"), "incidents.count")["presence"] == "not configured"
    assert inside("ledger", "verify").code == ExitCode.OK
    again = brought(inside, "pagerduty", path("pagerduty.csv"), *WHOLE)
    assert again["counts"]["new"] == 5
    assert figure(reported(inside, "2026-02"), "incidents.count")["display"] == "1"


def test_an_alert_that_fires_and_ends_is_one_incident(inside: Inside) -> None:
    found = brought(inside, "alertmanager", path("alertmanager_webhook.jsonl"), *WHOLE)
    assert found["counts"]["new"] == 3
    assert {"why": "not JSON", "rows": 1, "where": ["line 3"]} in found["left_out"]
    every = incidents(reported(inside, "2026-02"))
    shop, wiki, again = every
    assert (shop["service"], shop["team"], shop["fingerprint"]) == ("shop", "web", "ShopDown")
    assert shop["resolved_at"] == 1_770_693_900_000_000
    assert (wiki["resolved_at"], again["resolved_at"]) == (None, None)


def test_an_older_message_does_not_reopen_what_has_ended(inside: Inside, tmp_path: Path) -> None:
    lines = (HISTORY / "alertmanager_webhook.jsonl").read_text().splitlines()
    fired, ended = tmp_path / "fired.jsonl", tmp_path / "ended.jsonl"
    fired.write_text(lines[0] + "\n")
    ended.write_text(lines[1] + "\n")
    brought(inside, "alertmanager", str(ended))
    assert brought(inside, "alertmanager", str(fired))["counts"]["older"] == 1


def test_the_api_and_the_webhook_know_the_same_alert(inside: Inside) -> None:
    brought(inside, "alertmanager", path("alertmanager_webhook.jsonl"), *WHOLE)
    counts = brought(inside, "alertmanager", path("alertmanager_api.json"))["counts"]
    assert (counts["new"], counts["same"]) == (1, 1)
    ended = incidents(reported(inside, "2026-02"))[-1]
    # endsAt after updatedAt is when it would be given up; before it, when it ended
    assert (ended["service"], ended["resolved_at"]) == ("wiki", 1_771_675_440_000_000)


def test_only_what_is_asked_for_comes_in(inside: Inside) -> None:
    only = ("--only", "labels.severity=CRITICAL", "--only", "labels.severity=page")
    found = brought(inside, "alertmanager", path("alertmanager_webhook.jsonl"), *only, *WHOLE)
    assert found["rows"] == 2
    assert "not what was asked for (--only)" in {one["why"] for one in found["left_out"]}


def test_the_caller_says_what_users_felt_and_where_the_service_stands(inside: Inside) -> None:
    options = ("--visible", "labels.severity=critical", "--service-field", "labels.team")
    brought(inside, "alertmanager", path("alertmanager_webhook.jsonl"), *options, *WHOLE)
    every = incidents(reported(inside, "2026-02"))
    assert [(one["service"], one["visible"]) for one in every] == [
        ("web", True), ("", False), ("web", True),
    ]  # fmt: skip


def test_a_page_of_several_is_told(inside: Inside) -> None:
    found = brought(inside, "pagerduty", path("pagerduty_api.json"))
    assert found["notes"] == ["it is one page of several: the export goes on elsewhere"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--map", "service=assigned_to_user_names"), "names of people"),
        (("--map", "nothing=x"), "names no field"),
        (("--only", "severity"), "is no condition"),
        (("--zone", "Mars/Olympus"), "no IANA time zone"),
        (("--from", "soon"), "is not a date"),
        (("--from", "2026-02-01", "--to", "2026-01-01"), "--to is before --from"),
    ],
    ids=" ".join,
)
def test_an_option_that_is_wrong_is_told(
    inside: Inside, arguments: Sequence[str], said: str
) -> None:
    done = inside("import", "pagerduty", path("pagerduty.csv"), *arguments)
    assert done.code == ExitCode.USAGE
    assert said in done.err
    assert "next: " in done.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "neither CSV"),
        (b"just words\n", "neither CSV"),
        (b"[" * 100_000, "is not JSON"),
        (b'[{"id": "a"', "is not JSON"),
        ("id,created_on\n".encode("utf-16"), "is UTF-16"),
        (b"\x00\x01\x02\xff,\n", None),
    ],
    ids=["empty", "words", "deep", "cut", "utf-16", "bytes"],
)
def test_a_file_that_is_none_is_told(
    inside: Inside, tmp_path: Path, content: bytes, said: str | None
) -> None:
    file = tmp_path / "export"
    file.write_bytes(content)
    done = inside("import", "pagerduty", str(file))
    assert done.code in {ExitCode.USAGE, ExitCode.REFUSED}
    assert said is None or said in done.err
    assert json.loads(inside("import", "list", "--json").out)["imports"] == []


def test_a_pipe_keeps_nobody_waiting(inside: Inside) -> None:
    done = inside("import", "pagerduty", "/dev/zero")
    assert (done.code, "not a regular file" in done.err) == (ExitCode.USAGE, True)


def test_hostile_text_is_made_visible(inside: Inside, tmp_path: Path) -> None:
    file = tmp_path / "\x1b[31mexport.csv"
    file.write_text(
        "id,service_name,created_on,resolved_on\n"
        '"X\x1b[2J","=cmd|x\u202e",2026-02-01T00:00:00Z,2026-02-01T01:00:00Z\n'
    )
    done = inside("import", "pagerduty", str(file), *WHOLE)
    assert done.code == ExitCode.OK
    assert "\x1b" not in done.out
    (one,) = incidents(reported(inside, "2026-02"))
    assert (one["name"], one["service"]) == (r"pagerduty/X\x1b[2J", r"=cmd|x\u202e")


def test_two_sources_of_one_time_are_told(inside: Inside) -> None:
    brought(inside, "pagerduty", path("pagerduty.csv"), *WHOLE)
    done = inside("import", "alertmanager", path("alertmanager_api.json"))
    assert "pagerduty tells of the same time as alertmanager_api.json" in done.err
    again = inside("import", "pagerduty", path("pagerduty_api.json"), "--dry-run")
    assert "alertmanager tells of the same time" not in again.err
