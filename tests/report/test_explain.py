"""`opskit report explain`, `report list`, `ledger show`: from a figure to what it was made from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opskit.core.errors import ConfigError, ExitCode
from opskit.report.document import View
from opskit.report.following import explained
from opskit.report.pages import teams
from opskit.report.reader import Reader, drawn, reader
from opskit.report.render.forms import FORMS
from tests.cli.inside import Inside
from tests.report.render import samples


@pytest.fixture
def october(tmp_path: Path) -> str:
    path = tmp_path / "october.json"
    path.write_bytes(drawn(samples.month(), FORMS["json"], Reader(View.WHOLE)))
    return str(path)


def test_a_figure_is_followed_to_its_rows_and_entries() -> None:
    built = samples.month()
    found = explained(built, "availability.checkout")
    known = {one.seq: one for one in built.inputs.entries}
    assert [one.kind for one in found.rows] == ["services"]
    said = {one.name: one.words for one in found.rows[0].told}
    assert said["name"] == "checkout"
    assert found.entries == tuple(known[ref] for ref in found.figure.refs)
    assert found.unnamed == ()
    assert found.method.name == found.figure.method


@pytest.mark.parametrize("name", [one.id for one in samples.month().report.figures])
def test_every_figure_can_be_explained(name: str) -> None:
    found = explained(samples.month(), name)
    assert found.figure.id == name
    assert {"Formula", "Unit", "Source", "Not for"} <= set(found.method.parts)


def test_a_figure_that_is_none_is_guessed() -> None:
    with pytest.raises(ConfigError, match=r"did you mean availability\.checkout\?"):
        explained(samples.month(), "availability.chekout")


def test_people_are_shown_all_of_it(october: str, inside: Inside) -> None:
    done = inside("report", "explain", "drift.found", "--file", october)
    assert done.code == ExitCode.OK
    for name in ("Value:", "Formula:", "Unit:", "Source:", "Not for:", "Tag:", "Compared:"):
        assert f"\n{name}" in done.out
    assert "next: opskit ledger show " in done.out
    assert "CIS 5.1.20" in done.out


def test_programs_get_all_of_it(october: str, inside: Inside) -> None:
    found = json.loads(inside("report", "explain", "drift.found", "--file", october, "--json").out)
    named = {ref for row in found["evidence"] for ref in row["refs"]}
    assert {row["seq"] for row in found["entries"]} <= named
    assert (found["id"], found["tag"], found["presence"]) == ("drift.found", "measured", "observed")
    assert all(len(row["hash"]) == 64 for row in found["entries"])


def test_without_a_figure_they_are_listed(october: str, inside: Inside) -> None:
    found = json.loads(inside("report", "explain", "--file", october, "--json").out)
    assert [one["id"] for one in found["figures"]] == [
        one.id for one in samples.month().report.figures
    ]
    assert "objectives.met" in inside("report", "explain", "--file", october).out


def test_of_this_month_nothing_is_written(ops: Path, inside: Inside) -> None:
    assert inside("report", "explain", "objectives.met", "--month", "last").code == ExitCode.OK
    assert inside("ledger", "export").out == ""


def test_what_was_issued_is_listed_and_its_entry_shown(inside: Inside) -> None:
    assert "no report was issued yet" in inside("report", "list").out
    inside("report", "build", "--month", "last", "-o", "json")
    [one] = json.loads(inside("report", "list", "--json").out)["reports"]
    assert one["version"] == 1
    assert one["id"] in inside("report", "list").out.replace("\n", "").replace(" ", "")
    [entry] = json.loads(inside("ledger", "show", str(one["entry"]), "--json").out)["entries"]
    assert (entry["kind"], entry["subject"]) == ("report.issued", one["month"])
    assert json.loads(entry["data"])["id"] == one["id"]


def test_an_entry_that_is_not_there_is_said(inside: Inside) -> None:
    done = inside("ledger", "show", "7")
    assert (done.code, done.out) == (ExitCode.FINDINGS, "")
    assert "not in the ledger: 7" in done.err


def test_a_team_that_is_none_is_guessed(october: str) -> None:
    built = samples.month()
    assert "payments" in teams(built)
    assert reader(built, View.TEAM, "payments") == Reader(View.TEAM, "payments")
    with pytest.raises(ConfigError, match=r"did you mean payments\?"):
        reader(built, View.TEAM, "payment")
    with pytest.raises(ConfigError, match="needs --team NAME"):
        reader(built, View.TEAM)
    with pytest.raises(ConfigError, match="goes with --view team"):
        reader(built, View.MANAGER, "payments")
