"""`opskit init`: what it lays out works at once, and nothing is written over."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from opskit.core.errors import ExitCode
from opskit.monitor.probes import KINDS
from opskit.outside.documents import parse
from tests.cli.inside import Inside
from tests.conftest import Opskit

KEPT = (
    "opskit.yaml",
    "services.yaml",
    "assumptions.yaml",
    "desk.yaml",
    "playbooks",
    "alerts",
    "access",
    "inventory",
)


def tree(directory: Path) -> dict[str, bytes]:
    """Return every file below a directory, by its path."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_what_it_lays_out_is_well_formed(opskit: Opskit, tmp_path: Path) -> None:
    done = opskit("init", "new/ops", cwd=tmp_path)
    assert (done.code, done.err) == (ExitCode.OK, "")
    assert "cd new/ops" in done.out
    checked = opskit("check", "--json", cwd=tmp_path / "new" / "ops")
    assert (checked.code, json.loads(checked.out)["count"]) == (ExitCode.OK, 0)


def test_it_says_how_many_files_it_wrote(inside: Inside, tmp_path: Path) -> None:
    done = inside("init", "ops2", cwd=tmp_path)
    written = set(tree(tmp_path / "ops2")) - {".gitignore"}
    assert f"{len(written)} files written to ops2" in done.out
    assert {name.split("/")[0] for name in written} == set(KEPT)


def test_the_catalogue_names_every_kind_of_probe(inside: Inside, tmp_path: Path) -> None:
    inside("init", "ops2", cwd=tmp_path)
    head = (tmp_path / "ops2" / "services.yaml").read_text().partition("services:\n")[0]
    assert set(KINDS) <= set(re.findall("[a-z]+", head.partition("Kinds of probes:")[2]))


def test_the_examples_of_assumptions_are_well_formed_and_assume_nothing(
    inside: Inside, tmp_path: Path
) -> None:
    inside("init", "ops2", cwd=tmp_path)
    path = tmp_path / "ops2" / "assumptions.yaml"
    assert parse(path).value == {"assumptions": {}}
    text = path.read_text().replace("assumptions: {}\n", "")
    path.write_text(re.sub(r"(?m)^# (?=currency|reactive|assumptions:|  )", "", text))
    found = parse(path).value
    assert isinstance(found, dict)
    assert set(found["assumptions"]) == {
        "minutes.deviation", "rate.hour", "cost.month", "cash.old-contract", "minutes.warning",
        "minutes.failure", "cost.failure", "cost.hour-down", "share.renewals-missed",
    }  # fmt: skip
    assert inside("check", cwd=tmp_path / "ops2").code == ExitCode.OK


def test_state_and_bytecode_are_neither_laid_out_nor_kept_in_git(
    inside: Inside, tmp_path: Path
) -> None:
    inside("init", "ops2", cwd=tmp_path)
    assert (tmp_path / "ops2" / ".gitignore").read_text() == ".opskit/\n"
    assert not [name for name in tree(tmp_path / "ops2") if "__pycache__" in name]


@pytest.mark.parametrize("name", KEPT)
def test_nothing_is_written_where_one_of_the_files_is(
    inside: Inside, tmp_path: Path, name: str
) -> None:
    place = tmp_path / "mine"
    (place / name).mkdir(parents=True)
    (place / name / "precious").write_text("mine")
    done = inside("init", "mine", cwd=tmp_path)
    assert done.code == ExitCode.REFUSED
    assert f"already has {name}" in done.err
    assert tree(place) == {f"{name}/precious": b"mine"}


def test_other_files_stay_as_they_are(inside: Inside, tmp_path: Path) -> None:
    place = tmp_path / "mine"
    place.mkdir()
    (place / ".gitignore").write_text("*.retry\n")
    (place / "notes.txt").write_text("mine")
    assert inside("init", "mine", cwd=tmp_path).code == ExitCode.OK
    kept = tree(place)
    assert kept["notes.txt"] == b"mine"
    assert kept[".gitignore"] == b"*.retry\n"


def test_a_second_time_is_refused(inside: Inside, tmp_path: Path) -> None:
    assert inside("init", "ops2", cwd=tmp_path).code == ExitCode.OK
    before = tree(tmp_path / "ops2")
    assert inside("init", "ops2", cwd=tmp_path).code == ExitCode.REFUSED
    assert tree(tmp_path / "ops2") == before


def test_a_file_in_the_way_is_no_bug(inside: Inside, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for target in ("file", "file/below"):
        assert inside("init", target, cwd=tmp_path).code == ExitCode.USAGE


def test_the_line_to_type_next_survives_a_strange_name(inside: Inside, tmp_path: Path) -> None:
    done = inside("init", "my $ops", cwd=tmp_path)
    assert "  cd 'my $ops'\n" in done.out
