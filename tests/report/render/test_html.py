"""The page: one file that runs nothing, loads nothing, and leads from every figure to its row."""

from __future__ import annotations

import html as entities
import re
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from opskit.core.text import clean
from opskit.report.built import Built
from opskit.report.document import Document, Ribbons, Statement, Statements, Table, Tiles, View
from opskit.report.model import Tag
from opskit.report.pages import document
from opskit.report.pages.register import TAGS
from opskit.report.render import html
from opskit.report.render.carried import TYPE, carried
from tests.report.render import documents, pages, samples
from tests.rig import browser as chromium

# Everything a block can be, with charts and statements, which samples may not have.
WHOLE = "every block"
every_sample = pytest.mark.parametrize("name", [*samples.SAMPLES, WHOLE])


@cache
def built_of(name: str) -> Built:
    return samples.SAMPLES["month" if name == WHOLE else name]()


@cache
def document_of(name: str) -> Document:
    built = built_of(name)
    return documents.showcase(built) if name == WHOLE else document(built)


@cache
def text_of(name: str) -> str:
    return html.render(built_of(name), document_of(name))


@cache
def page_of(name: str) -> pages.Page:
    return pages.read(text_of(name))


def changed(**changes: Any) -> str:  # a document has fields of many kinds
    built = built_of("month")
    return html.render(built, replace(document_of("month"), **changes))


@every_sample
def test_the_same_report_gives_the_same_bytes(name: str) -> None:
    html._environment.cache_clear()
    html.style.cache_clear()

    assert html.render(built_of(name), document_of(name)) == text_of(name)


@every_sample
def test_the_page_is_well_formed(name: str) -> None:
    page = page_of(name)
    names = page.values("id")

    assert page.problems == []
    assert page.elements[0].name == "html"
    assert page.elements[0].attributes["lang"] == "en"
    assert len(names) == len(set(names))


def inert(page: pages.Page) -> bool:
    handlers = [key for one in page.elements for key in one.attributes if key.startswith("on")]
    scripts = [one.attributes.get("type") for one in page.all("script")]
    foreign = page.all("iframe", "object", "embed", "form", "base", "link", "img", "foreignobject")
    return not handlers and not foreign and scripts == [TYPE]


@every_sample
def test_nothing_runs(name: str) -> None:
    assert inert(page_of(name))


@every_sample
def test_nothing_is_loaded(name: str) -> None:
    page = page_of(name)
    sources = [value for key in ("src", "srcset", "data", "action") for value in page.values(key)]
    style = page.all("style")[0].text

    assert sources == []
    assert all(link.startswith("#") for link in page.values("href"))
    assert all(re.fullmatch(r"url\(#fill-[a-z]+\)", fill) for fill in page.values("fill"))
    assert not re.search(r"url\(|@import|@font-face|https?:", style)
    assert page.values("style") == []


def test_the_policy_forbids_what_the_page_does_not_need() -> None:
    policies = [
        one.attributes["content"]
        for one in page_of("month").all("meta")
        if one.attributes.get("http-equiv") == "Content-Security-Policy"
    ]

    (policy,) = map(str, policies)
    assert policy.split("; ") == [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]


NASTY = st.text(max_size=12) | st.sampled_from(
    (
        samples.HOSTILE,
        '"><svg onload=alert(1)>',
        "</script><script>alert(1)</script>",
        "</style><style>@import 'https://evil.example'",
        '\\; } body { display: none } @page { content: "',
        "<!--",
        "]]>",
        "{% raw %}",
        "\udc80",
        "figure-1",
    )
)


@settings(max_examples=40, deadline=None)
@given(NASTY)
def test_a_hostile_string_is_text_wherever_it_stands(bad: str) -> None:
    built = built_of("month")
    text = html.render(built, documents.document(built, bad))
    page = pages.read(text)
    names = page.values("id")

    assert page.problems == []
    assert inert(page)
    assert len(page.all("style")) == 1
    assert len(names) == len(set(names))
    assert {link.removeprefix("#") for link in page.values("href")} <= set(names)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert text.encode()
    assert carried(text).embedded == built.embedded


def test_a_hostile_string_is_shown_and_not_swallowed() -> None:
    seen = (
        "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}"
        r"\x1b[31m\x00\u202egnp.exe\u2066\n</style></title>https://evil.example/"
    )

    assert page_of("hostile").text.count(seen) >= 12


def test_a_declaration_cannot_leave_its_string_of_the_style() -> None:
    text = changed(declared='"; } * { display: none } \\')
    (string,) = re.findall(r'@top-center \{ content: ("[^"]*"); \}', text)
    read = re.sub(r"\\([0-9a-f]{6}) ", lambda found: chr(int(found[1], 16)), string[1:-1])

    assert re.fullmatch(r'"(?:[A-Za-z0-9 ]|\\[0-9a-f]{6} )*"', string)
    assert read == '"; } * { display: none } \\'


def test_the_page_refuses_to_print_nothing() -> None:
    with pytest.raises(TypeError, match="say in words what is missing"):
        html._shown(None)


@every_sample
def test_it_carries_what_it_was_built_from(name: str) -> None:
    found = carried(text_of(name))

    assert found.embedded == built_of(name).embedded
    assert (found.id, found.view, found.team) == (built_of(name).report.id, View.WHOLE, "")


def test_it_carries_whose_view_it_is() -> None:
    found = carried(changed(view=View.TEAM, team="Payments"))

    assert (found.view, found.team) == (View.TEAM, "Payments")


@every_sample
def test_every_link_has_its_target(name: str) -> None:
    page = page_of(name)

    assert {link.removeprefix("#") for link in page.values("href")} <= set(page.values("id"))


def figures_shown(told: Document) -> list[str]:
    found: list[str] = []
    for page in told.pages:
        for block in (block for section in page.sections for block in section.blocks):
            match block:
                case Tiles():
                    found += [one.figure.id for one in block.tiles]
                case Ribbons():
                    found += [one.figure.id for one in block.strips]
                case Statement():
                    found += block.figures
                case Statements():
                    found += [name for one in block.statements for name in one.figures]
                case _:
                    pass
    return found


@every_sample
def test_every_figure_shown_leads_to_its_row_and_from_there_to_its_entries(name: str) -> None:
    page, told = page_of(name), document_of(name)
    (register,) = tables(told, "register")
    (evidence,) = tables(told, "evidence")
    links = page.values("href")
    kept = {row[0].refs[0] for row in evidence.rows}

    for number, row in enumerate(register.rows, start=1):
        text = page.by_id(f"figure-{number}").text
        assert " ".join(clean(row[0].figure).split()) in text
        assert all(f"#{ref}" in text for ref in row[-1].refs[:8] if ref in kept)
        if row[0].figure in figures_shown(told):
            assert f"#figure-{number}" in links
    assert kept <= {
        int(one.removeprefix("entry-")) for one in page.values("id") if one.startswith("entry-")
    }


def tables(told: Document, name: str) -> list[Table]:
    blocks = (block for page in told.pages for section in page.sections for block in section.blocks)
    return [block for block in blocks if isinstance(block, Table) and block.name == name]


def test_without_a_register_figures_are_named_and_the_way_to_them_is_told() -> None:
    told = replace(document_of("month"), pages=document_of("month").pages[:1], view=View.MANAGER)
    page = pages.read(html.render(built_of("month"), told))
    names = [one.text for one in page.all("code") if one.attributes.get("class") == "id"]

    assert set(figures_shown(told)) <= set(names)
    assert "opskit report explain" in page.text
    assert [link for link in page.values("href") if link.startswith("#figure-")] == []


@every_sample
def test_every_tag_shown_is_explained(name: str) -> None:
    page = page_of(name)
    shown = {one.text for one in page.all("abbr") if "tag" in str(one.attributes.get("class"))}

    assert shown <= set(Tag)
    assert all(TAGS[Tag(tag)] in page.text for tag in shown)


def test_a_derived_and_an_assumed_figure_say_so() -> None:
    told = document_of("month")
    front, *rest = told.pages
    tiles = front.sections[0].blocks[0]
    assert isinstance(tiles, Tiles)
    tagged = tuple(
        replace(one, figure=replace(one.figure, tag=tag))
        for one, tag in zip(tiles.tiles, (Tag.DERIVED, Tag.ASSUMED), strict=False)
    )
    section = replace(front.sections[0], blocks=(Tiles(tagged),))
    front = replace(front, sections=(section, *front.sections[1:]))
    page = pages.read(changed(pages=(front, *rest)))

    assert {"tag derived", "tag assumed"} <= set(page.values("class"))
    assert TAGS[Tag.DERIVED] in page.by_id("front").text
    assert TAGS[Tag.ASSUMED] in page.by_id("front").text


def test_what_is_made_up_says_so_on_every_page_and_sheet() -> None:
    page = pages.read(changed(declared="All of it is made up."))
    told = [one for one in page.all("p") if one.attributes.get("class") == "declared"]

    assert [one.text for one in told] == ["All of it is made up."] * len(document_of("month").pages)
    assert '@top-center { content: "All of it is made up\\00002e "; }' in page.all("style")[0].text
    assert "declared" not in page_of("month").values("class")


def test_a_refused_headline_cannot_be_taken_for_one() -> None:
    page = pages.read(changed(refused=True, sentence="The ledger was changed."))
    (box,) = (one for one in page.all("div") if one.attributes.get("class") == "refused")

    assert box.text.startswith("No headline")
    assert box.text.endswith("The ledger was changed.")
    assert "No headline" not in page_of("month").text


def test_a_second_version_says_that_it_is_one() -> None:
    told = document_of("month")
    *before, last = told.pages
    restated = replace(last.sections[-1], name="restatements", title="Restated")
    again = pages.read(
        changed(version=2, pages=(*before, replace(last, sections=(*last.sections, restated))))
    )
    (heading,) = again.all("h1")

    assert heading.text == "Operations in October 2026 version 2, restated"
    assert "#restatements" in again.values("href")
    assert page_of("month").all("h1")[0].text == "Operations in October 2026"


@pytest.mark.parametrize(
    ("name", "section", "words"),
    [
        ("empty", "services", "No service is monitored"),
        ("empty", "silent-workload", "no outage could have been seen"),
        ("empty", "drift", "No host was checked in this period, so nothing can be said"),
        ("empty", "evidence", "No ledger entry stands behind this report"),
        ("unobserved", "services", "not observed"),
        ("month", "services", "no target"),
        ("month", "services", "insufficient data"),
        ("month", "services", "too little was observed"),
        ("month", "services", "unobserved time could decide it"),
    ],
)
def test_what_is_missing_is_said_in_words(name: str, section: str, words: str) -> None:
    assert words in page_of(name).by_id(section).text


def test_what_is_left_out_is_counted() -> None:
    page = page_of("busy")
    (drift,) = tables(document_of("busy"), "drift")

    assert drift.more == 60
    assert "60 more rows not shown here" in page.by_id("drift").text
    assert "12 more services under The other" in page.by_id("services").text
    assert page.by_id("services-days").text


def test_the_tables_of_the_auditor_stay_off_paper_and_say_so() -> None:
    told = document_of("month")
    audited = pages.read(html.render(built_of("month"), replace(told, view=View.AUDITOR)))

    for name in ("register", "evidence", "methods"):
        assert "Not printed: " in page_of("month").by_id(name).text
        assert "Not printed: " not in audited.by_id(name).text


@every_sample
def test_tables_and_headings_can_be_heard(name: str) -> None:
    page = page_of(name)
    levels = [int(one.name[1]) for one in page.all("h1", "h2", "h3", "h4", "h5")]
    labels = page.values("aria-labelledby")

    assert all(one.attributes.get("scope") for one in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert set(labels) <= set(page.values("id"))
    assert len(page.all("main")) == len(page.all("nav")) == 1


@every_sample
def test_every_picture_has_words(name: str) -> None:
    page = page_of(name)
    pictures = [one for one in page.all("svg") if one.attributes.get("role") == "img"]
    plots = [one for one in pictures if "plot" in str(one.attributes.get("class"))]

    assert all(one.attributes["aria-label"] for one in pictures)
    assert len(plots) == 2 * len(page.all("figure")) == 2 * len(page.all("figcaption"))
    for figure in page.all("figure"):
        twin = page.by_id(f"{figure.attributes['id']}-twin")
        assert twin.name in {"table", "p"}
    hidden = [one for one in page.all("svg") if one.attributes.get("aria-hidden") == "true"]
    inner = [one for one in page.all("svg") if "overflow" in one.attributes]
    assert len(pictures) + len(hidden) + len(inner) == len(page.all("svg"))


def test_the_auditor_reads_charts_as_tables_at_once() -> None:
    told = document_of(WHOLE)
    page = pages.read(html.render(built_of(WHOLE), replace(told, view=View.AUDITOR)))

    assert all("open" in one.attributes for one in page.all("details"))
    assert not any("open" in one.attributes for one in page_of(WHOLE).all("details"))


def _colors(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", css))


def _luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(scheme: str, one: str, other: str) -> float:
    css = page_of("empty").all("style")[0].text
    light, dark = css.split("@media screen and (prefers-color-scheme: dark)", 1)
    colors = _colors(light)
    if scheme == "dark":
        colors |= _colors(dark.split("* {", 1)[0])
    low, high = sorted((_luminance(colors[one]), _luminance(colors[other])))
    return (high + 0.05) / (low + 0.05)


schemes = pytest.mark.parametrize("scheme", ["light", "dark"])


@schemes
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *((text, "page") for text in ("ink", "soft", "link", "good", "bad", "unclear", "open")),
        *((text, "raised") for text in ("ink", "soft", "link")),
        ("number", "down"),
        *(("mark", ground) for ground in ("good", "bad", "unclear")),
    ],
)
def test_text_stands_out(scheme: str, text: str, ground: str) -> None:
    assert _contrast(scheme, text, ground) >= 4.5


@schemes
@pytest.mark.parametrize(
    ("mark", "ground"),
    [
        *((mark, "page") for mark in ("first", "second", "third", "over", "ink", "soft", "down")),
        ("unknown-ink", "unknown"),
        ("degraded-ink", "degraded"),
        ("maintenance-ink", "maintenance"),
        ("down", "up"),
    ],
)
def test_marks_stand_out(scheme: str, mark: str, ground: str) -> None:
    assert _contrast(scheme, mark, ground) >= 3


def overflows(pages: dict[str, str], directory: Path) -> dict[str, int]:
    """Lay pages out, each in a window of its name's width, and say how much wider they are."""
    frames = "".join(
        f'<iframe id="{name}" style="width:{name.split()[-1]}px;height:900px;border:0"'
        f' srcdoc="{entities.escape(page)}"></iframe>'
        for name, page in pages.items()
    )
    document = directory / "frames.html"
    document.write_text(
        f"{frames}<script>onload = () => document.querySelectorAll('iframe').forEach(frame => {{"
        " const root = frame.contentDocument.documentElement;"
        " frame.title = 'over by ' + (root.scrollWidth - root.clientWidth); });</script>",
        encoding="utf-8",
    )
    found = re.findall(
        r'<iframe id="([^"]+)"[^>]* title="over by (\d+)"', chromium.dump_dom(document)
    )
    return {name: int(pixels) for name, pixels in found}


@pytest.mark.real
def test_the_page_fits_its_window(browser: None, tmp_path: Path) -> None:
    names = (WHOLE, "empty", "hostile")
    laid_out = {f"{name} {width}": text_of(name) for name in names for width in (320, 390, 1280)}
    too_wide = text_of("empty").replace("</h1>", f"{'&nbsp;' * 400}</h1>")
    laid_out["a page that does not 390"] = too_wide.replace("anywhere", "normal")
    found = overflows(laid_out, tmp_path)

    assert found.pop("a page that does not 390") > 0
    assert found == dict.fromkeys([name for name in laid_out if name in found], 0)
    assert len(found) == 3 * len(names)


@pytest.mark.real
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_first_page_fits_one_sheet(browser: None, tmp_path: Path, paper: str) -> None:
    import pypdf

    page, pdf = tmp_path / "report.html", tmp_path / "report.pdf"
    sized = f"@page {{ size: {paper} }}</style>"
    page.write_text(text_of(WHOLE).replace("</style>", sized, 1), encoding="utf-8")
    chromium.print_pdf(page, pdf)
    sheets = [" ".join(one.extract_text().split()) for one in pypdf.PdfReader(pdf).pages]

    assert "Should the wiki have an objective?" in sheets[0]
    assert "counted or added up from ledger entries" in sheets[0]
    assert "The work" in sheets[1]
    assert all("Made up: nothing in this report happened." in sheet for sheet in sheets)
