"""A month's report is issued once; later evidence makes the next version of it."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Barrier
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from opskit.cli.report import building
from opskit.core.calendar import month
from opskit.core.clock import HOUR, FrozenClock, Instant
from opskit.core.errors import ConfigError, ExitCode
from opskit.core.evidence import DriftEvidence, Evidence
from opskit.core.findings import Severity
from opskit.core.interval import Interval
from opskit.issuing import Issuing
from opskit.outside.database import Database
from opskit.records.archive import Archive
from opskit.records.ledger import Ledger
from opskit.report.built import Built
from opskit.report.document import View
from opskit.report.figures.catalogue import NAMES
from opskit.report.ground import Ground
from opskit.report.inputs import Inputs, Seal
from opskit.report.render import forms
from opskit.report.render.json import render
from opskit.reporting import Reporting, built, rebuilt
from tests.cli.inside import Inside

OCTOBER = month(2026, 10, ZoneInfo("UTC"))
NOWHERE = FrozenClock(Instant(0))


@dataclass
class Slices:
    """What the slices tell, without slices: `drifts` so many, sealed ever further."""

    config: Zoned
    clock: FrozenClock
    drifts: int = 3
    seal: int = 9

    def report(self, period: Interval) -> Built:
        """Return the report of what they tell."""
        start = period.start
        found = tuple(
            DriftEvidence(f"web{one}", "C", Severity.LOW, "t", None, start, None, (1,))
            for one in range(self.drifts)
        )
        ground = Ground(period, Evidence(drifts=found), zone=self.config.zone.key)
        return built(Inputs(ground, Seal(self.seal, f"{self.seal:064x}"), "1.0", methods=NAMES))


@dataclass(frozen=True)
class Zoned:
    """Settings, as far as issuing needs them."""

    zone: ZoneInfo


@pytest.fixture
def slices() -> Slices:
    return Slices(Zoned(ZoneInfo("UTC")), FrozenClock(Instant(OCTOBER.end + HOUR)))


def issuing(database: Database, slices: Slices) -> Issuing:
    archive = Archive(database, Ledger(slices.clock, "cli:test"))
    return Issuing(cast("Reporting", slices), archive)


def issued(database: Database) -> list[int]:
    archive = Archive(database, Ledger(FrozenClock(Instant(0)), "cli:test"))
    return [one.version for one in archive.issued()]


def test_late_evidence_makes_the_next_version_and_says_what_it_restates(
    database: Database, slices: Slices
) -> None:
    first = issuing(database, slices).report(OCTOBER)
    slices.drifts = 5
    second = issuing(database, slices).report(OCTOBER)

    assert (first.built.report.version, second.built.report.version) == (1, 2)
    previous = second.built.inputs.previous
    assert previous is not None
    assert (previous.version, previous.id) == (1, first.built.report.id)
    assert [one.figure for one in previous.figures] == [
        one.id for one in first.built.report.figures
    ]
    assert issued(database) == [2, 1]


def test_a_month_in_another_zone_is_a_report_of_its_own(database: Database, slices: Slices) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    ours = month(2026, 10, berlin)
    first = issuing(database, slices).report(OCTOBER)
    slices.config = Zoned(berlin)
    other = issuing(database, slices).report(ours)

    assert (ours.start, ours.end) == (OCTOBER.start - 2 * HOUR, OCTOBER.end - HOUR)
    assert other.built.report.period == ours
    assert (other.built.report.version, other.built.inputs.previous) == (1, None)
    assert issuing(database, slices).report(OCTOBER).issued is None
    slices.config = Zoned(ZoneInfo("UTC"))
    assert issuing(database, slices).report(OCTOBER).built == first.built


def test_that_the_ledger_and_opskit_went_on_is_no_new_evidence(
    database: Database, slices: Slices
) -> None:
    first = issuing(database, slices).report(OCTOBER)
    slices.seal = 4_000
    again = issuing(database, slices).report(OCTOBER)
    assert again.built == first.built
    assert issued(database) == [1]


def test_each_version_can_be_built_again_as_it_was(database: Database, slices: Slices) -> None:
    texts = []
    for drifts in (3, 5):
        slices.drifts = drifts
        texts.append(issuing(database, slices).report(OCTOBER).built.embedded)
    for number, text in enumerate(texts, 1):
        assert issuing(database, slices).version(OCTOBER, number).built.embedded == text
    with pytest.raises(ConfigError, match="version 3 of that period was never issued"):
        issuing(database, slices).version(OCTOBER, 3)


def test_two_that_build_at_once_issue_one_version(database: Database, slices: Slices) -> None:
    start = Barrier(2)

    def build(_number: int) -> str:
        start.wait()
        return issuing(database, slices).report(OCTOBER).built.report.id

    with ThreadPoolExecutor(2) as pool:
        ids = set(pool.map(build, range(2)))
    assert len(ids) == 1
    assert issued(database) == [1]


@pytest.mark.parametrize(
    "period",
    [
        Interval(OCTOBER.start, Instant(OCTOBER.end - 1)),
        Interval(Instant(OCTOBER.start + 1), OCTOBER.end),
        month(2026, 11, ZoneInfo("UTC")),
    ],
    ids=["cut short", "begun late", "not over"],
)
def test_less_than_a_whole_month_is_never_issued(
    database: Database, slices: Slices, period: Interval
) -> None:
    told = issuing(database, slices).report(period)
    assert (told.issued, told.failed) == (None, False)
    assert issued(database) == []


def test_nothing_is_issued_on_a_broken_ledger(
    database: Database, slices: Slices, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = slices.report(OCTOBER).inputs
    broken = built(replace(whole, seal=Seal(9, "0" * 64, "entry 3 does not hold")))
    monkeypatch.setattr(slices, "report", lambda _period: broken)
    told = issuing(database, slices).report(OCTOBER)
    assert (told.issued, issued(database)) == (None, [])
    assert told.built.report.front.refused


def kinds(inside: Inside) -> list[str]:
    return [json.loads(line)["kind"] for line in inside("ledger", "export").out.splitlines()]


def test_a_month_that_is_over_is_issued_once_and_stays_as_it_is(ops: Path, inside: Inside) -> None:
    first = inside("report", "build", "--month", "last", "-o", "json")
    text = (ops / "report.json").read_bytes()
    again = inside("report", "build", "--month", "last", "-o", "json")

    assert (first.code, again.code) == (ExitCode.OK, ExitCode.OK)
    assert "version 1 of" in first.err
    assert (ops / "report.json").read_bytes() == text
    assert kinds(inside).count("report.issued") == 1


def test_a_month_that_goes_on_is_not_issued(inside: Inside) -> None:
    for period in ((), ("--last", "30d"), ("--from", "2026-01-01", "--to", "2026-01-02")):
        assert inside("report", "build", *period).code == ExitCode.OK
    assert kinds(inside) == []


def test_a_full_disk_still_gives_the_file_and_says_what_is_missing(
    ops: Path, inside: Inside
) -> None:
    inside("ledger", "verify")  # makes the database
    with closing(sqlite3.connect(ops / ".opskit" / "opskit.db")) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON issued_reports "
            "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )
    done = inside("report", "build", "--month", "last")

    assert done.code == ExitCode.FAILED
    assert "not issued: no space left for the database" in done.err
    assert (ops / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert kinds(inside) == []


def test_evidence_that_was_changed_together_with_the_id_is_found_in_the_archive(
    ops: Path, inside: Inside
) -> None:
    inside("report", "build", "--month", "last", "-o", "json")
    assert inside("report", "verify", "report.json").code == ExitCode.OK
    inputs = json.dumps(json.loads((ops / "report.json").read_text())["inputs"]).encode()
    honest = rebuilt(inputs, name="it").inputs
    forged = built(replace(honest, declared="all went well"))
    (ops / "report.json").write_text(render(forged))

    assert inside("report", "verify", "report.json", "--offline").code == ExitCode.OK
    done = inside("report", "verify", "report.json")
    assert done.code == ExitCode.FINDINGS
    assert "the archive gives version 1: " in done.out
    assert "no report of this id was ever issued here" in done.out


def test_a_seal_that_is_not_in_the_ledger_is_found(ops: Path, inside: Inside) -> None:
    (ops / "other.json").write_text(render(Slices(Zoned(ZoneInfo("UTC")), NOWHERE).report(OCTOBER)))
    assert inside("report", "verify", "other.json").code == ExitCode.UNDETERMINED
    done = inside("report", "verify", "other.json", "--ledger")
    assert done.code == ExitCode.FINDINGS
    assert "no entry has the expected head" in done.out


def test_in_which_order_things_are_named_makes_no_other_report(slices: Slices) -> None:
    names = {"warnings": "no", "access": "none", "desk": "later"}
    one, other = (
        replace(slices.report(OCTOBER).inputs.ground, evidence=Evidence(not_configured=order))
        for order in (names, dict(reversed(names.items())))
    )
    seal = Seal(0, "0" * 64)
    assert built(Inputs(one, seal, "1.0")).embedded == built(Inputs(other, seal, "1.0")).embedded


def test_on_a_broken_ledger_the_report_is_written_without_a_headline(
    ops: Path, inside: Inside
) -> None:
    for name in ("2026-09", "2026-10"):
        assert inside("report", "build", "--month", name).code == ExitCode.OK
    with closing(sqlite3.connect(ops / ".opskit" / "opskit.db")) as connection, connection:
        connection.execute("UPDATE ledger SET subject = 'another' WHERE seq = 1")
    done = inside("report", "build", "--output-file", "now.html")
    assert done.code == ExitCode.FINDINGS
    assert "no headline: " in done.err
    assert (ops / "now.html").exists()


def test_a_version_made_by_other_methods_is_said_to_be(
    ops: Path, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside("report", "build", "--month", "2026-10")
    monkeypatch.setattr("opskit.issuing.NAMES", ("F1.99",))
    done = inside("report", "build", "--month", "2026-10", "--version", "1")
    assert done.code == ExitCode.OK
    assert "by other methods" in done.err


@pytest.mark.parametrize("form", ["pdf", "csv"])
def test_what_is_no_text_is_not_for_a_terminal(
    inside: Inside, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    done = inside("report", "build", "-o", form, "--output-file", "-")
    assert done.code == ExitCode.USAGE
    assert f"{form} is not for a terminal" in done.err


def test_the_command_offers_every_form_and_view_there_is() -> None:
    assert set(building.FORMS) == set(forms.FORMS)
    assert set(building.VIEWS) == set(View)
