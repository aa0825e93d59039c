"""Text, Markdown and CSV: what they show, and that no string of a report takes effect in them."""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
import zipfile

import pytest
from hypothesis import example, given, settings, strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from opskit.core.text import clean
from opskit.report.document import Document
from opskit.report.render import csv as bundle, markdown, text, words
from tests.report.render.documents import document
from tests.report.render.samples import HOSTILE, month

BUILT = month()
PAGE = document(BUILT)
_PARSER = MarkdownIt("commonmark").enable("table")

strings = st.text(st.characters(codec="utf-8"), max_size=60) | st.sampled_from(
    (
        HOSTILE, "=1+1", "\t=cmd|' /C calc'!A0", "@sum(1)", "-2+3", "1) one", "2. two", "- item",
        "# head", "<b>", "[x](javascript:alert(1))", "![x](//e.example/x.png)", "|a|b|", "```",
        "    code", "https://evil.example", "www.evil.example", "&lt;b&gt;", "a\\|b", "> quote",
        "<!channel>", "---", "====", "[x]: //e.example", "*x* _y_ ~~z~~", "\r\nBcc: x@e.example",
    )
)  # fmt: skip


def files(page: Document) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle.render(BUILT, page))) as found:
        return {name: found.read(name) for name in found.namelist()}


def rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))


def test_text_says_every_block_of_page_one() -> None:
    said = text.render(BUILT, PAGE)
    assert "* Targets met: 1 of 4\n  measured; within normal variation" in said
    assert "* checkout (customer-facing)\n  Target: 99.9 % (missed; too slow)" in said
    assert "  Evidence: 1-3, 9\nand 4 more, not shown\n" in said
    assert "* Work was mostly planned\n  Bars by month." in said
    assert "  Platform; confirmed by Sales; figure objectives.met; entries 4-6" in said


@given(strings)
@settings(max_examples=40)
def test_no_line_of_text_is_longer_than_72_or_holds_control_characters(bad: str) -> None:
    said = text.render(BUILT, document(BUILT, bad))
    assert all(len(line) <= text.WIDTH for line in said.split("\n"))
    assert not [c for c in said if unicodedata.category(c) == "Cc" and c != "\n"]


def _inside(tokens: list[Token]) -> list[Token]:
    return [one for token in tokens for one in (token, *_inside(token.children or []))]


@given(strings)
@example("a|b")
@settings(max_examples=120)
def test_markdown_shows_any_string_as_it_is(bad: str) -> None:
    line = f"| {markdown.escaped(bad)} | {markdown.escaped(bad)} |"
    tokens = _inside(_PARSER.parse(f"| a | b |\n| - | - |\n{line}\n"))
    harmless = {
        "table_open", "table_close", "thead_open", "thead_close", "tbody_open", "tbody_close",
        "tr_open", "tr_close", "th_open", "th_close", "td_open", "td_close", "inline", "text",
        "text_special", "html_inline",
    }  # fmt: skip
    assert {token.type for token in tokens} <= harmless
    comments = {token.content for token in tokens if token.type == "html_inline"}
    assert comments <= {"<!-- -->"}
    cells = [
        "".join(one.content for one in token.children or [] if one.type != "html_inline")
        for token in tokens
        if token.type == "inline"
    ]
    assert cells == ["a", "b", clean(bad).strip(), clean(bad).strip()]


@given(strings)
@settings(max_examples=60)
def test_no_string_begins_a_block_of_markdown(bad: str) -> None:
    tokens = _PARSER.parse(markdown.escaped(bad))
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}


def test_markdown_holds_tables_of_charts_and_ribbons() -> None:
    said = markdown.render(BUILT, PAGE)
    assert "| Host | Count | Seen | Evidence |\n| --- | ---: | --- | --- |\n" in said
    assert "| checkout (customer-facing) | 99.9 % (missed; too slow) |" in said
    assert "Nothing was found." in said


def test_the_bundle_holds_the_inputs_whose_hash_is_the_id() -> None:
    found = files(PAGE)
    first = ["README.txt", "figures.csv", "entries.csv", "reader.json", "inputs.json"]
    assert list(found)[:5] == first
    assert hashlib.sha256(found["inputs.json"]).hexdigest() == BUILT.report.id
    assert found["inputs.json"] == BUILT.embedded


def test_the_register_in_the_bundle_is_whole() -> None:
    head, *figures = rows(files(PAGE)["figures.csv"])
    assert [one[head.index("id")] for one in figures] == [one.id for one in BUILT.report.figures]
    assert [one[head.index("value")] for one in figures] == [
        one.value for one in BUILT.report.figures
    ]
    assert len(rows(files(PAGE)["entries.csv"])) == len(BUILT.report.entries) + 1


def test_a_table_of_the_bundle_has_columns_for_all_that_its_cells_hold() -> None:
    head, first = rows(files(PAGE)["tables/drift.csv"])
    assert dict(zip(head, first, strict=True)) == {
        "Host": "web-1",
        "Host (note)": "rack 4",
        "Count": "12 open",
        "Count (judged)": "open",
        "Seen": "Thu 1 Oct 00:00",
        "Seen (UTC)": "2026-09-30T22:00:00Z",
        "Evidence (figure)": BUILT.report.figures[0].id,
        "Evidence": "1-3, 9",
    }


@given(strings)
@settings(max_examples=60)
def test_no_cell_of_the_bundle_is_a_formula_and_every_row_is_whole(bad: str) -> None:
    for name, data in files(document(BUILT, bad)).items():
        if not name.endswith(".csv"):
            continue
        assert data.startswith(b"\xef\xbb\xbf")
        assert data.endswith(b"\r\n")
        assert b"\n" not in data.replace(b"\r\n", b"")
        head, *below = rows(data)
        for row in below:
            assert len(row) == len(head)
            assert not [cell for cell in row if cell[:1] in tuple("=+@\t\r")]
            assert not [cell for cell in row if cell[:1] == "-" and not cell[1:2].isdigit()]


@given(strings)
@settings(max_examples=30)
def test_the_files_of_the_bundle_have_plain_names_that_differ(bad: str) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle.render(BUILT, document(BUILT, bad)))) as found:
        names = found.namelist()
        assert found.testzip() is None
    assert len(set(names)) == len(names)
    assert all(name.replace("/", "").replace("-", "").replace(".", "").isalnum() for name in names)


@pytest.mark.parametrize(
    ("refs", "most", "said"),
    [
        ((), None, ""),
        ((7,), None, "7"),
        ((3, 1, 2, 9, 9), None, "1-3, 9"),
        ((1, 3, 5, 7, 8, 9), 2, "1, 3, and 4 more"),
    ],
)
def test_entries_are_told_as_ranges(refs: tuple[int, ...], most: int | None, said: str) -> None:
    assert words.entries(refs, most) == said
