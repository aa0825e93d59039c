"""Slack: nothing in a text is a mention, a link or markup, and the URL is nowhere to be seen."""

from __future__ import annotations

import html
import json

import pytest
from hypothesis import given, strategies as st

from opskit.core.errors import OpskitError, Throttled
from opskit.core.notice import Notice, Weight
from opskit.core.text import clean
from opskit.outside.notify.posting import Endpoint
from opskit.outside.notify.slack import NAME, SlackSender, escaped, payload
from opskit.outside.notify.words import notice as words
from opskit.records.messages import Message
from tests.outside.servers import Server, body, header, plain

PATH = "services/T000/B000/s3cr3t"


def message(**data: object) -> Message:
    return Message("k1", "slack", json.dumps({"type": "a.b", "subject": "r1", **data}), 0)


def failure(url: str, *, allow_private: bool = True) -> OpskitError:
    with pytest.raises(OpskitError) as caught:
        SlackSender(Endpoint(NAME, url, allow_private)).send(message())
    assert "s3cr3t" not in caught.value.message + caught.value.hint
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


def test_it_is_what_slack_takes() -> None:
    notice = {"title": "r1 <!channel>", "lines": ["a & b"], "commands": ["opskit x"]}
    with Server(plain(b"ok")) as server:
        SlackSender(Endpoint(NAME, server.url + PATH, allow_private=True)).send(
            message(notice=notice)
        )
    (request,) = server.requests
    assert request.startswith(f"POST /{PATH} HTTP/1.1\r\n".encode())
    assert header(request, b"content-type").startswith(b"application/json")
    assert json.loads(body(request)) == {
        "text": "r1 &lt;!channel&gt;",
        "blocks": [
            _section("r1 &lt;!channel&gt;"),
            _section("a &amp; b\n\nNext:\n\n    opskit x"),
            {"type": "context", "elements": [_plain("k1")]},
        ],
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _plain(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": _plain(text)}


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("Retry-After: 30", 30), ("retry-after: 999999", 86_400), ("Retry-After: soon", 0)],
)
def test_how_long_to_wait_is_taken_from_the_answer(header: str, seconds: int) -> None:
    with Server(plain(b"", "429 Too Many Requests", header)) as server:
        error = failure(server.url + PATH)
    assert isinstance(error, Throttled)
    assert (error.seconds, error.retryable) == (seconds, True)


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        ("400 Bad Request", False), ("403 Forbidden", False), ("404 Not Found", False),
        ("410 Gone", False), ("413 Too Large", False), ("302 Found", False),
        ("408 Timeout", True), ("500 Error", True), ("503 Unavailable", True),
    ],
)  # fmt: skip
def test_a_refusal_says_whether_to_try_again(status: str, retryable: bool) -> None:
    with Server(plain(b"s3cr3t", status, "Location: http://127.0.0.1:1/s3cr3t")) as server:
        error = failure(server.url + PATH)
    assert error.retryable is retryable
    assert error.message == f"the Slack webhook answered {status[:3]}"


@pytest.mark.parametrize(
    "url", [f"http://127.0.0.1:1/{PATH}", f"http://nowhere.invalid/{PATH}", f"http://[::1/{PATH}"]
)
def test_the_url_is_in_no_error(url: str) -> None:
    assert failure(url).message.startswith("the Slack webhook")


def test_a_private_address_must_be_allowed() -> None:
    with Server(plain()) as server:
        error = failure(server.url + PATH, allow_private=False)
    assert "is not a public address" in error.message
    assert server.requests == []


@given(st.text(st.characters() | st.sampled_from("&<>;!@|"), max_size=4_000))
def test_escaped_text_holds_nothing_slack_acts_on_and_fits(text: str) -> None:
    out = escaped(text)
    assert not {"<", ">"} & set(out)
    assert len(out) <= 2_900
    whole = html.unescape(out.removesuffix("…")) if out.endswith("…") else html.unescape(out)
    if len(text) < 500:
        assert escaped(text) == text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert "&" not in out.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert len(whole) <= 2_900


def test_what_is_urgent_says_so_first() -> None:
    found = payload(Notice("gone wrong", severity=Weight.CRITICAL))
    assert found["text"] == "URGENT: gone wrong"


# Words


def test_a_body_that_is_no_json_is_shown_as_it_is() -> None:
    assert words("plain").lines == ("message: plain",)


def test_very_many_lines_are_counted_not_shown() -> None:
    said = words(json.dumps({"notice": {"title": "t", "lines": ["x"] * 100}}))
    assert len(said.lines) == 31
    assert said.lines[-1] == "and 70 more lines"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_a_body_of_any_shape_gives_words(value: object) -> None:
    for data in ({"notice": value}, {"notice": {"title": value, "lines": value}}, value):
        said = words(json.dumps(data))
        assert all(clean(line) == line for line in (said.title, *said.lines))
