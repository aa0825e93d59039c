"""The cleaner of every sink: nothing it lets through can drive a terminal or forge a line."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import given, strategies as st

from opskit.core.text import (
    clean,
    clean_block,
    csv_cell,
    decode,
    nearest,
    plural,
    shorten,
)

ANY_TEXT = st.text(st.characters())
EVERY_CHARACTER = tuple(map(chr, range(0x110000)))
CONTROLS = tuple(map(chr, (*range(0x20), *range(0x7F, 0xA0))))
# Unicode Standard Annex #9, "Directional Formatting Characters".
BIDI = tuple("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
SURROGATES = tuple(map(chr, range(0xD800, 0xE000)))
# They show nothing, or break a line, or have no agreed meaning.
INVISIBLE = ("\u00ad", "\u200b", "\u2028", "\u2029", "\u2060", "\ufeff", "\ue000", "\U000e0041")
UNSAFE = (*CONTROLS, *BIDI, *SURROGATES, *INVISIBLE)
# What people write: accents, scripts that need joiners, emoji, mathematics.
ORDINARY = (
    "",
    "web1",
    "Zürich",
    "東京",
    "नमस्ते",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "👩\u200d💻",
    "100 % ≥ 99,9 %",
    "ﷺ",
    "a\u0301",
)


def is_visible(char: str) -> bool:
    return char in "\u200c\u200d" or unicodedata.category(char) not in {
        *("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    }


def test_every_dangerous_character_is_made_visible() -> None:
    for char in UNSAFE:
        shown = clean(f"a{char}b")
        assert shown.isascii(), hex(ord(char))
        assert shown.startswith("a\\"), hex(ord(char))
        assert shown.endswith("b"), hex(ord(char))


def test_no_two_dangerous_characters_look_alike() -> None:
    assert len({clean(char) for char in UNSAFE}) == len(UNSAFE)


def test_of_all_characters_none_that_is_shown_is_dangerous() -> None:
    left = clean("".join(EVERY_CHARACTER))
    assert all(map(is_visible, set(left)))
    left.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("one\ntwo\r\n\tthree", r"one\ntwo\r\n\tthree"),
        ("invoice\u202efdp.exe", r"invoice\u202efdp.exe"),
        ("\ud800", r"\ud800"),
        ("nul\x00", r"nul\x00"),
    ],
)
def test_what_was_there_can_be_read(text: str, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays(text: str) -> None:
    assert clean(text) == text


@given(ANY_TEXT)
def test_cleaned_text_can_be_encoded_and_is_one_line(text: str) -> None:
    shown = clean(text)
    shown.encode()
    assert len(shown.splitlines()) <= 1


@given(ANY_TEXT)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(ANY_TEXT)
def test_nothing_is_dropped(text: str) -> None:
    assert len(clean(text)) >= len(text)


@given(ANY_TEXT)
def test_what_is_asked_to_be_kept_is_kept(text: str) -> None:
    assert clean(text, keep="\n").split("\n") == [clean(line) for line in text.split("\n")]


@given(ANY_TEXT)
def test_a_block_keeps_its_lines_and_no_tab(text: str) -> None:
    block = clean_block(text)
    assert block.count("\n") == text.count("\n")
    assert all(map(is_visible, block.replace("\n", "")))


def test_a_tab_in_a_block_becomes_four_spaces() -> None:
    assert clean_block("a:\n\tb\x07") == "a:\n    b\\x07"


@given(st.binary())
def test_any_bytes_become_text_that_can_be_encoded(raw: bytes) -> None:
    decode(raw).encode()


@given(ANY_TEXT.map(lambda text: text.encode("utf-8", "replace")))
def test_bytes_that_are_utf_8_are_what_they_say(raw: bytes) -> None:
    assert decode(raw).encode() == raw


def test_bytes_that_are_no_utf_8_are_shown() -> None:
    assert decode(b"caf\xe9 \xff") == r"caf\xe9 \xff"


# Spreadsheets


FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("https://evil.example","x")',
    " =1",
    "   =1",
    "\u00a0=1",
    "\u2003=1",
    "\u3000=1",
    " \u00a0 -1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20SUM(A1)",
)


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_marked_as_text(text: str) -> None:
    # OWASP, "CSV Injection": a leading quote makes a spreadsheet show the cell.
    assert csv_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["\t=1", "\r=1", "\n=1", "\x00=1", "\ufeff=1", "\u200b=1"])
def test_a_formula_behind_what_cannot_be_seen_is_shown_as_text(text: str) -> None:
    cell = csv_cell(text)
    assert cell.startswith("\\")
    assert cell.isprintable()


@given(ANY_TEXT)
def test_no_cell_begins_as_a_formula_on_any_line(text: str) -> None:
    written = io.StringIO()
    csv.writer(written).writerow(["before", csv_cell(text)])
    (row,) = csv.reader(io.StringIO(written.getvalue()))
    assert row == ["before", csv_cell(text)]
    assert not row[1].lstrip().startswith(tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20"))


@pytest.mark.parametrize("text", ["", "web1", "3 = 3", "a-b", "99.9 %", "'quoted'", "a@b.example"])
def test_an_ordinary_cell_stays(text: str) -> None:
    assert csv_cell(text) == text


# Widths and words


@given(st.text(st.characters(exclude_characters="…")), st.integers(0, 40))
def test_shortened_text_is_at_most_so_wide(text: str, width: int) -> None:
    short = shorten(text, width)
    assert len(short) == min(width, len(text))
    head, ellipsis, tail = short.partition("…")
    assert text.startswith(head)
    assert text.endswith(tail)
    assert (ellipsis == "…") is (len(text) > width > 0)


@pytest.mark.parametrize(
    ("width", "short"), [(10, "abcdefghij"), (9, "abcd…ghij"), (4, "a…ij"), (1, "…"), (0, "")]
)
def test_the_middle_is_given_up(width: int, short: str) -> None:
    assert shorten("abcdefghij", width) == short


@pytest.mark.parametrize(
    ("count", "words", "said"),
    [
        (0, ("host",), "0 hosts"),
        (1, ("host",), "1 host"),
        (2, ("host",), "2 hosts"),
        (12_345, ("host",), "12,345 hosts"),
        (2, ("entry", "entries"), "2 entries"),
        (1, ("entry", "entries"), "1 entry"),
    ],
)
def test_things_are_counted_in_words(count: int, words: tuple[str, ...], said: str) -> None:
    assert plural(count, *words) == said


@pytest.mark.parametrize(
    ("name", "guess"),
    [("timezon", "timezone"), ("stnadard", "standard"), ("forks", "forks"), ("xyz", ""), ("", "")],
)
def test_a_mistyped_name_is_guessed(name: str, guess: str) -> None:
    assert nearest(name, ["forks", "standard", "timezone"]) == guess


def test_where_nothing_is_known_nothing_is_guessed() -> None:
    assert nearest("timezone", []) == ""
