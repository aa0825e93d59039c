"""Calendar files of others: what happens when, and what is not taken."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from opskit.core.clock import iso, parse_instant
from opskit.core.errors import ConfigError, DataError
from opskit.core.interval import Interval
from opskit.outside.icalendar import CalendarFile

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = "UID:1\nSUMMARY:ada\nDTSTART:20261102T080000Z\nDTEND:20261109T080000Z\n"


def calendar(*events: str) -> str:
    inner = "".join(f"BEGIN:VEVENT\n{one}END:VEVENT\n" for one in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//EN\n{inner}END:VCALENDAR\n"
    return text.replace("\n", "\r\n")


def happens(text: str, start: str, end: str) -> list[tuple[str, str, str]]:
    window = Interval(parse_instant(start, BERLIN), parse_instant(end, BERLIN))
    found = CalendarFile(text, "oncall.ics").within(window, BERLIN)
    return [
        (one.summary, iso(one.interval.start, BERLIN), iso(one.interval.end, BERLIN))
        for one in sorted(found, key=lambda one: one.interval.start)
    ]


def test_times_that_name_a_zone_or_none_and_days() -> None:
    text = calendar(
        FIRST,
        "UID:2\nSUMMARY:ben\nDTSTART;TZID=America/New_York:20261109T030000\nDURATION:PT6H\n",
        "UID:3\nSUMMARY:cat\nDTSTART:20261110T090000\nDTEND:20261110T170000\n",
        "UID:4\nSUMMARY:dan\nDTSTART;VALUE=DATE:20261112\nDTEND;VALUE=DATE:20261114\n",
    )
    assert happens(text, "2026-11-01", "2026-11-20") == [
        ("ada", "2026-11-02T09:00:00+01:00", "2026-11-09T09:00:00+01:00"),
        ("ben", "2026-11-09T09:00:00+01:00", "2026-11-09T15:00:00+01:00"),
        ("cat", "2026-11-10T09:00:00+01:00", "2026-11-10T17:00:00+01:00"),
        ("dan", "2026-11-12T00:00:00+01:00", "2026-11-14T00:00:00+01:00"),
    ]


def test_what_comes_again_keeps_to_the_wall_with_exceptions_and_changes() -> None:
    text = calendar(
        "UID:1\nSUMMARY:ada\nDTSTART;TZID=Europe/Berlin:20261012T090000\n"
        "DTEND;TZID=Europe/Berlin:20261013T090000\nRRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO;COUNT=5\n"
        "EXDATE;TZID=Europe/Berlin:20261019T090000\n",
        "UID:1\nSUMMARY:ben\nRECURRENCE-ID;TZID=Europe/Berlin:20261026T090000\n"
        "DTSTART;TZID=Europe/Berlin:20261026T120000\nDTEND;TZID=Europe/Berlin:20261027T090000\n",
    )
    assert happens(text, "2026-10-01", "2026-12-01") == [
        ("ada", "2026-10-12T09:00:00+02:00", "2026-10-13T09:00:00+02:00"),
        ("ben", "2026-10-26T12:00:00+01:00", "2026-10-27T09:00:00+01:00"),
        ("ada", "2026-11-02T09:00:00+01:00", "2026-11-03T09:00:00+01:00"),
        ("ada", "2026-11-09T09:00:00+01:00", "2026-11-10T09:00:00+01:00"),
    ]


def test_folded_lines_and_attendees() -> None:
    text = calendar(
        "UID:1\nSUMMARY:On call: a\n da\nATTENDEE;CN=Ada:mailto:ada@example.org\n"
        "DTSTART:20261102T080000Z\nDTEND:20261103T080000Z\n"
    )
    ((summary, attendees, _),) = CalendarFile(text, "x.ics").happenings()
    assert (summary, attendees) == ("On call: ada", ("ada@example.org",))


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ("UID:9\nSUMMARY:ada\nDTEND:20261103T080000Z\n", "without DTSTART"),
        (FIRST + "RRULE:FREQ=SECONDLY\n", "several times a day"),
        (FIRST + "RRULE:FREQ=HOURLY;COUNT=3\n", "several times a day"),
        (FIRST + "RRULE:FREQ=YEARLY;BYHOUR=1,2;BYMINUTE=1,2,3\n", "several times of a day"),
    ],
)
def test_what_is_not_taken_is_named_with_its_line(event: str, says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        CalendarFile(calendar(FIRST.replace("UID:1", "UID:0"), event), "oncall.ics")
    (finding,) = caught.value.findings
    assert str(finding.location) == "oncall.ics:11"


@pytest.mark.parametrize("text", ["", "nothing", "BEGIN:VCALENDAR\n", "\x00\xff", "BEGIN:VEVENT"])
def test_what_is_no_calendar_says_so(text: str) -> None:
    with pytest.raises(DataError, match="no calendar"):
        CalendarFile(text, "oncall.ics")


def test_files_that_would_take_long_are_refused(tmp_path: Path) -> None:
    many = calendar(
        *(FIRST.replace("UID:1", f"UID:{n}") + "RRULE:FREQ=DAILY\n" for n in range(300))
    )
    with pytest.raises(DataError, match="300 of which come again"):
        CalendarFile(many, "oncall.ics")
    large = tmp_path / "large.ics"
    large.write_text("x" * 3_000_000)
    with pytest.raises(DataError, match="2 MB"):
        CalendarFile.read(large, "large.ics")
    with pytest.raises(ConfigError):
        CalendarFile.read(tmp_path / "none.ics", "none.ics")


def test_one_that_began_long_ago_is_told_of_now() -> None:
    old = FIRST.replace("2026", "1971") + "RRULE:FREQ=WEEKLY\n"
    found = happens(calendar(old), "2026-11-04", "2026-11-05")
    assert [one[0] for one in found] == ["ada"]
