"""The report on paper: what a reader of PDF finds in it, and that no string of it is markup."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from pypdf import PdfReader

from opskit.report.built import Built
from opskit.report.document import Document, View
from opskit.report.pages import document as pages
from opskit.report.render import csv, pdf
from opskit.report.render.typeface import drawable
from tests.report.render.documents import document
from tests.report.render.samples import HOSTILE, demo, hostile, month

BUILT = demo()
A4, LETTER = (595, 842), (612, 792)

marked_up = st.sampled_from(
    (
        HOSTILE, "#pagebreak()", "#set page(width: 1pt)", "$ x $", "= Heading", "*b* _i_", "\\",
        "#{panic()}", "]", "[", "// gone", "/* gone", "`raw`", "<label>", "@ref", "~", "https://e.x",
        '"', "漢字", "العربية", "🔥", "e\u0301", "\u200d\u200c", "\u00ad", "a\u200bb", "\ufffd",
        "\ue000",
        "x" * 400, "\u2028", "\u0600",
    )
)  # fmt: skip
strings = marked_up | st.text(st.characters(codec="utf-8"), max_size=40)


def read(data: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(data))


def paper(built: Built, page: Document) -> PdfReader:
    return read(pdf.render(built, page))


def text(reader: PdfReader, number: int = 0) -> str:
    return " ".join(reader.pages[number].extract_text().split())


def test_it_is_tagged_and_says_that_it_is_pdf_a_3a_and_ua_1() -> None:
    reader = paper(BUILT, document(BUILT))
    root: Any = reader.root_object
    assert root["/MarkInfo"]["/Marked"].value
    assert root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"].value
    assert "/StructTreeRoot" in root
    assert reader.metadata is not None
    assert reader.metadata.title == BUILT.report.title
    assert reader.xmp_metadata is not None
    said = reader.xmp_metadata.stream.get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in said
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in said
    assert "<pdfuaid:part>1</pdfuaid:part>" in said


def test_it_carries_the_inputs_and_the_register() -> None:
    reader = paper(BUILT, document(BUILT))
    assert {name: found[0] for name, found in reader.attachments.items()} == {
        "inputs.json": BUILT.embedded,
        "figures.csv": csv.register(BUILT),
    }


def test_what_is_for_looking_up_is_attached_and_printed_for_the_auditor() -> None:
    built = month()
    whole, audited = (paper(built, pages(built, view)) for view in (View.WHOLE, View.AUDITOR))
    said = " ".join(text(whole, number) for number in range(len(whole.pages)))
    audit = " ".join(text(audited, number) for number in range(len(audited.pages)))
    entry = built.inputs.entries[0].hash[:16]
    assert "Attached to this file, as figures.csv and inputs.json." in said
    assert entry not in said
    assert entry in audit


def test_every_page_has_its_number_the_id_and_what_is_declared() -> None:
    built = month()
    page = pages(built)
    reader = paper(built, document(built, declared="All of this is made up."))
    for number in range(len(reader.pages)):
        said = text(reader, number)
        assert f"Page {number + 1} of {len(reader.pages)}" in said
        assert built.report.id in said
        assert "All of this is made up." in said
    assert "made up" not in text(paper(built, page))


def test_page_one_says_the_same_figures_as_the_document() -> None:
    built = month()
    said = text(paper(built, pages(built)))
    front = built.report.front
    assert front.sentence in said
    assert len(front.tiles) > 2
    for figure in front.tiles:
        assert f"{figure.display} " in said
        assert f"figure {figure.id}" in said
    for service in built.report.services:
        assert f"{service.name} {service.owner}, {service.kind}" in said
        assert service.availability.display in said


@pytest.mark.parametrize(("draw", "size"), [(pdf.render, A4), (pdf.letter, LETTER)])
def test_it_fits_its_paper(draw: Callable[[Built, Document], bytes], size: tuple[int, int]) -> None:
    box = read(draw(BUILT, document(BUILT))).pages[0].mediabox
    assert (round(box.width), round(box.height)) == size


def test_it_has_one_date_the_end_of_the_period() -> None:
    data = pdf.render(BUILT, document(BUILT))
    dates = set(re.findall(rb"D:(\d{14})", data))
    assert len(dates) <= 1
    found = read(data).metadata
    assert found is not None
    assert found.creation_date == found.modification_date is not None


@given(strings)
@settings(max_examples=12)
def test_any_string_is_shown_and_none_is_markup(bad: str) -> None:
    reader = paper(BUILT, document(BUILT, bad))
    assert reader.attachments["inputs.json"][0] == BUILT.embedded
    assert len(reader.pages) < 20


def test_hostile_strings_stand_there_as_they_are() -> None:
    bad = "#pagebreak() *b* $x$ <l> @r"
    reader = paper(BUILT, document(BUILT, bad))
    said = " ".join(text(reader, number) for number in range(len(reader.pages)))
    assert f"Another heading{bad}" in said


def test_a_report_of_hostile_strings_can_be_printed() -> None:
    built = hostile()
    assert "<script>alert(1)</script>" in text(paper(built, pages(built)))


def test_characters_that_the_letters_do_not_have_are_told_by_number() -> None:
    assert drawable("Zürich, Αθήνα, Москва, 5 ≥ 3 ✓") == "Zürich, Αθήνα, Москва, 5 ≥ 3 ✓"
    assert drawable("漢🔥") == "\\u6f22\\u1f525"


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_nothing_invisible_is_drawn(said: str) -> None:
    assert not {unicodedata.category(one) for one in drawable(said)} & {"Cc", "Cs", "Co", "Zl"}
