"""The report for Slack: within its limits, and nothing in it is a link, a mention or markup."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from opskit.report.built import Built
from opskit.report.pages import document as pages
from opskit.report.render import slack
from tests.report.render.documents import document
from tests.report.render.samples import HOSTILE, busy, empty, hostile, month

strings = st.text(st.characters(codec="utf-8"), max_size=60) | st.sampled_from(
    (
        HOSTILE,
        "<!channel>",
        "<@U1>",
        "&lt;!here&gt;",
        "<https://e.example|x>",
        "&" * 4_000,
        "x" * 9_000,
    )
)


def texts(said: dict[str, Any]) -> list[dict[str, Any]]:
    found = [one["text"] for one in said["blocks"] if "text" in one]
    for one in said["blocks"]:
        found += one.get("fields", []) + one.get("elements", [])
    return found


def within_limits(said: dict[str, Any]) -> None:
    assert len(said["blocks"]) <= 8
    assert all(0 < len(one["text"]) < 2_500 for one in texts(said))
    assert len(said["blocks"][0]["text"]["text"]) <= 150
    assert all(len(one.get("fields", [])) <= 10 for one in said["blocks"])
    assert len(json.dumps(said["blocks"], ensure_ascii=False)) < 13_000


@pytest.mark.parametrize(
    "built", [month(), busy(), empty(), hostile()], ids=lambda one: one.report.title
)
def test_a_report_keeps_within_what_slack_takes(built: Built) -> None:
    within_limits(slack.payload(pages(built), "https://ops.example/r/x.html"))


def test_it_says_page_one() -> None:
    built = month()
    said = slack.payload(pages(built))
    front = built.report.front
    assert said["blocks"][1]["text"]["text"] == front.sentence
    fields = [one["text"] for block in said["blocks"] for one in block.get("fields", [])]
    assert [one.split("\n")[0].split(": ")[1] for one in fields] == [
        figure.display for figure in front.tiles
    ]
    assert "checkout: missed, 99.825 %, target 99.9 %" in json.dumps(said)
    assert built.report.id in said["blocks"][-1]["elements"][0]["text"]


@given(strings)
@settings(max_examples=40)
def test_no_string_is_a_mention_a_link_or_too_long(bad: str) -> None:
    built = month()
    said = slack.payload(document(built, bad))
    within_limits(said)
    for one in texts(said):
        assert one["type"] == "plain_text"
        assert not set(one["text"]) & set("<>")
        assert one["text"].count("&") == sum(
            one["text"].count(x) for x in ("&amp;", "&lt;", "&gt;")
        )


@given(strings, st.integers(10, 300))
def test_what_is_cut_is_not_cut_within_an_escape(bad: str, most: int) -> None:
    shown = slack.escaped(bad, most)
    assert len(shown) <= most
    assert "&" not in unescape(shown).replace("&", "", bad.count("&"))
