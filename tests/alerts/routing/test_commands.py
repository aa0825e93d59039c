"""`alerts route` and `alerts oncall`: whom alerts reach, before one is sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.inside import Inside

ROUTES = """\
route:
  receiver: ops
  routes: [{matchers: ['severity="page"'], receiver: duty, escalation: up}]
receivers:
  - {name: ops, channels: [mail]}
  - {name: duty, rota: primary}
escalations: [{name: up, steps: [{after: 15m, receiver: ops}]}]
rotas:
  - name: primary
    zone: Europe/Berlin
    layers: [{people: [ada, ben], start: 2026-01-05T09:00, turn: 7d}]
    overrides: [{person: cem, start: 2026-11-24T12:00, end: 2026-11-24T18:00}]
contacts: {ada: [phone], ben: [phone], cem: ["mail:cem@example.com"]}
"""

CHANNELS = """\
mail: {server: 127.0.0.1, from: opskit@example.com, to: [ops@example.com], tls: none}
channels: {phone: {kind: ntfy, topic: ops}}
"""


@pytest.fixture
def routed(inside: Inside, ops: Path) -> Inside:
    (ops / "alerts").mkdir(exist_ok=True)
    (ops / "alerts/routes.yaml").write_text(ROUTES)
    return inside


def test_an_alert_is_followed_to_whoever_is_on_call_then(routed: Inside) -> None:
    done = routed("alerts", "route", "severity=page", "--at", "2026-11-24T13:00", "--json")
    assert done.code == 0
    (one,) = json.loads(done.out)["routes"]
    assert one["receiver"] == "duty"
    assert one["told"] == ["mail:cem@example.com"]
    assert one["escalation"] == "up"
    assert "mail" in routed("alerts", "route", "severity=ticket").out


def test_who_is_on_call_and_who_is_next(routed: Inside) -> None:
    done = routed("alerts", "oncall", "--at", "2026-11-24T13:00", "--json")
    assert done.code == 0
    found = json.loads(done.out)["rotas"]["primary"]
    assert (found["now"], found["until"]) == ("cem", "2026-11-24T17:00:00Z")
    assert (found["next"], found["from"]) == ("ada", "2026-11-24T17:00:00Z")


def test_nobody_on_call_is_a_finding(routed: Inside) -> None:
    done = routed("alerts", "oncall", "--at", "2026-01-01")
    assert done.code == 1
    assert "nobody is on call in primary" in done.err


def test_a_calendar_names_each_shift_the_same_whenever_it_is_read(routed: Inside) -> None:
    first = routed("alerts", "oncall", "-o", "ical", "--at", "2026-11-25T10:00").out
    later = routed("alerts", "oncall", "-o", "ical", "--at", "2026-11-27T10:00").out
    names = [
        {line for line in one.splitlines() if line.startswith("UID:")} for one in (first, later)
    ]
    assert names[0] <= names[1]
    assert "SUMMARY:ada on call (primary)" in first
    assert "DTSTART:20261124T170000Z" in first
    assert all(len(line.encode()) <= 75 for line in first.splitlines())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("route", "severity"), "'severity' is no label"),
        (("oncall", "primry"), "there is no rota 'primry'; did you mean 'primary'?"),
        (("oncall", "--at", "soon"), "'soon' is not a date"),
    ],
)
def test_mistakes_are_one_line(routed: Inside, arguments: tuple[str, ...], says: str) -> None:
    done = routed("alerts", *arguments)
    assert done.code == 2
    assert says in done.err


def test_without_a_routes_file_that_is_said(inside: Inside) -> None:
    done = inside("alerts", "oncall")
    assert done.code == 2
    assert "there is no alerts/routes.yaml" in done.err


def test_check_reads_the_routes_file_as_what_it_is(routed: Inside, ops: Path) -> None:
    unknown = routed("check").out
    assert "there is no channel 'mail' in opskit.yaml" in unknown
    assert "there is no channel 'phone' in opskit.yaml" in unknown
    with (ops / "opskit.yaml").open("a") as stream:
        stream.write(CHANNELS)
    assert "routes.yaml" not in routed("check").out
    (ops / "alerts/routes.yaml").write_text(ROUTES.replace("receiver: duty,", "receiver: dutty,"))
    done = routed("check")
    assert done.code == 1
    assert "receiver 'dutty' is not defined; did you mean 'duty'?" in " ".join(done.out.split())


def test_a_time_on_call_is_taken_over(routed: Inside) -> None:
    done = routed(
        "alerts", "take", "primary", "--person", "cem", "--from", "2026-12-24", "--for", "2d"
    )
    assert done.code == 0, done.err
    assert "cem is on call in primary until 2026-12-26" in done.err
    found = json.loads(routed("alerts", "oncall", "--at", "2026-12-25T01:00", "--json").out)
    assert found["rotas"]["primary"]["now"] == "cem"
    unknown = routed("alerts", "take", "primary", "--person", "dora", "--for", "2h")
    assert (unknown.code, "'dora' has no contacts" in unknown.err) == (2, True)
    nearly = routed("alerts", "take", "primry", "--person", "cem", "--for", "2h")
    assert (nearly.code, "did you mean primary?" in nearly.err) == (2, True)
