"""The report as a mail: what programs find in it; no string of it gets out of its place."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings, strategies as st

from opskit.report.built import Built
from opskit.report.document import Document, Page, Section
from opskit.report.pages import document as pages
from opskit.report.render import mail, text
from opskit.report.render.mail import Attached, Envelope
from tests.report.render.documents import document, every_block
from tests.report.render.samples import HOSTILE, busy, month

BUILT = month()
PAGE = pages(BUILT)
ENVELOPE = Envelope("ops@example.org", ("cto@example.org",), "https://ops.example/r/x.html", "k1")

strings = st.text(st.characters(codec="utf-8"), max_size=60) | st.sampled_from(
    (
        HOSTILE,
        "\r\nBcc: x@evil.example",
        "=?utf-8?q?x?=",
        "\n\n<b>",
        "é" * 90,
        "a" * 900,
        "\n.",
    )
)


class Tags(HTMLParser):
    """Collects the tags of a page, and the attributes that name or load something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.named: list[tuple[str, str]] = []
        self.alts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.named += [(name, value or "") for name, value in attrs if name in {"src", "href"}]
        self.alts += [value or "" for name, value in attrs if name == "alt"]


def parsed(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=email.policy.default)


def part(letter: EmailMessage, kind: str) -> EmailMessage:
    found = letter.get_body((kind,))
    assert isinstance(found, EmailMessage)
    return found


def page(data: bytes) -> str:
    return str(part(parsed(data), "html").get_content())


def test_the_plain_part_is_page_one_in_words() -> None:
    said = str(part(parsed(mail.render(BUILT, PAGE)), "plain").get_content())
    assert said.replace("\r\n", "\n").startswith(text.render(BUILT, PAGE))


def test_the_page_is_tables_alone_with_a_white_ground_and_a_picture_that_says_its_words() -> None:
    letter = parsed(mail.letter(BUILT, PAGE, ENVELOPE).as_bytes())
    found = Tags(page(letter.as_bytes()))
    assert set(found.tags) <= {
        "html", "head", "meta", "title", "body", "table", "tr", "td", "th", "h1", "h2", "b", "br",
        "span", "div", "img", "a",
    }  # fmt: skip
    assert 'bgcolor="#ffffff"' in page(letter.as_bytes())
    (picture,) = (one for one in letter.walk() if one.get_content_type() == "image/png")
    cid = str(picture["Content-ID"]).strip("<>")
    assert ("src", f"cid:{cid}") in found.named
    assert picture.get_content().startswith(b"\x89PNG\r\n\x1a\n")
    assert "checkout: downtime 55 min, observed 100 %" in found.alts[0]
    assert ("href", ENVELOPE.link) in found.named


def test_page_and_words_show_the_same_figures() -> None:
    shown = re.sub(r"<[^>]+>", " ", page(mail.render(BUILT, PAGE)))
    words = " ".join(text.render(BUILT, PAGE).split())
    for figure in BUILT.report.front.tiles:
        assert figure.display in shown
        assert f"{figure.display} {figure.tag}" in words


def test_headers_come_from_the_report_alone() -> None:
    letter = parsed(mail.letter(BUILT, PAGE, ENVELOPE).as_bytes())
    again = mail.letter(BUILT, PAGE, ENVELOPE).as_bytes()
    other = parsed(mail.letter(BUILT, PAGE, Envelope("ops@example.org", key="k2")).as_bytes())
    assert again == mail.letter(BUILT, PAGE, ENVELOPE).as_bytes()
    assert letter["Date"] == "Sat, 31 Oct 2026 23:00:00 +0000"
    assert letter["Message-ID"].endswith("@example.org>")
    assert letter["Message-ID"] != other["Message-ID"]
    assert letter.get_boundary().startswith(f"=_{BUILT.report.id[:40]}_")  # type: ignore[union-attr]
    assert "Operations in October 2026: 1 of 4 services" in letter["Subject"]


@pytest.mark.parametrize("built", [month(), busy()], ids=["month", "busy"])
def test_the_page_is_below_what_gmail_cuts(built: Built) -> None:
    letter = parsed(mail.render(built, pages(built)))
    assert len(part(letter, "html").as_bytes()) < 100_000


def test_what_does_not_fit_is_left_to_the_report_and_that_is_said() -> None:
    crowd = tuple(Section(f"s{n}", f"Heading {n}", every_block(BUILT, "ä" * 380)) for n in range(9))
    whole = document(BUILT)
    big = Document(
        **{name: getattr(whole, name) for name in Document.__slots__ if name != "pages"},
        pages=(Page("front", "", crowd),),
    )
    shown = part(parsed(mail.render(BUILT, big)), "html")
    assert len(shown.as_bytes()) < 100_000
    assert "More stands on this page of the report itself." in str(shown.get_content())


def test_without_what_draws_it_has_no_picture_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "find_spec", lambda _name: None)
    letter = parsed(mail.render(BUILT, PAGE))
    kinds = [one.get_content_type() for one in letter.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]
    assert "this mail was made without pictures" in page(letter.as_bytes())


def test_attached_files_are_named_and_whole() -> None:
    envelope = Envelope(attached=(Attached("r.zip", "application/zip", b"PK\x00\xff"),))
    letter = parsed(mail.letter(BUILT, PAGE, envelope).as_bytes())
    (found,) = letter.iter_attachments()
    assert (found.get_filename(), found.get_content()) == ("r.zip", b"PK\x00\xff")
    assert "The whole report is attached: r.zip." in page(letter.as_bytes())


@given(strings)
@settings(max_examples=15)
def test_no_string_adds_a_header_a_part_a_tag_or_an_address(bad: str) -> None:
    usual = parsed(mail.render(BUILT, document(BUILT, declared="Made up")))
    raw = mail.render(BUILT, document(BUILT, bad, "Made up"))
    letter = parsed(raw)
    assert letter.keys() == usual.keys()
    assert not letter.defects
    kinds = [one.get_content_type() for one in letter.walk()]
    assert kinds == [one.get_content_type() for one in usual.walk()]
    shown, plain = Tags(page(letter.as_bytes())), Tags(page(usual.as_bytes()))
    assert shown.tags == plain.tags
    assert shown.named == plain.named
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
