"""`opskit report verify`: a changed digit is found wherever it is, and what differs is named."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from opskit import __version__
from opskit.core.errors import ConfigError, DataError, ExitCode, OpskitError, OutsideError
from opskit.report.built import Built
from opskit.report.document import View
from opskit.report.figures.catalogue import NAMES
from opskit.report.reader import Reader, drawn
from opskit.report.render import carried
from opskit.report.render.forms import FORMS
from opskit.reporting import built
from opskit.verifying import reading
from opskit.verifying.judging import Outcome, Verdict, as_json, verify
from tests.cli.inside import Inside
from tests.report.render import samples

FILES = ("json", "csv", "html")
DIGIT = re.compile(rb"[0-9]")
# The method of availability, as this opskit has it.
F1 = next(one for one in NAMES if one.startswith("F1."))


@cache
def month() -> Built:
    return samples.month()


@cache
def file_of(form: str, view: View = View.WHOLE) -> bytes:
    return drawn(month(), FORMS[form], Reader(view))


def written(directory: Path, data: bytes, name: str = "report") -> Path:
    path = directory / name
    path.write_bytes(data)
    return path


def judged(directory: Path, data: bytes) -> Verdict:
    return verify(written(directory, data))


@pytest.mark.parametrize("form", FILES)
@pytest.mark.parametrize("sample", ["month", "empty", "hostile", "granting", "unobserved"])
def test_what_opskit_wrote_is_what_its_evidence_gives(
    tmp_path: Path, form: str, sample: str
) -> None:
    report = samples.SAMPLES[sample]()
    verdict = judged(tmp_path, drawn(report, FORMS[form], Reader(View.WHOLE)))
    assert (verdict.outcome, verdict.differences) == (Outcome.SAME, ())
    assert verdict.report == report


@pytest.mark.parametrize("view", [View.MANAGER, View.AUDITOR, View.OPS])
def test_whose_pages_it_shows_makes_no_difference(tmp_path: Path, view: View) -> None:
    assert judged(tmp_path, file_of("csv", view)).outcome is Outcome.SAME
    assert judged(tmp_path, file_of("html", view)).outcome is Outcome.SAME


def changed(data: bytes, at: int, by: int) -> bytes:
    digit = (data[at] - ord("0") + by) % 10 + ord("0")
    return data[:at] + bytes([digit]) + data[at + 1 :]


@pytest.mark.parametrize("form", ["json", "html"])
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(0), by=st.integers(1, 9))
def test_any_changed_digit_is_found(tmp_path: Path, form: str, number: int, by: int) -> None:
    data = file_of(form)
    places = [one.start() for one in DIGIT.finditer(data)]
    other = changed(data, places[number % len(places)], by)
    try:
        verdict = judged(tmp_path, other)
    except DataError:  # a number that begins with 0 is no JSON: refused
        return
    assert verdict.outcome is not Outcome.SAME
    assert verdict.differences or verdict.said


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_changed_digit_of_the_csv_bundle_is_found(tmp_path: Path, data: st.DataObject) -> None:
    with zipfile.ZipFile(written(tmp_path, file_of("csv"))) as bundle:
        files = {one.filename: bundle.read(one) for one in bundle.infolist()}
    name = data.draw(st.sampled_from(sorted(one for one in files if DIGIT.search(files[one]))))
    places = [one.start() for one in DIGIT.finditer(files[name])]
    files[name] = changed(files[name], data.draw(st.sampled_from(places)), 3)
    with zipfile.ZipFile(tmp_path / "changed.zip", "w") as bundle:
        for one, content in files.items():
            bundle.writestr(one, content)
    verdict = verify(tmp_path / "changed.zip")
    assert verdict.outcome is not Outcome.SAME
    assert verdict.differences or verdict.said


def edited(edit: Callable[[dict[str, object]], None]) -> bytes:
    found = json.loads(file_of("json"))
    edit(found)
    return (json.dumps(found, indent=2, sort_keys=True) + "\n").encode()


def figure(found: dict[str, object], name: str) -> dict[str, object]:
    figures = found["figures"]
    assert isinstance(figures, list)
    return next(one for one in figures if one["id"] == name)


def test_a_changed_figure_is_named_with_what_it_should_be(tmp_path: Path) -> None:
    def edit(found: dict[str, object]) -> None:
        figure(found, "availability.checkout")["display"] = "99.99 %"

    [one] = judged(tmp_path, edited(edit)).differences
    assert one.sentence.startswith(
        "figure availability.checkout: the file says 99.99 %, its evidence gives 99."
    )
    assert f"({F1}; figures, " in one.sentence


def test_a_bound_inside_a_figure_is_named(tmp_path: Path) -> None:
    def edit(found: dict[str, object]) -> None:
        figure(found, "availability.checkout")["bounds"]["low"] = "1/2"  # type: ignore[index]

    [one] = judged(tmp_path, edited(edit)).differences
    assert (one.figure, one.says) == ("availability.checkout", "1/2")
    assert one.place.endswith("bounds, low")


def test_changed_evidence_is_told_by_the_figures_it_moves_and_the_id(tmp_path: Path) -> None:
    def edit(found: dict[str, object]) -> None:
        drifts = found["inputs"]["ground"]["evidence"]["drifts"]  # type: ignore[index]
        drifts.pop()

    verdict = judged(tmp_path, edited(edit))
    assert verdict.outcome is Outcome.DIFFERS
    assert verdict.differences[0].figure.startswith("drift.")
    assert "its id is not the hash of what it carries" in " ".join(verdict.said)


def test_something_added_to_what_it_carries_is_found(tmp_path: Path) -> None:
    def edit(found: dict[str, object]) -> None:
        found["inputs"]["more"] = 1  # type: ignore[index]

    [one] = judged(tmp_path, edited(edit)).differences
    assert one.sentence == "inputs, more: the file says 1, its evidence gives nothing"


def test_a_file_written_anew_with_the_same_words_is_not_the_same_file(tmp_path: Path) -> None:
    compact = json.dumps(json.loads(file_of("json"))).encode()
    [one] = judged(tmp_path, compact).differences
    assert one.place.startswith("byte ")


def test_a_changed_figure_of_a_page_is_named(tmp_path: Path) -> None:
    page = file_of("html").decode()
    other, count = re.subn(r"1\sd\s20\sh", "7 h", page)
    assert count
    told = [one.sentence for one in judged(tmp_path, other.encode()).differences]
    found = "figure downtime.total: the file says 7 h, its evidence gives 1 d 20 h (F1b.1; "
    assert any(one.startswith(found) for one in told), told


def test_what_a_page_carries_cannot_be_damaged_unseen(tmp_path: Path) -> None:
    page = file_of("html").decode()
    start = page.index("</script>", page.index(carried.TYPE)) - 40
    for at in range(start, start + 30, 7):
        letter = "A" if page[at] != "A" else "B"
        verdict = judged(tmp_path, (page[:at] + letter + page[at + 1 :]).encode())
        assert verdict.outcome is Outcome.DIFFERS


# Paper


def lying(form: str) -> bytes:
    """Return a file of October that tells another downtime than its evidence gives."""
    report = month().report
    figures = tuple(
        replace(one, display="77 h") if one.id == "downtime.total" else one
        for one in report.figures
    )
    lie = Built(replace(report, figures=figures), month().inputs, month().embedded)
    return drawn(lie, FORMS[form], Reader(View.AUDITOR))


@pytest.mark.parametrize("form", ["pdf", "pdf-letter"])
def test_paper_is_what_its_evidence_gives(tmp_path: Path, form: str) -> None:
    verdict = judged(tmp_path, file_of(form, View.MANAGER))
    assert (verdict.outcome, verdict.form) == (Outcome.SAME, form)


@pytest.mark.parametrize("form", ["pdf", "csv"])
def test_a_figure_that_was_told_otherwise_is_named(tmp_path: Path, form: str) -> None:
    verdict = judged(tmp_path, lying(form))
    told = [one.sentence for one in verdict.differences]
    found = "figure downtime.total: the file says 77 h, its evidence gives 1 d 20 h (F1b.1; "
    assert any(one.startswith(found) for one in told), told


def test_a_changed_byte_of_a_page_is_found(tmp_path: Path) -> None:
    data = file_of("pdf", View.MANAGER)
    at = data.index(b"stream\n") + 40
    verdict = judged(tmp_path, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    assert verdict.outcome is Outcome.DIFFERS
    assert verdict.differences


# Another opskit


@pytest.mark.parametrize("form", ["pdf", "csv"])
def test_a_file_says_whose_pages_it_shows(tmp_path: Path, form: str) -> None:
    book = month()
    whom = Reader(View.TEAM, 'sh"op, =1 \u2028 Ä')
    data = drawn(book, FORMS[form], whom)
    found = reading.read(written(tmp_path, data)).claim()
    assert found.reader == whom
    assert judged(tmp_path, data).outcome is Outcome.SAME


def test_words_drawn_by_another_release_are_not_decided(tmp_path: Path) -> None:
    data = file_of("pdf", View.MANAGER)
    # The picture beside the words may be another: nobody can tell.
    other = data.replace(b"/Creator(Typst 0", b"/Creator(Typst 9")
    other = other.replace(b"/Creator (Typst 0", b"/Creator (Typst 9")
    assert other != data
    found = judged(tmp_path, other)
    assert found.outcome.code is ExitCode.UNDETERMINED
    assert found.differences == ()
    assert "Typst 9" in found.said[0]


def test_what_is_wrong_with_paper_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = file_of("pdf")
    with pytest.raises(DataError):
        judged(tmp_path, whole[:-700])
    half = len(whole) // 2
    assert judged(tmp_path, whole[:half] + b"xx" + whole[half:]).outcome is Outcome.DIFFERS
    assert caplog.text == ""


def by_another(**methods: str) -> Built:
    theirs = tuple(methods.get(one.partition(".")[0], one) for one in NAMES)
    return built(replace(month().inputs, opskit_version="0.0.9", methods=theirs))


def test_the_same_bytes_are_the_same_whoever_wrote_them(tmp_path: Path) -> None:
    data = drawn(by_another(), FORMS["json"], Reader(View.WHOLE))
    assert judged(tmp_path, data).outcome is Outcome.SAME


def test_a_method_that_changed_is_named_and_nothing_is_decided(tmp_path: Path) -> None:
    found = json.loads(drawn(by_another(F1="F1.0"), FORMS["json"], Reader(View.WHOLE)))
    figure(found, "availability.checkout").update(method="F1.0", display="99.99 %")
    verdict = judged(tmp_path, (json.dumps(found, indent=2, sort_keys=True) + "\n").encode())

    assert verdict.outcome is Outcome.UNDECIDED
    said = "\n".join(verdict.said)
    assert f"opskit 0.0.9 made it, this is {__version__}" in said
    assert f"F1.0 then, {F1} now" in said
    count = len(month().report.figures)
    assert f"{count - 1} of {count} figures have the same value by both" in said


def test_a_figure_of_a_method_that_did_not_change_differs_all_the_same(tmp_path: Path) -> None:
    found = json.loads(drawn(by_another(F1="F1.0"), FORMS["json"], Reader(View.WHOLE)))
    figure(found, "drift.found")["display"] = "1"
    verdict = judged(tmp_path, (json.dumps(found, indent=2, sort_keys=True) + "\n").encode())
    assert verdict.outcome is Outcome.DIFFERS
    assert verdict.differences[0].figure == "drift.found"


def test_what_only_another_opskit_can_read_is_not_decided(tmp_path: Path) -> None:
    def edit(found: dict[str, object]) -> None:
        inputs = found["inputs"]
        assert isinstance(inputs, dict)
        inputs.update(opskit_version="9.0", ground={"other": 1})

    verdict = judged(tmp_path, edited(edit))
    assert verdict.outcome is Outcome.UNDECIDED
    assert "verify it with opskit 9.0" in " ".join(verdict.said)


# Files that mean harm


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\0" * 100, b"hello", b"{", b"[]", b'{"inputs": 1}', b"[" * 100_000,
        b'{"inputs":' * 20_000, b'{"a":' + b"9" * 5_000 + b"}", b"PK\x03\x04", b"PK\x03\x04" * 99,
        b"<!DOCTYPE html>", b"<!DOCTYPE html>" + b"<" * 100_000,
    ],
    ids=range(13),
)  # fmt: skip
def test_what_is_no_report_is_refused_in_a_sentence(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DataError) as refused:
        judged(tmp_path, data)
    assert refused.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("kind", [".", "missing"])
def test_what_cannot_be_read_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ConfigError):
        verify(tmp_path / kind)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as stream:
        stream.truncate(reading.LARGEST + 1)
    with pytest.raises(OutsideError, match="larger than 256 MB"):
        verify(path)


def test_a_zip_that_unpacks_to_too_much_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGEST", 1 << 20)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("inputs.json", b" " * (4 << 20))
    with pytest.raises(DataError, match="unpack to too much"):
        verify(path)


def test_more_values_than_any_report_has_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opskit.report.render.json.MOST_VALUES", 100)
    with pytest.raises(DataError, match="more values than any report"):
        judged(tmp_path, b'{"inputs":[' + b"1," * 200 + b"1]}")


@pytest.mark.parametrize(
    ("key", "value"),
    [("zone", "../../etc/passwd"), ("zone", "No/Where"), ("period", {"start": 0, "end": 1 << 62})],
)
def test_evidence_that_is_none_gives_no_report_and_no_traceback(
    tmp_path: Path, key: str, value: object
) -> None:
    def edit(found: dict[str, object]) -> None:
        found["inputs"]["ground"][key] = value  # type: ignore[index]

    verdict = judged(tmp_path, edited(edit))
    assert verdict.outcome is Outcome.DIFFERS
    assert verdict.differences[0].place == "what it carries"


def test_whatever_a_file_holds_it_is_answered(tmp_path: Path) -> None:
    data = file_of("csv")
    for at in range(0, len(data), max(1, len(data) // 40)):
        try:
            verdict = judged(tmp_path, data[:at] + b"\xff\x00" + data[at + 2 :])
        except OpskitError:
            continue
        assert verdict.outcome is not Outcome.SAME


# The command


def test_the_command_says_so_and_needs_no_repository(tmp_path: Path, inside: Inside) -> None:
    written(tmp_path, file_of("json"), "october.json")
    done = inside("report", "verify", "october.json", cwd=tmp_path)
    assert done.code == ExitCode.OK
    assert done.out.startswith("october.json: same: ")
    assert month().report.id in done.out


def test_the_command_names_what_differs(tmp_path: Path, inside: Inside) -> None:
    other = file_of("json").replace(b'"1 of 4"', b'"4 of 4"')
    written(tmp_path, other, "october.json")
    done = inside("report", "verify", "october.json", "--show", "1", cwd=tmp_path)
    assert done.code == ExitCode.FINDINGS
    assert "figure objectives.met: the file says 4 of 4, its evidence gives 1 of 4" in done.out
    assert "and 1 more difference" in done.out


def test_programs_get_the_same(tmp_path: Path, inside: Inside) -> None:
    path = written(tmp_path, file_of("json").replace(b'"1 of 4"', b'"4 of 4"'))
    done = inside("report", "verify", str(path), "--json", "--offline")
    found = json.loads(done.out)
    assert found == {"format_version": 1, **as_json(verify(path), 10)}
    assert found["differences"][0]["figure"] == "objectives.met"
    assert found["outcome"] == "differs"


def test_no_report_is_a_mistake_of_whoever_asked(tmp_path: Path, inside: Inside) -> None:
    done = inside("report", "verify", str(written(tmp_path, b"hello")))
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert "is no report that can be verified" in done.err
