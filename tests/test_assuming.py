"""`assumptions.yaml`: mistakes are told with their place, and what was not said yet is not used."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from opskit.assuming import assumed, baseline
from opskit.core.clock import Instant
from opskit.core.errors import DataError, ExitCode
from opskit.core.interval import Interval
from opskit.outside.config import Config, Settings
from opskit.records.baselines import Frozen
from opskit.report.assumptions import NOTHING_ASSUMED, Assumptions
from tests.cli.inside import Inside, inside as runner

ROW = """currency: EUR
reactive_ceiling: 50%
assumptions:
  minutes.grant:
    unit: minutes per grant
    low: 5
    likely: 8.5
    high: 20
    owner: platform
    source: five tickets of September, timed
    said_on: 2026-09-15
    expires_on: 2027-03-15
"""


@pytest.fixture
def inside(
    ops: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Inside:
    return runner(ops, monkeypatch, capsys)


def read(ops: Path, text: str, day: date = date(2026, 10, 31)) -> Assumptions:
    (ops / "assumptions.yaml").write_text(text)
    return assumed(Config(ops, Settings(), {}), day)


def test_without_a_file_nothing_is_assumed(ops: Path) -> None:
    assert assumed(Config(ops, Settings(), {}), date(2026, 10, 31)) == NOTHING_ASSUMED


def test_a_row_is_a_range_that_a_team_stands_for(ops: Path) -> None:
    found = read(ops, ROW)
    assert (found.currency, found.reactive_ceiling) == ("EUR", Fraction(1, 2))
    one = found.numbers["minutes.grant"]
    assert (one.value.low, one.value.mode, one.value.high) == (5, 8.5, 20)
    assert (one.owner, one.source) == ("platform", "five tickets of September, timed")
    assert found.holding("minutes.grant", date(2026, 10, 31)) is one
    assert found.holding("minutes.grant", date(2027, 3, 15)) is None


def test_what_is_said_later_is_no_part_of_a_month_that_was_over(ops: Path) -> None:
    assert read(ops, ROW, date(2026, 8, 31)).numbers == {}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (("low: 5", "low: 9"), "assumptions.yaml:4:3"),
        (("high: 20", "hihg: 20"), "assumptions.yaml:8:5"),
        (("high: 20", "high: .inf"), "assumptions.yaml:8:"),
        (("expires_on: 2027-03-15", "expires_on: 2026-09-15"), "assumptions.yaml:4:3"),
        (("reactive_ceiling: 50%", "reactive_ceiling: 101%"), "assumptions.yaml:2:"),
        (("currency: EUR", "currency: euros"), "assumptions.yaml:1:"),
        (("minutes.grant", "Minutes"), "assumptions.yaml:4:"),
        (("minutes.grant", "share.renewals-missed"), "assumptions.yaml:3:"),
    ],
    ids=["order", "key", "infinite", "dates", "ceiling", "currency", "name", "share"],
)
def test_a_mistake_is_told_with_its_place(ops: Path, wrong: tuple[str, str], told: str) -> None:
    with pytest.raises(DataError) as error:
        read(ops, ROW.replace(*wrong))
    places = [str(one.location) for one in error.value.findings]
    assert any(place.startswith(told) for place in places), places


def test_check_finds_owners_that_are_persons_and_prices_without_currency(
    ops: Path, inside: Inside
) -> None:
    (ops / "access").mkdir()
    (ops / "access" / "people.yaml").write_text(
        "people: {ann: {name: Ann, team: web}}\nteams: {web: {purpose: the shop}}\n"
    )
    text = ROW.replace("platform", "ann").replace("minutes.grant", "rate.hour")
    (ops / "assumptions.yaml").write_text(text.replace("currency: EUR\n", ""))
    done = inside("check", "--json")
    assert done.code == ExitCode.FINDINGS
    assert "assumption-owner" in done.out
    assert "write their team: web" in done.out
    assert "assumption-currency" in done.out


def frozen(start: int, end: int, at: int) -> Frozen:
    return Frozen(Interval(Instant(start), Instant(end)), Fraction(2), "more", Instant(at))


def test_the_newest_baseline_of_before_counts() -> None:
    known = (frozen(0, 10, 20), frozen(10, 20, 30), frozen(20, 30, 45), frozen(30, 40, 70))
    found = baseline(known, Interval(Instant(40), Instant(60)))
    assert found is not None
    assert (found.period.start, found.frozen_at, found.factor) == (10, 30, 2.0)
    late = baseline(known[2:], Interval(Instant(40), Instant(60)))
    assert late is not None
    assert late.frozen_at == 45
    assert baseline(known[3:], Interval(Instant(40), Instant(60))) is None


FREEZE = ("report", "baseline", "freeze", "--from", "2025-01-01", "--to", "2025-04-01")


def test_a_baseline_is_frozen_once(inside: Inside) -> None:
    grown = ("--factor", "1.5", "--because", "more hosts")
    assert inside(*FREEZE, *grown).code == ExitCode.OK
    again = inside("report", "baseline", "freeze", "--from", "2025-03-01", "--to", "2025-06-01")
    assert again.code == ExitCode.REFUSED
    assert "was frozen on" in again.err
    listed = inside("report", "baseline", "list", "--json").out
    assert '"factor": "1.5"' in listed
    assert '"because": "more hosts"' in listed


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--to", "2999-01-01"), ExitCode.REFUSED),
        (("--to", "2024-01-01"), ExitCode.USAGE),
        (("--factor", "2"), ExitCode.USAGE),
        (("--factor", "0", "--because", "x"), ExitCode.USAGE),
        (("--factor", "1/0"), ExitCode.USAGE),
        (("--factor", "inf", "--because", "x"), ExitCode.USAGE),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else "",
)
def test_what_would_be_dishonest_is_not_frozen(
    inside: Inside, more: tuple[str, ...], code: ExitCode
) -> None:
    assert inside(*FREEZE, *more).code == code
    assert "nothing is frozen" in inside("report", "baseline", "list").err
