"""The page: one file that runs nothing, loads nothing, and says what it does not know."""

from __future__ import annotations

import html as entities
import re
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from opskit.report.model import Report, Tag
from opskit.report.render import html, view
from tests.report.render import pages, samples
from tests.rig import browser as chromium

every_sample = pytest.mark.parametrize("name", samples.SAMPLES)


@cache
def report_of(name: str) -> Report:
    return samples.SAMPLES[name]()


@cache
def page_of(name: str) -> pages.Page:
    return pages.read(html.render(report_of(name)))


@every_sample
def test_the_same_report_gives_the_same_bytes(name: str) -> None:
    first = html.render(report_of(name))
    html._environment.cache_clear()

    assert html.render(samples.SAMPLES[name]()) == first


@every_sample
def test_the_page_is_well_formed(name: str) -> None:
    page = page_of(name)
    names = page.values("id")

    assert page.problems == []
    assert page.elements[0].name == "html"
    assert page.elements[0].attributes["lang"] == "en"
    assert len(names) == len(set(names))


@every_sample
def test_nothing_runs(name: str) -> None:
    page = page_of(name)
    handlers = [key for one in page.elements for key in one.attributes if key.startswith("on")]

    assert handlers == []
    assert page.all("script", "iframe", "object", "embed", "form", "base", "link", "img") == []


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
    policy = next(
        one.attributes["content"]
        for one in page_of("month").all("meta")
        if one.attributes.get("http-equiv") == "Content-Security-Policy"
    )

    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")


def test_a_hostile_string_is_text_wherever_it_comes_from() -> None:
    text = page_of("hostile").text
    seen = (
        "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}"
        r"\x1b[31m\x00\u202egnp.exe\u2066\n</style></title>https://evil.example/"
    )

    # Service, owner and kind; outage; host, task and control; run, mode, standard and state; gap.
    assert text.count(seen) >= 12


def test_no_control_character_reaches_the_page() -> None:
    page = html.render(report_of("hostile"))

    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)


def test_a_string_from_the_far_ends_of_unicode_can_be_encoded() -> None:
    report = replace(report_of("month"), sentence="lone \udc80 surrogate, \U0001f600 and \u05d0")

    assert r"lone \udc80 surrogate, 😀 and א".encode() in html.render(report).encode()


def test_the_page_refuses_to_print_nothing() -> None:
    with pytest.raises(TypeError, match="say in words what is missing"):
        html._shown(None)


@every_sample
def test_every_link_has_its_target(name: str) -> None:
    page = page_of(name)
    targets = set(page.values("id"))

    assert {link.removeprefix("#") for link in page.values("href")} <= targets


@every_sample
def test_every_reference_is_linked_or_counted(name: str) -> None:
    page = view.page(report_of(name))
    printed = {row.seq for row in page.evidence.shown}

    for line in page.figures:
        assert set(line.trail.shown) <= printed & set(line.figure.refs)
        assert len(line.trail.shown) + line.trail.more == len(line.figure.refs)


@every_sample
def test_the_register_prints_every_figure_in_full(name: str) -> None:
    page = page_of(name)

    for number, figure in enumerate(report_of(name).figures, start=1):
        row = page.by_id(f"figure-{number}").text
        assert str(figure.tag) in row
        assert figure.value in row
        assert " ".join(figure.formula.split()) in row


@every_sample
def test_every_tag_is_explained(name: str) -> None:
    text = page_of(name).text

    assert all(view.TAGS[tag] in text for tag in Tag)


@every_sample
def test_every_figure_shown_carries_its_tag_and_the_way_to_its_evidence(name: str) -> None:
    report, page = report_of(name), page_of(name)
    shown = [*report.tiles, *(service.availability for service in report.services)]
    tags = [one for one in page.all("abbr") if str(one.attributes.get("class")).startswith("tag ")]
    ways = [one for one in page.all("a") if one.attributes.get("class") == "proof"]

    assert len(ways) >= len(shown)
    assert len(tags) == len(ways) + len(report.figures)
    assert all(":" in str(tag.attributes["title"]) for tag in tags)


def test_a_derived_and_an_assumed_figure_say_so() -> None:
    report = report_of("month")
    tiles = (
        replace(report.tiles[0], id="a", tag=Tag.DERIVED),
        replace(report.tiles[1], id="b", tag=Tag.ASSUMED),
    )
    page = pages.read(html.render(replace(report, tiles=tiles, figures=report.figures + tiles)))
    classes = page.values("class")

    assert classes.count("tag derived") == classes.count("tag assumed") == 3


@pytest.mark.parametrize(
    ("name", "section", "words"),
    [
        ("empty", "services", "No service is configured"),
        ("empty", "outages", "no outage could have been seen"),
        ("empty", "drift", "No host was checked in this period, so nothing can be said"),
        ("empty", "runs", "No run was started in this period"),
        ("empty", "gaps", "it can say nothing of this period"),
        ("empty", "appendix", "No ledger entry stands behind this report"),
        ("unobserved", "services", "not observed"),
        ("unobserved", "services", "nothing is known of it"),
        ("unobserved", "outages", "It was not observed, so no outage could have been seen"),
        ("unobserved", "drift", "The checks of this period found no host off standard"),
        ("demo", "gaps", "No gap was found in the evidence"),
        ("month", "services", "no objective"),
        ("month", "services", "insufficient data"),
        ("month", "services", "too little was observed"),
        ("month", "services", "unobserved time could decide it"),
        ("month", "outages", "No outage was seen in the time it was observed (87.1 %)"),
        ("month", "runs", "none judged"),
        ("month", "drift", "never"),
    ],
)
def test_what_is_missing_is_said_in_words(name: str, section: str, words: str) -> None:
    assert words in page_of(name).by_id(section).text


@pytest.mark.parametrize("name", ["empty", "unobserved"])
def test_what_was_not_observed_is_no_number(name: str) -> None:
    page = page_of(name)
    rows = [page.by_id("services").text, page.by_id("outages").text]

    assert not [text for text in rows if re.search(r"\b(0|100)\s?%|\b0 s\b|\b0 min\b", text)]


def test_a_check_that_saw_no_host_is_no_good_news() -> None:
    report = report_of("unobserved")
    blind = replace(report.runs[0], hosts="4 unreachable")
    page = pages.read(html.render(replace(report, runs=(blind,))))

    assert "No check of this period got to see a host" in page.by_id("drift").text


def test_an_outage_at_the_edge_of_the_period_is_not_closed_by_it() -> None:
    report = report_of("month")
    wiki = report.services[-1]
    cut = replace(wiki.outages[0], start=report.period.start)
    services = (*report.services[:-1], replace(wiki, outages=(cut,)))
    text = pages.read(html.render(replace(report, services=services))).by_id("service-5").text

    assert "before the period" in text
    assert "not over at its end" in text
    assert "at least 31 d" in text


def test_a_deviation_gone_after_the_period_was_open_at_its_end() -> None:
    drift = page_of("month").by_id("drift").text

    assert drift.count("still open") == 1 + 3  # a tile's title and three rows
    assert "seen gone after it, Sun 1 Nov 05:30" in drift


def test_the_hour_that_comes_twice_names_its_zone() -> None:
    outages = page_of("month").by_id("outages").text

    assert "Sun 25 Oct 01:50 Sun 25 Oct 02:39 CEST 49 min" in outages.replace("\u00a0", " ")


def test_the_auditor_can_recompute() -> None:
    report = report_of("demo")
    text = page_of("demo").by_id("appendix").text

    assert f"opskit ledger verify --head {report.head_hash}" in text
    assert (
        "opskit report build --from 2026-11-21T21:02:10.250000Z --to 2026-11-21T21:03:40.250000Z"
        " -o json" in text
    )
    assert report.id in text


def test_a_large_place_is_cut_and_the_cut_is_counted() -> None:
    report, page = report_of("busy"), page_of("busy")
    shown = [name for name in page.values("id") if name.startswith("entry-")]

    assert len(shown) == view.EVIDENCE_SHOWN
    assert f"{len(report.evidence) - 500:,} more entries are in the JSON form" in page.text
    assert "60 more deviations are in the JSON form" in page.text


def test_the_entries_that_page_1_stands_on_are_the_last_to_be_cut() -> None:
    page = view.page(report_of("busy"))
    tile = page.tiles[0].trail

    assert len(tile.shown) == view.LINKS_SHOWN
    assert page.tiles[0].figure.refs[:8] == tile.shown


@every_sample
def test_tables_and_headings_can_be_heard(name: str) -> None:
    page = page_of(name)
    levels = [int(one.name[1]) for one in page.all("h1", "h2", "h3", "h4")]

    assert all(one.attributes.get("scope") for one in page.all("th"))
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@every_sample
def test_every_ribbon_is_a_picture_with_words(name: str) -> None:
    ribbons = [one for one in page_of(name).all("svg") if one.attributes.get("class") == "cells"]

    assert len(ribbons) == len(report_of(name).services)
    assert all(one.attributes["role"] == "img" for one in ribbons)
    assert all(one.attributes["aria-label"] for one in ribbons)


def _colors(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", css))


def _luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
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
    css = page_of("empty").all("style")[0].text
    light, dark = css.split("@media screen and (prefers-color-scheme: dark)", 1)
    colors = _colors(light if scheme == "light" else dark.split("* {", 1)[0])
    low, high = sorted((_luminance(colors[text]), _luminance(colors[ground])))

    assert (high + 0.05) / (low + 0.05) >= 4.5


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
    names = ("month", "granting", "demo", "empty", "hostile", "unobserved")
    laid_out = {
        f"{name} {width}": html.render(report_of(name))
        for name in names
        for width in (320, 390, 740, 1280)
    }
    too_wide = html.render(report_of("empty")).replace("</h1>", f"{'&nbsp;' * 400}</h1>")
    laid_out["a page that does not 390"] = too_wide.replace("anywhere", "normal")
    found = overflows(laid_out, tmp_path)

    assert found.pop("a page that does not 390") > 0
    assert found == dict.fromkeys([name for name in laid_out if name in found], 0)
    assert len(found) == 4 * len(names)


def test_access_that_is_not_configured_is_said_to_be() -> None:
    section = re.search(
        r'<section id="access".*?</section>', html.render(report_of("month")), re.DOTALL
    )
    assert section is not None
    assert "Nothing can be said: no access targets are configured." in section[0]
    assert "tile" not in section[0]


def test_access_that_is_still_there_is_not_shown_as_gone() -> None:
    text = page_of("granting").text
    assert "not seen gone" in text
    assert "at least 6 d 6 h" in text
    assert "n = 7, of which 1 still open" in text
    assert "6 kept (4 by themselves), 1 revoked" in text
