"""Findings: their order, and an identity that survives an edit elsewhere in the file."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from opskit.core.findings import Finding, Location, Severity, ordered

TEXT = st.text(st.characters(), max_size=12)


def finding(
    rule: str = "r",
    severity: Severity = Severity.HIGH,
    path: str = "a.yaml",
    line: int = 1,
    message: str = "m",
) -> Finding:
    return Finding(rule, severity, "s", message, Location(path, line, 1))


WANTED = (
    finding(severity=Severity.HIGH, path="a.yaml", line=2),
    finding(severity=Severity.HIGH, path="a.yaml", line=10),
    finding(severity=Severity.HIGH, path="b.yaml", line=1),
    finding(severity=Severity.MEDIUM, path="a.yaml", line=1),
    finding(severity=Severity.LOW, path="a.yaml", line=1, message="m2"),
)


@given(st.permutations(WANTED))
def test_most_severe_first_then_by_file_and_line(shuffled: list[Finding]) -> None:
    assert ordered(shuffled) == WANTED


def test_each_finding_once() -> None:
    assert ordered([finding(), finding(), finding(line=2)]) == (finding(), finding(line=2))


def test_a_finding_without_a_place_comes_before_those_in_files() -> None:
    placeless = Finding("r", Severity.HIGH, "s", "m")
    assert ordered([finding(), placeless]) == (placeless, finding())


@given(st.integers(0, 10_000), st.integers(0, 200))
def test_the_fingerprint_stays_when_the_line_moves(line: int, column: int) -> None:
    moved = Finding("r", Severity.HIGH, "s", "m", Location("a.yaml", line, column))
    assert moved.fingerprint == finding().fingerprint


@pytest.mark.parametrize(
    "other",
    [
        finding(rule="r2"),
        finding(path="b.yaml"),
        finding(message="m2"),
        Finding("r", Severity.HIGH, "s2", "m", Location("a.yaml", 1, 1)),
        Finding("r", Severity.HIGH, "s", "m"),
    ],
)
def test_the_fingerprint_tells_findings_apart(other: Finding) -> None:
    assert other.fingerprint != finding().fingerprint


def test_the_fingerprint_does_not_confuse_neighbouring_fields() -> None:
    assert (
        Finding("r", Severity.LOW, "ab", "c").fingerprint
        != Finding("r", Severity.LOW, "a", "bc").fingerprint
    )


def test_the_fingerprint_is_the_same_in_every_process() -> None:
    # SARIF uploads are matched by it, so a change closes and reopens every alert of every user.
    assert finding().fingerprint == "8fb2b4ae2869d23c"


@given(TEXT, TEXT, TEXT)
def test_any_text_has_a_fingerprint(path: str, subject: str, message: str) -> None:
    made = Finding("r", Severity.LOW, subject, message, Location(path)).fingerprint
    assert re.fullmatch("[0-9a-f]{16}", made)


@pytest.mark.parametrize("path", ["alerts/\udcff.yaml", "a\ud800b"])
def test_a_file_name_that_is_not_utf_8_has_a_fingerprint(path: str) -> None:
    # os.listdir gives such names for bytes that are no UTF-8; a check must not end as a bug.
    found = Finding("r", Severity.LOW, "s", "m", Location(path))
    assert ordered([found]) == (found,)


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        (Location("a.yaml"), "a.yaml"),
        (Location("a.yaml", 3), "a.yaml:3"),
        (Location("a.yaml", 3, 7), "a.yaml:3:7"),
    ],
)
def test_a_place_is_shown_as_editors_open_it(location: Location, shown: str) -> None:
    assert str(location) == shown


def test_severities_rank_from_mild_to_severe() -> None:
    assert [severity.rank for severity in Severity] == [0, 1, 2, 3, 4]
    assert max(Severity, key=lambda severity: severity.rank) is Severity.CRITICAL
