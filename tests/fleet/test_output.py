"""What `opskit fleet` prints and ends with, in every form, on two hosts and one that is lost."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import yaml

from tests.conftest import CASES, Finished
from tests.fleet.conftest import ONE_FILE, TWO_HOSTS
from tests.fleet.repository import LOCAL, Repository

SCHEMA = json.loads((CASES / "fleet" / "run.schema.json").read_text())
LOST = "lost ansible_host=127.0.0.1 ansible_port=1\n"
BANNER = "authorized use only\n"


@dataclass(frozen=True)
class Day:
    """What was printed while two hosts drifted, were changed, and one of them drifted again."""

    place: Repository
    first: Finished
    junit: Finished
    unasked: Finished
    after_unasked: tuple[str, ...]
    applied: Finished
    again: Finished
    drifted: Finished


@pytest.fixture(scope="module")
def day(lay_out: Callable[..., Repository]) -> Day:
    place = lay_out(TWO_HOSTS + LOST)
    two = ("-l", "web1,web2")
    first = place.opskit("fleet", "check", "--json")
    junit = place.opskit("fleet", "check", "-o", "junit", "--output-file", "drift.xml")
    unasked = place.opskit("fleet", "apply", *two)
    after_unasked = tuple(path.name for path in place.scratch.iterdir())
    applied = place.opskit("fleet", "apply", "--yes", "--json", *two)
    again = place.opskit("fleet", "apply", *two)
    (place.scratch / "web2.txt").write_text("who is there?\n")
    drifted = place.opskit("fleet", "check", "-o", "yaml", *two)
    return Day(place, first, junit, unasked, after_unasked, applied, again, drifted)


def plain(document: Any) -> dict[str, Any]:
    """Return a document that was found to be as the schema says."""
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    found: dict[str, Any] = document
    return found


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        plain({"format_version": 1})


def test_json_is_as_its_schema_says(day: Day) -> None:
    said = plain(json.loads(day.first.out))
    assert said["counts"] == {
        "failed": 0, "unreachable": 1, "drifted": 2, "owed": 0, "not evaluated": 0, "compliant": 0,
    }  # fmt: skip
    assert said["exit_code"] == day.first.code == 3
    assert said["provenance"]["standard"] == "playbooks/standard.yml"
    (drift,) = said["hosts"][0]["drift"]
    assert (drift["control"], drift["severity"]) == ("OPS-BAN-01", "low")
    assert (drift["before"], drift["after"]) == ("", BANNER)
    assert drift["last_good_at"] is None


def test_an_apply_says_in_json_what_it_saw_afterwards(day: Day) -> None:
    said = plain(json.loads(day.applied.out))
    assert (said["mode"], said["exit_code"], day.applied.code) == ("check", 0, 0)
    assert said["counts"]["compliant"] == 2
    assert (day.place.scratch / "web1.txt").read_text() == BANNER


def test_yaml_says_the_same_as_json(day: Day) -> None:
    said = plain(yaml.safe_load(day.drifted.out))
    assert day.drifted.code == 1
    (drift,) = said["hosts"][1]["drift"]
    assert (drift["before"], drift["after"]) == ("who is there?\n", BANNER)
    assert drift["last_good_at"] is not None
    assert drift["last_good_at"] <= drift["detected_at"]


def test_only_the_result_is_on_stdout(day: Day) -> None:
    for finished in (day.first, day.applied, day.drifted):
        assert "checking" in finished.err
        assert "checking" not in finished.out
    assert not day.junit.out


def test_a_table_shows_equal_changes_once_with_a_diff_and_a_verdict(day: Day) -> None:
    assert day.unasked.out.count("OPS-BAN-01 [low] The banner is shown") == 1
    assert "on web1, web2" in day.unasked.out
    assert "  +authorized use only" in day.unasked.out
    assert "2 hosts: 2 drifted" in day.unasked.out


def test_junit_is_read_as_junit(day: Day) -> None:
    assert day.junit.code == 3
    document = ET.parse(day.place.root / "drift.xml").getroot()
    assert document.tag == "testsuites"
    assert {name: document.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3", "failures": "2", "errors": "1", "skipped": "0",
    }  # fmt: skip
    suites = {suite.get("name"): suite for suite in document.findall("testsuite")}
    assert set(suites) == {"web1", "web2", "lost"}
    failure = suites["web1"].find("testcase/failure")
    assert failure is not None
    assert "+authorized use only" in (failure.text or "")
    (error,) = suites["lost"].iter("error")
    assert error.get("message", "").startswith("unreachable: ")


def test_without_a_terminal_nothing_is_changed_unless_asked_for(day: Day) -> None:
    assert day.unasked.code == 5
    assert "nobody is there to confirm" in day.unasked.err
    assert "--yes" in day.unasked.err
    assert day.after_unasked == ()


def test_where_nothing_differs_nothing_is_asked(day: Day) -> None:
    assert day.again.code == 0
    assert "nothing to change" in day.again.err
    assert "2 hosts: 2 compliant" in day.again.out


def test_the_ledger_holds_all_of_it_in_order(day: Day) -> None:
    runs = [entry.subject[:5] for entry in day.place.entries("run.finished")]
    assert runs == [*["check"] * 4, "apply", *["check"] * 3]
    kinds = [kind for kind in day.place.kinds() if kind.startswith("drift")]
    assert kinds == ["drift.found"] * 2 + ["drift.fixed"] * 2 + ["drift.found"]
    assert day.place.opskit("ledger", "verify").code == 0


def on_terminal(place: Repository, answer: str) -> tuple[int, str]:
    """Apply on a terminal where somebody answers; return the exit code and what it showed."""
    main, side = pty.openpty()
    with subprocess.Popen(
        place.command("fleet", "apply"),
        cwd=place.root,
        env={**place.environment, "TERM": "xterm"},
        stdin=side, stdout=side, stderr=side, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(side)
        shown = b""
        with suppress(OSError):  # what reading says when the last process has left the terminal
            while chunk := os.read(main, 65_536):
                asked = shown.count(b"[y/N]:")
                shown += chunk
                if shown.count(b"[y/N]:") > asked:
                    os.write(main, answer.encode() + b"\n")
        os.close(main)
    return process.returncode, shown.decode()


def test_on_a_terminal_somebody_is_asked_and_may_say_no(repository: Repository) -> None:
    code, shown = on_terminal(repository, "n")
    assert "Change 2 things on 2 hosts?" in shown
    assert code == 130, shown
    assert not list(repository.scratch.iterdir())


BREAKS = (
    ONE_FILE
    + """
    - name: Breaks when it acts
      ansible.builtin.fail: {msg: no disk}
      when: not ansible_check_mode
"""
)


def test_an_apply_that_fails_ends_with_4_also_if_somebody_said_yes(
    lay_out: Callable[..., Repository],
) -> None:
    place = lay_out(f"web1 {LOCAL}\n", BREAKS)
    code, shown = on_terminal(place, "y")
    assert "Change 1 thing on 1 host?" in shown
    assert code == 4, shown
    assert (place.scratch / "web1.txt").read_text() == BANNER
    (end,) = [entry for entry in place.entries("run.finished") if entry.subject.startswith("apply")]
    assert json.loads(end.data)["hosts"] == {"web1": "failed"}


def test_a_result_that_cannot_be_written_is_one_line(day: Day) -> None:
    where = str(day.place.root / "no" / "such" / "directory.json")
    done = day.place.opskit("fleet", "check", "--json", "-l", "web1", "--output-file", where)
    assert done.code == 2
    assert "directory.json" in done.err.splitlines()[-2]
    assert "Traceback" not in done.err
