"""Whether a job called in when it should: judged from instants alone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from opskit.core.clock import DAY, HOUR, MINUTE, Duration, Instant, from_datetime, to_datetime
from opskit.monitor.beating import Calls, Due, judged
from opskit.monitor.model import Seen
from opskit.outside import cron

BERLIN = ZoneInfo("Europe/Berlin")
NOON = from_datetime(datetime(2026, 10, 1, 12, tzinfo=UTC))
INSTANTS = st.integers(min_value=NOON - 400 * DAY, max_value=NOON + 400 * DAY).map(Instant)
LENGTHS = st.integers(min_value=0, max_value=3 * DAY).map(Duration)


def every(length: int) -> Due:
    return lambda ended: Instant(ended + length)


def nightly(ended: Instant) -> Instant:
    return cron.next_due("30 2 * * *", BERLIN, ended)


def seen(calls: Calls | None, now: int, due: Due = nightly, longest: int = HOUR) -> Seen:
    return judged(calls, due, HOUR, Duration(longest), Instant(now)).seen


def ok(at: Instant) -> Calls:
    return Calls(at, "ok", at, well=True)


@pytest.mark.parametrize(
    ("calls", "minutes", "wanted", "reason"),
    [
        (None, 0, Seen.UNKNOWN, "it has never called in"),
        (ok(NOON), 0, Seen.UP, ""),
        (ok(NOON), 120, Seen.UP, ""),
        (ok(NOON), 121, Seen.DOWN, "it has not called in, 1 h after it was due"),
        (Calls(NOON, "fail", NOON, well=False), 0, Seen.DOWN, "its last run failed"),
        (Calls(NOON, "start", None, well=False), 10, Seen.UNKNOWN, "its first run has not ended"),
        (Calls(NOON, "start", None, well=False), 31, Seen.DOWN, "did not end within 30 min"),
        # It begins anew, which does not mend what went wrong before.
        (Calls(NOON, "start", Instant(NOON - HOUR), well=False), 10, Seen.DOWN, "last run failed"),
        (Calls(NOON, "start", Instant(NOON - DAY), well=True), 10, Seen.DOWN, "not called in"),
        (Calls(NOON, "start", Instant(NOON - HOUR), well=True), 10, Seen.UP, ""),
        (Calls(NOON, "start", Instant(NOON - HOUR), well=True), 31, Seen.DOWN, "did not end"),
    ],
)
def test_what_called_in_tells_how_a_job_is(
    calls: Calls | None, minutes: int, wanted: Seen, reason: str
) -> None:
    now = Instant(NOON + minutes * MINUTE)
    sight = judged(calls, every(HOUR), HOUR, Duration(30 * MINUTE), now)
    assert sight.seen is wanted
    assert reason in sight.reason
    assert bool(reason) is bool(sight.reason)


@given(INSTANTS, LENGTHS, LENGTHS, LENGTHS)
def test_it_is_up_until_its_grace_is_over_and_not_a_moment_longer(
    ended: Instant, length: Duration, grace: Duration, later: Duration
) -> None:
    latest = ended + length + grace
    assert judged(ok(ended), every(length), grace, HOUR, Instant(latest)).seen is Seen.UP
    late = judged(ok(ended), every(length), grace, HOUR, Instant(latest + 1 + later))
    assert late.seen is Seen.DOWN


@given(INSTANTS, st.booleans(), LENGTHS)
def test_once_late_it_stays_so_until_it_ends_well(
    ended: Instant, begins: bool, later: Duration
) -> None:
    now = Instant(nightly(ended) + HOUR + 1 + later)
    calls = Calls(now, "start", ended, well=True) if begins else ok(ended)
    assert seen(calls, now) is Seen.DOWN
    assert seen(ok(now), now) is Seen.UP


@given(INSTANTS)
def test_what_is_due_lies_ahead_and_at_half_past_two_by_the_clocks_there(ended: Instant) -> None:
    due = nightly(ended)
    assert 0 < due - ended <= 25 * HOUR
    told = to_datetime(due, BERLIN)
    # In the night in which half past two is skipped, right after the gap.
    assert (told.hour, told.minute) in {(2, 30), (3, 0), (3, 30)}
    assert told.hour == 2 or told.month == 3


def berlin(*when: int) -> Instant:
    return from_datetime(datetime(*when, tzinfo=BERLIN))  # type: ignore[misc, arg-type]


def test_a_night_without_half_past_two_is_due_once() -> None:
    # 29 March 2026: at 02:00 the clocks go to 03:00.
    before = berlin(2026, 3, 28, 2, 31)
    due = nightly(before)
    assert berlin(2026, 3, 29, 3, 0) <= due <= berlin(2026, 3, 29, 3, 30)
    assert nightly(due) == berlin(2026, 3, 30, 2, 30)
    assert seen(ok(before), due + HOUR) is Seen.UP
    assert seen(ok(before), due + HOUR + 1) is Seen.DOWN


def test_a_night_with_two_half_past_twos_is_due_once() -> None:
    # 25 October 2026: at 03:00 the clocks go back to 02:00.
    before = berlin(2026, 10, 24, 2, 31)
    due = nightly(before)
    assert to_datetime(due, BERLIN).date().day == 25
    after = nightly(Instant(due + MINUTE))
    assert after == berlin(2026, 10, 26, 2, 30)
    assert seen(ok(Instant(due + MINUTE)), after + HOUR) is Seen.UP
    assert seen(ok(Instant(due + MINUTE)), after + HOUR + 1) is Seen.DOWN


@pytest.mark.parametrize(
    "text", ["", "* * *", "61 * * * *", "0 0 31 2 *", "@never", "0 0 * * * * *"]
)
def test_what_is_never_due_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no cron expression"):
        cron.check(text)
