"""`opskit report demo`: the invented year is the same everywhere, and its parts agree."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from fractions import Fraction
from pathlib import Path

import pytest

from opskit.core.interval import State, totals
from opskit.demo.year.inputs import DECLARED, made_up
from opskit.demo.year.shown import left_out, show
from opskit.outside.typed import to_json
from opskit.report.built import Built
from opskit.report.inputs import Inputs
from opskit.report.model import Figure
from opskit.report.pages import document
from opskit.reporting import built


@pytest.fixture(scope="module")
def year() -> Built:
    """Return the report of the year, built once."""
    return built(made_up())


@pytest.fixture(scope="module")
def figures(year: Built) -> dict[str, Figure]:
    """Return its figures by id."""
    return {one.id: one for one in year.report.figures}


def test_the_year_is_the_same_in_another_process(year: Built) -> None:
    program = (
        "import hashlib\n"
        "from opskit.demo.year.inputs import made_up\n"
        "from opskit.outside.typed import to_json\n"
        "from opskit.report.inputs import Inputs\n"
        "print(hashlib.sha256(to_json(made_up(), Inputs)).hexdigest())"
    )
    other = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    told = subprocess.run(
        [sys.executable, "-c", program], env=other, check=True, capture_output=True, text=True
    )
    assert told.stdout.strip() == hashlib.sha256(year.embedded).hexdigest()


def test_inputs_can_be_read_back(year: Built) -> None:
    assert to_json(year.inputs, Inputs) == year.embedded


def test_every_number_of_a_method_has_something_to_show(figures: dict[str, Figure]) -> None:
    shown = {one.method.partition(".")[0] for one in figures.values() if one.value}
    assert {f"F{number}" for number in range(2, 19)} - {"F19"} <= {
        name.rstrip("abcdefgh") for name in shown
    }
    assert {"F1", "F9b", "F11a", "F19a", "F19b", "F19c"} <= shown


def test_money_stands_on_its_own_page_and_in_the_appendix_only(year: Built) -> None:
    assert {page.name for page in document(year).pages if "money." in repr(page)} == {
        "money", "appendix",
    }  # fmt: skip


def test_downtime_is_that_of_its_outages(year: Built, figures: dict[str, Figure]) -> None:
    services = year.inputs.ground.evidence.services
    down = sum(totals(one.timeline).down for one in services)
    assert Fraction(figures["downtime.total"].value) == down
    desk = year.inputs.ground.evidence.desk
    assert desk is not None
    hit = [one for one in desk.incidents if one.visible]
    outages = [
        (service.name, part.start)
        for service in services
        for part in service.timeline
        if part.state is State.DOWN
    ]
    assert sorted(outages) == sorted((one.service, one.started_at) for one in hit)


def test_what_newcomers_waited_is_one_number(figures: dict[str, Figure]) -> None:
    hours = Fraction(figures["access.ready.median"].value) / 3_600_000_000
    assert figures["outcome.newcomers"].display == f"now {float(round(hours, 1)):g} h"


def test_nothing_lies_outside_its_month(year: Built) -> None:
    ground = year.inputs.ground
    for period, evidence in (
        *((one.period, one.evidence) for one in ground.past),
        (ground.period, ground.evidence),
    ):
        assert all(period.start <= one.started_at < period.end for one in evidence.runs)
        assert all(one.detected_at < period.end for one in evidence.drifts)
        assert all((one.fixed_at or 0) < period.end for one in evidence.drifts)
        for service in evidence.services:
            assert service.timeline[0].start == period.start
            assert service.timeline[-1].end == period.end


def test_entries_are_what_the_ledger_says(year: Built) -> None:
    seqs = [one.seq for one in year.inputs.entries]
    assert seqs == sorted(set(seqs))
    assert len({one.hash for one in year.inputs.entries}) == len(seqs)
    assert all(one.at <= two.at for one, two in zip(year.inputs.entries, year.inputs.entries[1:],
                                                    strict=False))  # fmt: skip


def test_the_second_version_says_what_was_told_otherwise(year: Built) -> None:
    previous = year.inputs.previous
    assert previous is not None
    assert year.report.version == 2
    before = {one.figure: one.value for one in previous.figures}
    changed = {one.id for one in year.report.figures if before.get(one.id) != one.value}
    assert "incidents.count" in changed
    assert "availability.shop" not in changed


def test_every_page_says_that_it_was_made_up(year: Built) -> None:
    assert document(year).declared == DECLARED


def test_the_command_writes_the_forms_that_were_asked_for(tmp_path: Path) -> None:
    shown = show(tmp_path / "shown", ("html", "csv", "text"))
    assert [one.path.name for one in shown] == ["report.html", "report.zip", "report.txt"]
    assert DECLARED in " ".join(shown[2].path.read_text().split())
    assert zipfile.ZipFile(shown[1].path).testzip() is None


def test_a_directory_that_is_there_is_left_alone(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "opskit", "report", "demo", "--directory", str(tmp_path)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert "exists already" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_forms_that_need_more_than_is_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert left_out(()) == ()
    monkeypatch.setattr("opskit.report.render.forms.find_spec", lambda _name: None)
    assert left_out(()) == ("PDF (A4)", "PDF (Letter)")
    assert left_out(("html",)) == ()
