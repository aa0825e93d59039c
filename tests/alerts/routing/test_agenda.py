"""A rota by a calendar: who is on call, who is next, and when nobody is."""

from __future__ import annotations

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from opskit.alerts.planning import plan_of
from opskit.core.clock import iso, parse_instant
from opskit.core.errors import DataError, ExitCode
from opskit.outside.config import load
from tests.cli.inside import Inside

BERLIN = ZoneInfo("Europe/Berlin")
ROUTES = """\
route: {receiver: duty}
receivers:
  - {name: duty, rota: primary}
rotas:
  - name: primary
    zone: Europe/Berlin
    layers:
      - people: [cat]
        start: 2026-01-05T09:00
        hours: [{days: [monday], start: "06:00", end: "07:00"}]
      - {calendar: alerts/oncall.ics}
contacts: {ada: [ada-phone], ben: ["mail:ben@example.org"], cat: [cat-phone]}
"""
EVENTS = (
    ("On call: Ada", "20261102T080000Z", "20261109T080000Z", ""),
    ("somebody", "20261109T080000Z", "20261116T080000Z", "ATTENDEE:mailto:Ben@example.org\r\n"),
    ("Zoe", "20261117T080000Z", "20261118T080000Z", ""),
)


def calendar() -> str:
    inner = "".join(
        f"BEGIN:VEVENT\r\nUID:{number}\r\nSUMMARY:{who}\r\nDTSTART:{start}\r\nDTEND:{end}\r\n{more}"
        "END:VEVENT\r\n"
        for number, (who, start, end, more) in enumerate(EVENTS)
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{inner}END:VCALENDAR\r\n"


@pytest.fixture
def repository(ops: Path) -> Path:
    (ops / "alerts").mkdir()
    (ops / "alerts" / "routes.yaml").write_text(ROUTES)
    (ops / "alerts" / "oncall.ics").write_text(calendar())
    return ops


def test_the_calendar_says_who_is_on_call_and_who_is_next(repository: Path) -> None:
    duty = plan_of(load(repository / "opskit.yaml", {}, repository)).duties["primary"]
    at = parse_instant("2026-11-05T12:00", BERLIN)
    now, after = duty.on_call(at), duty.next(at)
    assert now is not None
    assert after is not None
    assert (now.person, iso(now.interval.end, BERLIN)) == ("ada", "2026-11-09T09:00:00+01:00")
    assert (after.person, iso(after.interval.start, BERLIN)) == ("ben", "2026-11-09T09:00:00+01:00")
    # Nobody of that name can be told: the layer below it holds, or nobody.
    assert duty.on_call(parse_instant("2026-11-17T12:00", BERLIN)) is None
    early = duty.on_call(parse_instant("2026-11-23T06:30", BERLIN))
    assert early is not None
    assert early.person == "cat"


def test_the_command_shows_it_and_check_finds_who_is_nobody(
    repository: Path, inside: Inside
) -> None:
    done = inside("alerts", "oncall", "--at", "2026-11-05T12:00", "--json")
    shown = json.loads(done.out)["rotas"]["primary"]
    assert (shown["now"], shown["next"]) == ("ada", "ben")
    found = json.loads(inside("check", "--json").out)["findings"]
    (one,) = [each for each in found if each["rule"] == "alerts-calendar"]
    assert "'Zoe' names nobody" in one["message"]
    assert (one["location"]["path"], one["location"]["line"]) == ("alerts/oncall.ics", 18)


@pytest.mark.parametrize(("text", "rule"), [("nothing", "file-value"), (None, "file-missing")])
def test_a_calendar_that_cannot_be_read_is_a_finding_and_no_traceback(
    repository: Path, inside: Inside, text: str | None, rule: str
) -> None:
    path = repository / "alerts" / "oncall.ics"
    path.unlink() if text is None else path.write_text(text)
    found = json.loads(inside("check", "--json").out)["findings"]
    assert [one for one in found if one["rule"] == rule and one["subject"] == "alerts/oncall.ics"]
    done = inside("alerts", "oncall")
    assert done.code == ExitCode.USAGE
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "layer",
    ["{calendar: a.ics, people: [ada]}", "{people: [ada]}", "{start: 2026-01-05T09:00}", "{}"],
)
def test_a_layer_is_people_or_a_calendar(repository: Path, layer: str) -> None:
    path = repository / "alerts" / "routes.yaml"
    path.write_text(ROUTES.replace("{calendar: alerts/oncall.ics}", layer))
    with pytest.raises(DataError) as caught:
        plan_of(load(repository / "opskit.yaml", {}, repository))
    assert "a layer" in caught.value.findings[0].message
