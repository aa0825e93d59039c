"""What a channel says in words of its own, and what the words may hold."""

from __future__ import annotations

import json

import pytest

from opskit.core.clock import FrozenClock, Instant
from opskit.core.notice import Item, Link, Notice, Status, Weight, as_body
from opskit.core.text import clean
from opskit.outside.notify import alertmanager, ntfy, pagerduty, teams
from opskit.outside.notify.alertmanager import AlertmanagerSender
from opskit.outside.notify.posting import Endpoint
from opskit.outside.notify.words import FIELDS, Wording, notice, unknown_fields, within_bytes
from opskit.records.messages import Message
from tests.outside.servers import Server, body, plain

NOW = Instant(1_790_856_000_000_000)
FAULT = Notice(
    "disk full", ("on web1",), ("opskit monitor status",), Status.FIRING, Weight.CRITICAL,
    (Item((("alertname", "DiskFull"), ("host", "web1")), (("free", "5 %"),)),),
    (Link("runbook", "https://ops.example/disk"),), key="k1", group="disk/web1", at=NOW,
)  # fmt: skip


def message(said: Notice, attempts: int = 0) -> Message:
    return Message(said.key, "any", json.dumps(as_body(said)), attempts)


def test_what_is_written_is_what_is_read() -> None:
    assert notice(json.dumps(as_body(FAULT)), "k1") == FAULT


# Templates


def test_a_template_names_fields_and_nothing_else() -> None:
    wording = Wording("${severity}: ${title}", "${lines}\n$$5 $${title} ${links}\n${repeat}")
    said = wording.of(message(FAULT, attempts=1))
    assert said.title == "critical: disk full"
    assert said.lines == ("on web1", "$5 ${title} https://ops.example/disk", "possible repeat")
    assert (said.items, said.commands) == ((), ())


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_has_a_value(field: str) -> None:
    said = Wording("", f"${{{field}}}").of(message(FAULT, attempts=1))
    assert "".join(said.lines)


@pytest.mark.parametrize(
    ("template", "unknown"),
    [
        ("${title}", ()), ("$$", ()), ("${titel}", ("titel",)), ("$title", ("$",)),
        ("${title.upper}", ("$",)), ("${title[0]}", ("$",)), ("${", ("$",)), ("$$$", ("$",)),
    ],
)  # fmt: skip
def test_what_no_field_is_called_is_found(template: str, unknown: tuple[str, ...]) -> None:
    assert unknown_fields(template) == unknown


def test_what_a_template_repeats_is_cut() -> None:
    long = Notice("x" * 150, tuple("y" * 600 for _ in range(30)), key="k")
    said = Wording("", "${lines}\n" * 150).of(message(long))
    assert sum(len(line) + 1 for line in said.lines) < 7_000
    assert "more lines" in said.lines[-1]


def test_values_are_not_read_as_templates() -> None:
    said = Wording("${title}", "").of(message(Notice("${key} $$ ${", key="k")))
    assert said.title == "${key} $$ ${"


# Limits


def test_a_link_that_is_none_is_left_out() -> None:
    bad = ("javascript:alert(1)", "https://x/\n", "https://x/ y", "https://x/<b>", "ftp://x", "")
    said = Notice("t", links=tuple(Link("l", url) for url in bad))
    assert notice(json.dumps(as_body(said))).links == ()


def test_much_is_cut_and_what_is_left_out_is_counted() -> None:
    items = tuple(Item((("host", "h" * 500),), (("a", "b" * 500),)) for _ in range(400))
    said = notice(json.dumps(as_body(Notice("t", ("line",) * 90, items=items))))
    assert (len(said.items), len(said.text) < 12_000) == (15, True)
    assert "the first 15 of 400 are shown" in said.lines


@pytest.mark.parametrize("text", ["é" * 100, "🔥" * 100, "a" * 100, ""])
def test_text_is_cut_between_characters(text: str) -> None:
    cut = within_bytes(text, 50)
    assert len(cut.encode()) <= 50
    assert clean(cut) == cut
    assert cut == text or cut.endswith("…")


# What machines read


def test_pagerduty_knows_a_fault_by_its_group() -> None:
    fires, ends = (pagerduty.payload(one) for one in (FAULT, ended(FAULT)))
    assert (fires["event_action"], ends["event_action"]) == ("trigger", "resolve")
    assert fires["dedup_key"] == ends["dedup_key"] == "disk/web1"
    assert fires["links"] == [{"href": "https://ops.example/disk", "text": "runbook"}]
    long = Notice("t", group="g" * 300)
    assert len(str(pagerduty.payload(long)["dedup_key"])) == 64


def ended(said: Notice) -> Notice:
    return Notice("disk is well", status=Status.RESOLVED, items=said.items, group=said.group)


def test_alertmanager_knows_an_alert_by_its_labels() -> None:
    (fires,), (ends,) = (list(alertmanager.payload(one, NOW)) for one in (FAULT, ended(FAULT)))
    assert fires["labels"] == ends["labels"] == {"alertname": "DiskFull", "host": "web1"}
    assert fires["endsAt"] == "2026-10-01T12:05:00Z"
    assert ends["endsAt"] == "2026-10-01T12:00:00Z"


def test_labels_have_names_that_alertmanager_takes() -> None:
    item = Item((("a.b-c", "1"), ("9x", "2"), ("empty", "")))
    (found,) = alertmanager.payload(Notice("t", items=(item,)), NOW)
    assert found["labels"] == {"alertname": "opskit", "a_b_c": "1", "_9x": "2"}


@pytest.mark.parametrize("down", [0, 1])
def test_every_peer_is_told_even_if_one_does_not_answer(down: int) -> None:
    from opskit.core.errors import OutsideError

    with Server(plain()) as first, Server(plain()) as second:
        urls = [first.url, second.url]
        urls[down] = "http://127.0.0.1:1/"
        clock = FrozenClock(NOW)
        peers = tuple(Endpoint("peer", url, allow_private=True, clock=clock) for url in urls)
        with pytest.raises(OutsideError, match="1 of 2 peers") as caught:
            AlertmanagerSender(peers).send(message(FAULT))
    assert caught.value.retryable
    assert len(first.requests + second.requests) == 1


def test_a_fault_is_sent_again_before_it_would_end_and_its_end_once() -> None:
    with Server(plain()) as server:
        where = Endpoint("peer", server.url, allow_private=True, clock=FrozenClock(NOW))
        sender = AlertmanagerSender((where,))
        again_at = sender.send(message(FAULT))
        assert again_at is not None
        assert NOW < again_at < NOW + 300_000_000
        assert sender.send(message(ended(FAULT))) is None
    assert [json.loads(body(one))[0]["endsAt"][11:16] for one in server.requests] == [
        "12:05", "12:00",
    ]  # fmt: skip


# What people read


def test_phones_ring_for_what_is_critical_and_not_for_its_end() -> None:
    assert ntfy.payload(FAULT)["priority"] == 5
    assert ntfy.payload(ended(FAULT))["priority"] == 3
    assert ntfy.payload(FAULT)["click"] == "https://ops.example/disk"


def test_a_card_in_teams_stays_within_what_teams_takes() -> None:
    said = notice(json.dumps(as_body(Notice("🔥" * 150, tuple("🔥" * 600 for _ in range(30))))))
    assert len(json.dumps(teams.payload(said), ensure_ascii=False).encode()) < 28_000
