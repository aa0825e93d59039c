"""What holds of every document, whatever the evidence and the view."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

import pytest

from opskit.report.built import Built
from opskit.report.document import Chart, Document, Statement, Table, Tiles, View
from opskit.report.pages import document, teams
from tests.report.pages.walk import blocks, cells, refs, tables, texts
from tests.report.render.samples import SAMPLES

NOT_PRINTED = re.compile(r"\b(None|nan|inf|Fraction|Decimal|StrEnum)\b|<[A-Z]\w+\.")


@cache
def sample(name: str) -> Built:
    """Return a sample, built once."""
    return SAMPLES[name]()


@pytest.fixture(params=sorted(SAMPLES))
def built(request: pytest.FixtureRequest) -> Built:
    """Return each sample in turn."""
    return sample(request.param)


@pytest.fixture(params=list(View), ids=str)
def told(built: Built, request: pytest.FixtureRequest) -> Document:
    """Return each sample in each view."""
    view: View = request.param
    return document(built, view, _team(built) if view is View.TEAM else "")


def _team(built: Built) -> str:
    return next(iter(teams(built)), "nobody")


def test_same_inputs_same_document(built: Built) -> None:
    assert document(built) == document(built)


def test_every_page_and_section_says_something(told: Document) -> None:
    assert told.pages
    for page in told.pages:
        assert page.title
        assert page.sections
        for section in page.sections:
            assert section.title
            assert section.blocks


def test_every_figure_named_is_in_the_register(built: Built, told: Document) -> None:
    known = {one.id for one in built.report.figures}
    named = [cell.figure for cell in cells(told) if cell.figure]
    for block in blocks(told):
        if isinstance(block, Tiles):
            named += [one.figure.id for one in block.tiles]
        if isinstance(block, Statement):
            named += block.figures
    assert set(named) <= known


def test_every_figure_has_one_row_in_the_appendix(built: Built) -> None:
    (register,) = (one for one in tables(document(built)) if one.name == "register")
    assert [row[0].figure for row in register.rows] == [one.id for one in built.report.figures]


def test_every_entry_named_was_written(built: Built, told: Document) -> None:
    assert all(1 <= ref <= built.report.seal.seq for ref in refs(told.pages))


def test_the_entries_that_lines_lead_to_are_shown_first(built: Built) -> None:
    (shown,) = (one for one in tables(document(built)) if one.name == "evidence")
    assert len(shown.rows) + shown.more == len(built.report.entries)
    numbers = [row[0].refs[0] for row in shown.rows]
    assert numbers == sorted(numbers)


def test_tables_are_whole(told: Document) -> None:
    for one in tables(told):
        assert one.caption, one.name
        assert one.columns, one.name
        assert all(column.title for column in one.columns), one.name
        assert all(len(row) == len(one.columns) for row in one.rows), one.name
        assert one.rows or one.empty, one.name
        assert not (one.rows and one.empty), one.name


def test_names_of_tables_are_unique(told: Document) -> None:
    names = Counter(one.name for one in tables(told))
    assert [name for name, times in names.items() if times > 1] == []
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", name) for name in names)


def test_names_of_sections_are_unique(told: Document) -> None:
    names = Counter(section.name for page in told.pages for section in page.sections)
    assert [name for name, times in names.items() if times > 1] == []


def test_no_cell_is_empty(told: Document) -> None:
    assert [cell for cell in cells(told) if not cell.text.strip()] == []


def test_no_value_of_the_program_is_printed(told: Document) -> None:
    assert [text for text in texts(told.pages) if NOT_PRINTED.search(text)] == []


def test_a_chart_has_a_sentence_words_and_a_table(told: Document) -> None:
    for block in blocks(told):
        if isinstance(block, Chart):
            assert block.title.endswith(".")
            assert block.alt
            assert isinstance(block.twin, Table)
            assert block.twin.rows
