"""OpenSLO v1: read as it is, refused where it promises something else, written and read again."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, strategies as st

from opskit.core.clock import DAY, HOUR, MINUTE
from opskit.monitor import openslo
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.openslo import Promises
from opskit.outside.documents import parse_all
from tests.cli.inside import Inside
from tests.monitor.world import tcp

SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: shop-is-there
  displayName: Shop
spec:
  description: The shop answers.
  service: shop
  indicatorRef: shop-answers
  timeWindow:
    - duration: 1M
      isRolling: false
      calendar:
        startTime: 2026-01-01 00:00:00
        timeZone: Europe/Berlin
  budgetingMethod: Occurrences
  objectives:
    - displayName: Three nines
      target: 0.999
  alertPolicies:
    - fast-burn
"""
REST = """\
---
apiVersion: openslo/v1
kind: SLI
metadata: {name: shop-answers}
spec:
  ratioMetric:
    counter: true
    good: {metricSource: {type: Prometheus, spec: {query: good}}}
    total: {metricSource: {type: Prometheus, spec: {query: total}}}
---
apiVersion: openslo/v1
kind: Service
metadata: {name: shop, displayName: The shop}
spec: {description: Sells things}
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: fast-burn}
spec: {conditions: [{conditionRef: burning}], notificationTargets: [{targetRef: phone}]}
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: burning}
spec: {severity: page, condition: {kind: burnrate, op: lte, threshold: 2}}
"""


def catalogue(**promised: Any) -> Catalogue:
    """Return a catalogue of one service, looked at every minute."""
    shop = {"owner": "web", "probes": [tcp()], **promised}
    return Catalogue.model_validate_json(json.dumps({"services": {"shop": shop}}), strict=True)


def read(path: Path, text: str, known: Catalogue | None = None) -> Promises:
    path.write_text(text)
    documents = parse_all(path, name="slo.yaml")
    return openslo.promises(documents, known or catalogue())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "slo.yaml"


def test_a_promise_is_read_as_it_is(file: Path) -> None:
    found = read(file, SLO + REST)
    assert found.findings == []
    (one,) = found.objectives["shop"]
    assert one.availability == Fraction(999, 1000)
    assert (one.over, str(one.timezone)) == ("month", "Europe/Berlin")


ROLLING = SLO.replace("1M", "28d").replace("isRolling: false", "isRolling: true")
ROLLING = "".join(
    line
    for line in ROLLING.splitlines(keepends=True)
    if not line.strip().startswith(("calendar:", "startTime:", "timeZone:"))
)
SLICES = SLO.replace("Occurrences", "Timeslices")


@pytest.mark.parametrize(
    ("text", "over", "share"),
    [
        (ROLLING, 28 * DAY, "999/1000"),
        (ROLLING.replace("28d", "4w"), 28 * DAY, "999/1000"),
        (SLO.replace("1M", "1Q"), "quarter", "999/1000"),
        (SLO.replace("1M", "1Y"), "year", "999/1000"),
        (SLO.replace("target: 0.999", "targetPercent: 99.95"), "month", "1999/2000"),
        (SLO.replace("target: 0.999", "target: 1"), "month", "1"),
        (SLO.replace("target: 0.999", "target: 0.9\n      targetPercent: 90"), "month", "9/10"),
        (
            SLICES.replace(
                "target: 0.999",
                "target: 0.999\n      timeSliceTarget: 0.95\n      timeSliceWindow: 1m",
            ),
            "month",
            "999/1000",
        ),
    ],
)
def test_windows_targets_and_slices_are_what_they_say(
    file: Path, text: str, over: object, share: str
) -> None:
    found = read(file, text + REST)
    assert found.findings == []
    (one,) = found.objectives["shop"]
    assert (one.over, one.availability) == (over, Fraction(share))


GOAL = "target: 0.999"
REFUSED = {
    "another service": (("service: shop", "service: shpo"), 8, "there is no service 'shpo'"),
    "an unknown indicator": (("Ref: shop-answers", "Ref: shop-anwers"), 9, "there is no SLI"),
    "no indicator": (("  indicatorRef: shop-answers\n", ""), 6, "no indicator of its own"),
    "a threshold": (
        ("indicatorRef: shop-answers", "indicator: {spec: {thresholdMetric: {metricSource: {}}}}"),
        9,
        "thresholdMetric measures a value",
    ),
    "averaged slices": (("Occurrences", "RatioTimeslices"), 16, "RatioTimeslices averages"),
    "slices without a length": (("Occurrences", "Timeslices"), 18, "are not the looks at shop"),
    "a value": ((GOAL, f"{GOAL}\n      op: lte\n      value: 2"), 18, "op and value belong"),
    "a weight": ((GOAL, f"{GOAL}\n      compositeWeight: 2"), 18, "no composite SLO"),
    "two targets": ((GOAL, f"{GOAL}\n      targetPercent: 90"), 18, "target and targetPercent"),
    "no target": ((GOAL, "displayname: x"), 19, "unknown key 'displayname'"),
    "too many digits": ((GOAL, "target: 0.9999999999"), 18, "is no objective of opskit's"),
    "more than all": ((GOAL, "target: 99.9"), 19, "less than or equal to 1"),
    "a rolling month": (("isRolling: false", "isRolling: true"), 11, "has no fixed length"),
    "a calendar of weeks": (("duration: 1M", "duration: 1w"), 11, "no calendar window of 1w"),
    "a month from the 15th": (("01-01 00", "01-15 00"), 14, "is no beginning of a month"),
    "no zone": (("Europe/Berlin", "Europe/Atlantis"), 15, "is no time zone"),
    "another kind": (("kind: SLO", "kind: SL0"), 2, "there is no kind 'SL0'"),
    "another version": (("openslo/v1\nkind: SLO", "openslo/v2\nkind: SLO"), 1, "openslo/v1"),
    "an unknown key": (("  description", "  descriptoin"), 7, "unknown key 'descriptoin'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_promise_of_ours_is_refused_where_it_stands(file: Path, name: str) -> None:
    (old, new), line, says = REFUSED[name]
    text = SLO + REST
    assert old in text
    found = read(file, text.replace(old, new, 1))
    (one,) = found.findings
    assert one.location is not None
    assert says in one.message
    assert (one.location.path, one.location.line) == ("slo.yaml", line)
    assert found.objectives == {}


def test_a_mistake_in_a_later_document_has_its_own_line(file: Path) -> None:
    found = read(file, SLO + REST.replace("metadata: {name: shop-answers}", "metadata: {}"))
    lines = [one.location.line for one in found.findings if one.location is not None]
    assert lines == [25, 9]  # the SLI, and the SLO that names it


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (SLO + "---\n" + "a: &a [1]\nb: " + "[" * 70 + "]" * 70, "file-too-deep"),
        (SLO + "---\na: [\n", "file-syntax"),
        (SLO + "---\na: 1\na: 2\nkind: Service\n", "file-duplicate-key"),
        (SLO + "---\nkind: !!python/name:os.system x\n", "file-tag"),
        ("---\n" * 3 + "\x07", "file-control-character"),
    ],
)
def test_several_documents_are_read_as_strictly_as_one(file: Path, text: str, rule: str) -> None:
    assert rule in {one.rule for one in read(file, text).findings}


def test_many_small_bombs_are_one_big_one(file: Path) -> None:
    nines = ", ".join(["*a"] * 1000)
    bomb = f"a: &a [{', '.join(['x'] * 30)}]\nb: [{nines}]\n"
    file.write_text("---\n".join([bomb] * 7))
    rules = {one.rule for document in parse_all(file) for one in document.findings}
    assert rules == {"file-too-many-values"}


def test_a_contradiction_is_a_finding_and_a_repetition_is_not(file: Path) -> None:
    promised = catalogue(objective={"availability": "99.5%", "over": "month"})
    (one,) = read(file, SLO + REST, promised).findings
    assert "99.9 % here and 99.5 % elsewhere" in one.message
    same = read(file, SLO + REST, catalogue(objective={"availability": "99.9%"}))
    assert (same.findings, same.objectives) == ([], {})
    other = catalogue(objective={"availability": "99%", "over": "year"})
    merged = openslo.merged(other, read(file, SLO + REST, other).objectives)
    assert [one.over for one in merged.services["shop"].promises] == ["year", "month"]


ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu")
OVER = st.one_of(
    st.sampled_from(["month", "quarter", "year"]),
    st.sampled_from([DAY, HOUR, MINUTE]).flatmap(
        lambda unit: st.integers(1, 400).map(lambda count: f"{count * unit // MINUTE}m")
    ),
)
SHARES = st.integers(0, 10**8).map(
    lambda digits: f"{digits // 10**6}.{digits % 10**6:06}%" if digits < 10**8 else "100%"
)
PROMISES = st.lists(
    st.fixed_dictionaries({"availability": SHARES, "over": OVER}),
    min_size=1,
    max_size=4,
    unique_by=lambda one: one["over"],
)


@given(promised=PROMISES, zone=st.sampled_from(ZONES))
def test_what_is_written_is_read_as_the_same(
    tmp_path_factory: pytest.TempPathFactory, promised: list[dict[str, str]], zone: str
) -> None:
    ours = catalogue(objectives=[{**one, "timezone": zone} for one in promised])
    documents = openslo.written(ours, ["shop"], ZoneInfo("UTC"))
    assert documents.left_out == []
    path = tmp_path_factory.mktemp("slo") / "slo.yaml"
    found = read(path, yaml.safe_dump_all(documents.documents))
    assert found.findings == []
    there = [(one.availability, one.over) for one in found.objectives["shop"]]
    assert there == [(one.availability, one.over) for one in ours.services["shop"].promises]
    zones = {str(one.timezone) for one in found.objectives["shop"] if isinstance(one.over, str)}
    assert zones <= {zone}


def test_what_openslo_has_no_words_for_is_left_out_and_said() -> None:
    weighted = [{"from": "08:00", "to": "18:00", "weight": 2}]
    ours = catalogue(
        objectives=[
            {"availability": "99%", "weighted": weighted},
            {"availability": "98%", "over": "90s"},
        ]
    )
    found = openslo.written(ours, ["shop"], ZoneInfo("UTC"))
    assert found.left_out == ["shop: 99 %", "shop: 98 %"]
    assert [one["kind"] for one in found.documents] == ["Service"]


@pytest.fixture
def shop(ops: Path) -> Path:
    """Lay out a catalogue whose objectives stand in a file of their own."""
    (ops / "access").mkdir()
    (ops / "access" / "people.yaml").write_text("teams:\n  web:\n    purpose: Builds it.\n")
    (ops / "slo").mkdir()
    (ops / "slo" / "shop.yaml").write_text(SLO + REST)
    (ops / "services.yaml").write_text(
        "openslo: [slo/shop.yaml]\nservices:\n  shop:\n    owner: web\n    probes:\n"
        "      - {kind: tcp, address: '127.0.0.1:9', confirm_after: 100ms}\n"
    )
    return ops


def test_the_catalogue_promises_what_its_files_say(shop: Path, inside: Inside) -> None:
    done = inside("monitor", "objectives", "--json")
    (one,) = json.loads(done.out)["objectives"]
    assert (one["service"], one["objective"], one["over"]) == ("shop", "999/1000", "the month")
    assert (done.code, one["observed"]) == (3, False)


def test_an_overspent_objective_is_a_finding(shop: Path, inside: Inside) -> None:
    text = SLO.replace("0.999", "1") + REST
    (shop / "slo" / "shop.yaml").write_text(text)
    # A look that this machine was too busy for tells nothing; another one will.
    assert any(inside("monitor", "probe").code == 1 for _ in range(10))
    done = inside("monitor", "objectives")
    assert done.code == 1
    assert "overspent" in done.out
    assert inside("monitor", "objectives", "shop", "--json").code == 1


def test_objectives_are_written_as_openslo(shop: Path, inside: Inside) -> None:
    done = inside("monitor", "objectives", "-o", "openslo")
    assert done.code == 0
    kinds = [one["kind"] for one in yaml.safe_load_all(done.out)]
    assert kinds == ["Service", "SLO"]
    assert read(shop / "slo" / "again.yaml", done.out).objectives["shop"]


def test_a_name_that_looks_like_a_number_stays_a_name(shop: Path, inside: Inside) -> None:
    services = (shop / "services.yaml").read_text()
    own = "  '1e3':\n    objective: {availability: '99%', over: 30d}"
    renamed = services.replace("openslo: [slo/shop.yaml]\n", "").replace("  shop:", own)
    (shop / "services.yaml").write_text(renamed)
    done = inside("monitor", "objectives", "-o", "openslo")
    (shop / "slo" / "again.yaml").write_text(done.out)
    names = [one.value for one in parse_all(shop / "slo" / "again.yaml")]
    assert [one["metadata"]["name"] for one in names if isinstance(one, dict)] == ["1e3", "1e3-1"]
    assert isinstance(names[1], dict)
    assert names[1]["spec"]["service"] == "1e3"


def test_a_mistake_in_an_openslo_file_is_told_by_check_and_ends_other_commands(
    shop: Path, inside: Inside
) -> None:
    (shop / "slo" / "shop.yaml").write_text(SLO.replace("service: shop", "service: shpo") + REST)
    done = inside("check", "--json")
    (one,) = json.loads(done.out)["findings"]
    assert (one["location"]["path"], one["location"]["line"]) == ("slo/shop.yaml", 8)
    ended = inside("monitor", "objectives")
    assert ended.code == 2
    assert ended.err.startswith("slo/shop.yaml:8:")
    (shop / "slo" / "shop.yaml").unlink()
    (gone,) = json.loads(inside("check", "--json").out)["findings"]
    assert (gone["rule"], gone["location"]["line"]) == ("file-missing", 1)
