"""A run in the forms that CI reads: what is waived is no failure, what was not seen is no pass."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from opskit.cli.fleet.forms import as_annotations, as_junit, as_markdown, as_sarif
from opskit.core.clock import Instant
from opskit.core.hosts import Verdict
from opskit.core.transcript import Mode, Outcome
from opskit.fleet.model import Provenance, Run, RunState, Standing
from opskit.fleet.rules import evaluate
from tests.fleet.stories import CHANGED, FAILED, OK, A, B, Told
from tests.fleet.transcripts import transcript

NOW = Instant(0)
LOST = Outcome.UNREACHABLE
HOSTILE = "a|b `x` ``` <b>&amp;</b> [l](javascript:1)\n\n| --- |\n::error::x\r%0A, \x1b[31m"


def run_of(told: Told, *, waived: tuple[str, ...] = (), tags: Any = None) -> Run:
    """Return a check of this, in which the deviations of these hosts are waived."""
    hosts = evaluate(transcript(told, tags=tags), Mode.CHECK, Path("/ops"))
    made_of = Provenance("site.yml", "c0ffee", "", "", (), "", "")
    run = Run("check-1", "check", RunState.FINISHED, "person:a", NOW, NOW, made_of, hosts)
    standing = {
        drift.key: Standing(None, NOW, waiver="W-7" if drift.host in waived else "")
        for drift in run.drift
    }
    return replace(run, standing=standing)


def hostile(run: Run) -> Run:
    """Return the run with hostile text wherever a host or a file may bring some in."""
    hosts = tuple(
        replace(
            one,
            host=HOSTILE,
            reason=HOSTILE if one.verdict is not Verdict.DRIFTED else "",
            drift=tuple(
                replace(drift, host=HOSTILE, task=HOSTILE, before=HOSTILE, item=HOSTILE)
                for drift in one.drift
            ),
        )
        for one in run.hosts
    )
    return replace(run, hosts=hosts, actor=HOSTILE, standing={})


MIXED = {
    "web1": {A: CHANGED, B: OK},
    "web2": {A: CHANGED, B: OK},
    "web3": {A: LOST, B: OK},
    "web4": {A: OK, B: OK},
}


def test_junit_has_a_case_per_task_and_no_pass_for_what_was_not_seen() -> None:
    root = ET.fromstring(as_junit(run_of(MIXED, waived=("web2",))))
    told = {
        (suite.get("name"), case.get("name")): [child.tag for child in case]
        for suite in root
        for case in suite
    }
    assert told["web1", "A"] == ["failure"]
    assert told["web2", "A"] == ["skipped"]
    assert told["web1", "B"] == told["web4", "A"] == []
    assert told["web3", "host"] == ["error"]
    assert (root.get("failures"), root.get("skipped")) == ("1", "1")


@pytest.mark.parametrize("outcome", [Outcome.UNSUPPORTED, FAILED])
def test_junit_says_error_where_a_task_was_not_evaluated(outcome: Outcome) -> None:
    told = {"web1": {A: outcome, B: OK}} if outcome is not FAILED else {"web1": {A: FAILED}}
    told |= {"web2": {A: OK, B: OK}}
    root = ET.fromstring(as_junit(run_of(told)))
    assert root.find("testsuite[@name='web1']//error") is not None
    assert root.find("testsuite[@name='web2']//error") is None


def sarif(run: Run) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(as_sarif(run))
    return document


def test_sarif_has_what_a_code_scanner_needs() -> None:
    run = run_of(MIXED, waived=("web2",), tags={"A": ("control:OPS-1", "severity:high")})
    document = sarif(run)
    (made,) = document["runs"]
    rules = {rule["id"] for rule in made["tool"]["driver"]["rules"]}
    assert (document["version"], made["tool"]["driver"]["name"]) == ("2.1.0", "opskit")
    for one in made["results"]:
        assert one["ruleId"] in rules
        assert one["level"] in {"note", "warning", "error"}
        assert one["message"]["text"]
        for place in one["locations"]:
            assert place["physicalLocation"]["region"]["startLine"] >= 1
    told = {one["message"]["text"].partition(":")[0]: one for one in made["results"]}
    assert (told["web1"]["suppressions"], told["web3"]["locations"]) == ([], [])
    assert told["web2"]["suppressions"][0]["justification"] == "waived by W-7"
    assert told["web1"]["level"] == "error"
    place = told["web1"]["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("site.yml", 65)


def moved(run: Run) -> Run:
    """Return the run as it were with all tasks some lines further down."""
    hosts = tuple(
        replace(host, drift=tuple(replace(one, path="site.yml:99") for one in host.drift))
        for host in run.hosts
    )
    return replace(run, hosts=hosts)


def test_a_fingerprint_stays_when_a_line_moves_and_differs_between_hosts() -> None:
    run = run_of(MIXED)
    prints, later = (
        [one["partialFingerprints"]["opskit/v1"] for one in sarif(each)["runs"][0]["results"]]
        for each in (run, moved(run))
    )
    assert prints == later
    assert len(set(prints)) == len(prints) == 3


def test_annotations_are_of_what_nobody_accepted() -> None:
    lines = as_annotations(run_of(MIXED, waived=("web2",))).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("::warning file=site.yml,line=65,title=a::web1: A: not as")
    assert lines[1].startswith("::warning title=host-not-evaluated::web3: unreachable")


def test_hostile_text_makes_no_other_annotation() -> None:
    lines = as_annotations(hostile(run_of(MIXED))).splitlines()
    assert len(lines) == 3
    for line in lines:
        properties, _, text = line.removeprefix("::warning ").partition("::")
        assert re.fullmatch(r"(?:[a-z]+=[^:,\r\n]*,?)+", properties)
        assert not re.search(r"%(?!25|0A|0D)", text)
        assert "\x1b" not in text


def test_markdown_shows_hosts_deviations_and_what_they_depend_on() -> None:
    text = as_markdown(run_of(MIXED, tags={"A": ("control:OPS-1", "severity:high")}))
    assert "### Fleet check: 4 hosts: 1 unreachable, 2 drifted, 1 compliant" in text
    assert "| web1, web2 | drifted | 1 |  |" in text
    assert "<details><summary>OPS-1 [high] A</summary>" in text
    assert "```diff\n-as found\n+wanted\n```" in text


def test_hostile_text_leaves_one_table_and_closed_folds() -> None:
    text = as_markdown(hostile(run_of(MIXED)))
    lines = text.split("\n")
    rows = [line for line in lines if line.startswith("| ")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in rows)
    assert lines.index(rows[-1]) - lines.index(rows[0]) == len(rows)  # the head's rule is between
    outside = re.sub(r"(?ms)^(`{3,})diff\n.*?^\1$", "", text)
    allowed = {"details", "/details", "summary", "/summary", "sub", "/sub"}
    assert set(re.findall(r"<([^>]*)>", outside)) == allowed
    assert outside.count("<details>") == outside.count("</details>") == 1
    assert not re.search(r"(?<!\\)`", re.sub(r"<summary>.*?</summary>", "", outside))
    assert "\x1b" not in text


@pytest.mark.parametrize("form", [as_junit, as_sarif, as_markdown, as_annotations])
def test_every_form_says_that_a_run_over_nothing_saw_nothing(form: Any) -> None:
    assert isinstance(form(run_of({})), str)
    assert "web1" in form(run_of({"web1": {A: LOST}}))


def test_a_junit_of_hostile_text_is_xml_with_as_many_cases() -> None:
    plain, odd = (ET.fromstring(as_junit(one)) for one in (run_of(MIXED), hostile(run_of(MIXED))))
    assert odd.get("failures") == plain.get("failures")
    assert odd.get("errors") == plain.get("errors")
