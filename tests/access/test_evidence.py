"""What access shows of itself: each row with its times, and the ledger entries behind it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from opskit.access import due, reviews
from opskit.access.deciding import Word, decide
from opskit.access.ending import give_back, review_emergency
from opskit.access.evidence import AccessEvidence
from opskit.access.requesting import extend, request, withdraw
from opskit.access.settling import settle, start_now
from opskit.access.store.grants import Grant
from opskit.access.store.teams import Teams
from opskit.core.clock import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Duration,
    FrozenClock,
    Instant,
    from_datetime,
)
from opskit.core.errors import Refused
from opskit.core.evidence import AccessEvidence as Shown, Reading, unreferred
from opskit.core.interval import Interval
from opskit.core.leadtime import Wait
from opskit.outside.typed import to_json
from opskit.records.ledger import entries
from tests.access.world import World, ask, registry

UTC = ZoneInfo("UTC")


@pytest.fixture
def noon(clock: FrozenClock) -> Instant:
    return clock.now()


def shown(world: World, start: int, end: int) -> Shown:
    period = Interval(Instant(start), Instant(end))
    found = AccessEvidence(world.database, configured=True, zone=UTC).evidence(period).access
    assert found is not None
    return found


def today(world: World, noon: int) -> Shown:
    """Return what is shown of the day from noon up to now."""
    return shown(world, noon, world.clock.now() + 1)


def granted(world: World, clock: FrozenClock, after: int = 0, **values: object) -> Grant:
    one = request(world.as_("alice"), ask(**values)).request  # type: ignore[arg-type]  # its fields
    clock.advance(after)
    grant = decide(world.as_("bob"), one.id, Word("bob", "approve")).grant
    assert grant is not None
    start_now(world.as_("bob"), grant)
    return grant


def kinds(world: World, refs: tuple[int, ...]) -> list[str]:
    with world.database.read() as connection:
        known = {entry.seq: entry.kind for entry in entries(connection)}
    return [known[ref] for ref in refs]


def test_a_request_that_became_access_shows_how_long_that_took(
    world: World, clock: FrozenClock, noon: Instant
) -> None:
    granted(world, clock, after=20 * MINUTE)
    found = today(world, noon)
    (one,) = found.requests
    assert (one.name, one.team, one.role) == ("r1", "web", "nginx-operator")
    assert (one.outcome, one.asked_at, one.usable_at) == ("approved", noon, noon + 20 * MINUTE)
    assert one.wait(clock.now()) == Wait(Duration(20 * MINUTE), over=True)
    assert kinds(world, one.refs) == [
        "request.created", "request.checked", "request.submitted", "request.approved",
        "grant.activated",
    ]  # fmt: skip
    (grant,) = found.grants
    assert (grant.request, grant.usable_at, grant.ended_at) == ("r1", noon + 20 * MINUTE, None)


def test_what_still_waits_is_an_open_wait(world: World, clock: FrozenClock, noon: Instant) -> None:
    request(world.as_("alice"), ask())
    clock.advance(3 * HOUR)
    (one,) = today(world, noon).requests
    assert one.outcome == "pending"
    assert one.wait(clock.now()) == Wait(Duration(3 * HOUR), over=False)


def test_what_is_approved_and_on_no_target_still_waits(
    world: World, clock: FrozenClock, noon: Instant
) -> None:
    world.kind.unreachable.update({"web1", "web2"})
    granted(world, clock)
    clock.advance(HOUR)
    (one,) = today(world, noon).requests
    assert one.outcome == "approved"
    assert one.wait(clock.now()) == Wait(Duration(HOUR), over=False)


def test_a_start_in_the_future_is_not_waited_for_before(
    world: World, clock: FrozenClock, noon: Instant
) -> None:
    one = request(world.as_("alice"), ask(starts_at=noon + 4 * HOUR)).request
    decide(world.as_("bob"), one.id, Word("bob", "approve"))
    assert today(world, noon).requests[0].wait(clock.now()) is None
    clock.advance(4 * HOUR + 5 * SECOND)
    settle(world.as_("bob"))
    (row,) = today(world, noon).requests
    assert row.wait(clock.now()) == Wait(Duration(5 * SECOND), over=True)


def test_who_waited_for_nothing_is_no_wait(world: World, clock: FrozenClock, noon: Instant) -> None:
    denied = request(world.as_("alice"), ask()).request
    decide(world.as_("bob"), denied.id, Word("bob", "deny", "no"))
    taken = request(world.as_("alice"), ask(reason="something else entirely")).request
    withdraw(world.as_("alice"), taken.id)
    request(world.as_("alice"), ask(reason="and a third, other thing"))
    clock.advance(2 * DAY)
    found = today(world, noon).requests
    assert [one.outcome for one in found] == ["denied", "withdrawn", "lapsed"]
    assert [one.wait(clock.now()) for one in found] == [None, None, None]


def test_more_time_with_what_one_has_is_no_wait(
    world: World, clock: FrozenClock, noon: Instant
) -> None:
    grant = granted(world, clock)
    extend(world.as_("alice"), grant.id, Duration(HOUR), "it takes longer than I thought")
    assert [one.wait(clock.now()) is None for one in today(world, noon).requests] == [False, True]


def test_a_past_period_shows_what_was_true_at_its_end(
    world: World, clock: FrozenClock, noon: Instant
) -> None:
    one = request(world.as_("alice"), ask()).request
    clock.advance(HOUR)
    before = today(world, noon)
    end = clock.now() + 1
    clock.advance(HOUR)
    grant = decide(world.as_("bob"), one.id, Word("bob", "approve")).grant
    assert grant is not None
    start_now(world.as_("bob"), grant)
    clock.advance(DAY)
    settle(world.as_("bob"))
    assert shown(world, noon, end) == before
    assert before.requests[0].outcome == "pending"
    assert before.grants == ()
    assert before.revocations == ()


def test_what_a_target_ended_by_itself_is_on_time(
    world: World, clock: FrozenClock, noon: Instant
) -> None:
    granted(world, clock)
    clock.advance(6 * HOUR)  # nobody looked for four hours
    settle(world.as_("bob"))
    ends = today(world, noon).revocations
    assert [(one.place, one.exposure) for one in ends] == [("web1", 0), ("web2", 0)]
    assert {one.gone_at for one in ends} == {noon + 2 * HOUR}


def test_what_only_opskit_ends_outlives_its_end_until_it_is_seen_gone(
    world: World, clock: FrozenClock, noon: Instant
) -> None:
    world.kind.fences = False
    granted(world, clock)
    world.kind.unreachable.add("web2")
    clock.advance(2 * HOUR + 10 * MINUTE)
    settle(world.as_("bob"))
    clock.advance(30 * MINUTE)
    found = {one.place: one for one in today(world, noon).revocations}
    assert found["web1"].exposure == 10 * MINUTE
    assert found["web1"].gone_at == noon + 2 * HOUR + 10 * MINUTE
    assert kinds(world, found["web1"].refs) == [
        "grant.expired", "target.verified", "grant.revoke_deferred",
    ]  # fmt: skip
    assert found["web2"].gone_at is None
    assert found["web2"].exposure == 40 * MINUTE + 1
    assert found["web2"].reason == "no route to host"
    assert kinds(world, found["web2"].refs) == ["grant.expired", "grant.revoke_deferred"]


def test_refusals_are_rows_with_their_reason(world: World, noon: Instant) -> None:
    with pytest.raises(Refused):
        request(world.as_("alice"), ask(role="web-admin", duration=40 * HOUR))
    one = request(world.as_("alice"), ask()).request
    with pytest.raises(Refused):
        decide(world.as_("alice"), one.id, Word("alice", "approve"))
    found = today(world, noon).refusals
    assert [row.kind for row in found] == ["request.refused", "decision.refused_self"]
    assert (found[0].subject, found[0].reason) == ("web-admin", "rule web-team")
    assert found[1].reason == "who wanted to decide has a part in it"
    assert [len(row.refs) for row in found] == [1, 1]


def test_an_emergency_shows_whether_somebody_looked(
    world: World, clock: FrozenClock, noon: Instant
) -> None:
    request(
        world.as_("alice"),
        ask(role="web-admin", break_glass=True, duration=HOUR, reason="the shop is down"),
    )
    (one,) = today(world, noon).emergencies
    assert (one.team, one.reviewed_at, one.review_due) == ("web", None, noon + DAY)
    clock.advance(2 * DAY)
    due.go(world.as_("bob"))
    review_emergency(world.as_("bob"), 1, "two restarts, as told")
    (one,) = today(world, noon).emergencies
    assert one.reviewed_at == clock.now()
    assert kinds(world, one.refs) == [
        "breakglass.opened", "breakglass.overdue", "breakglass.reviewed",
    ]  # fmt: skip
    # The next period does not show it again, the one before as it was.
    assert shown(world, clock.now() + 1, clock.now() + DAY).emergencies == ()
    assert shown(world, noon, noon + DAY).emergencies[0].reviewed_at is None


def test_no_person_is_named_in_anything(world: World, clock: FrozenClock, noon: Instant) -> None:
    world.kind.fences = False
    granted(world, clock, reason="alice and bob want it")
    request(
        world.as_("alice"),
        ask(role="web-admin", break_glass=True, duration=HOUR, reason="charlie is away"),
    )
    with pytest.raises(Refused):
        request(world.as_("alice"), ask(who="eve"))
    with pytest.raises(Refused):
        decide(world.as_("alice"), 1, Word("alice", "approve"))
    world.kind.refusing.update({"web1", "web2"})
    clock.advance(3 * HOUR)
    settle(world.as_("bob"))
    found = today(world, noon)
    assert found.revocations[0].reason == "too few administrators"
    assert all(getattr(found, name) for name in ("requests", "grants", "refusals", "emergencies"))
    words = re.findall(r"\w+", to_json(found, Shown).decode().lower())
    assert set(registry().people.people).isdisjoint(words)


def test_names_in_what_targets_say_are_replaced() -> None:
    people = {"ann": {"name": "Ann Lee", "team": "web", "account": "alee"}}
    known = Teams([Instant(0)], [{"people": people}], UTC)
    assert known.unnamed("alee (Ann Lee, ann) is on annex-1") == (
        "somebody (somebody, somebody) is on annex-1"
    )


def test_a_team_is_the_one_of_then() -> None:
    states: list[dict[str, Any]] = [
        {"people": {"ann": {"team": "web", "ends": "2026-10-31"}}},
        {"people": {"ann": {"team": "shop"}}, "service_accounts": {"bot": {"owner": "ann"}}},
        {"people": {}, "teams": {"shop": {}}, "service_accounts": {"ci": {"owner": "shop"}}},
    ]
    known = Teams([Instant(10), Instant(20), Instant(30)], states, UTC)
    said = [known.team("ann", Instant(at)) for at in (5, 10, 19, 20, 40)]
    assert said == ["", "web", "web", "shop", "shop"]
    assert [known.team(one, Instant(40)) for one in ("bot", "ci", "nobody")] == ["shop", "shop", ""]
    assert known.leaves_at("ann", Instant(15)) == from_datetime(datetime(2026, 11, 1, tzinfo=UTC))
    assert known.leaves_at("ann", Instant(25)) is None


def test_access_given_back_shows_its_level_and_the_end_it_was_planned_for(
    world: World, clock: FrozenClock, noon: Instant
) -> None:
    grant = granted(world, clock)
    clock.advance(30 * MINUTE)
    give_back(world.as_("alice"), grant.id)
    (one,) = shown(world, noon, noon + DAY).grants
    assert one.level == grant.gives.risk.value
    assert (one.ended_at, one.ends_at) == (noon + 30 * MINUTE, noon + 2 * HOUR)
    assert (one.review_due, one.leaves_at) == (None, None)


def test_what_is_planned_beyond_the_period_is_cut_off_there(
    world: World, clock: FrozenClock, noon: Instant
) -> None:
    granted(world, clock)
    end = noon + HOUR
    clock.advance(HOUR)
    before = shown(world, noon, end)
    extend(world.as_("alice"), 1, Duration(HOUR), "it takes longer than I thought")
    assert shown(world, noon, end) == before
    assert before.grants[0].ends_at == end


def test_read_bare_it_says_the_same_without_the_entries_behind_it(
    world: World, clock: FrozenClock, noon: Instant
) -> None:
    world.kind.fences = False
    back = granted(world, clock)
    clock.advance(30 * MINUTE)
    give_back(world.as_("alice"), back.id)
    granted(world, clock, reason="a second, other thing")
    world.kind.unreachable.add("web2")
    clock.advance(2 * HOUR + 10 * MINUTE)
    settle(world.as_("bob"))
    period = Interval(noon, Instant(clock.now() + 1))
    whole, bare = (
        unreferred(
            AccessEvidence(world.database, configured=True, zone=UTC, reading=reading).evidence(
                period
            )
        )
        for reading in (Reading.ALL, Reading.BARE)
    )
    assert whole.access is not None
    assert whole.access.grants[0].ends_at == noon + 2 * HOUR
    assert "no route to host" in {one.reason for one in whole.access.revocations}
    assert bare == whole


def test_a_review_that_waits_for_an_answer_is_when_it_would_have_been_asked(
    world: World, clock: FrozenClock, noon: Instant
) -> None:
    grant = granted(world, clock, duration=8 * HOUR)
    campaign = reviews.open_(world.as_("charlie")).campaign
    clock.advance(HOUR)
    give_back(world.as_("alice"), grant.id)
    assert today(world, noon).grants[0].review_due == campaign.due_at


def test_who_came_and_who_left_are_teams(world: World, clock: FrozenClock, noon: Instant) -> None:
    granted(world, clock)

    def note(kind: str, after: int, **data: object) -> None:
        clock.advance(after)
        with world.database.write() as connection:
            world.as_("bob").ledger.append(connection, kind, "alice", data)

    note("person.onboarding", 0, team="web")
    note("person.ready", HOUR, ready_at=clock.now(), team="web")
    note("person.offboarding", DAY)
    middle = clock.now()
    note("person.gone", 2 * HOUR)
    found = today(world, noon)
    (came,), (left,) = found.arrivals, found.departures
    assert (came.team, came.starts_at, came.ready_at) == ("web", noon, noon)
    assert (left.team, left.left_at, left.gone_at) == ("web", middle, middle + 2 * HOUR)
    assert kinds(world, left.refs) == ["person.offboarding", "person.gone"]
    assert shown(world, noon, middle + 1).departures[0].gone_at is None
    later = shown(world, clock.now() + 1, clock.now() + DAY)
    assert (later.arrivals, later.departures) == ((), ())


def test_a_review_shows_what_was_said(world: World, clock: FrozenClock, noon: Instant) -> None:
    granted(world, clock, duration=8 * HOUR)
    reviews.open_(world.as_("charlie"))
    (one,) = today(world, noon).reviews
    assert (one.kept, one.unanswered, one.closed_at) == (0, 1, None)
    reviews.decide(world.as_("bob"), 1, 1, "keep", "on call")
    reviews.close(world.as_("charlie"), 1)
    (one,) = today(world, noon).reviews
    assert (one.kept, one.by_themselves, one.unanswered) == (1, 0, 0)
    assert one.closed_at == clock.now()
    assert kinds(world, one.refs) == ["review.opened", "review.closed"]


def test_where_it_is_not_configured_that_is_said_unless_there_is_something(
    world: World, clock: FrozenClock, noon: Instant
) -> None:
    source = AccessEvidence(world.database, configured=False, zone=UTC)
    period = Interval(noon, Instant(noon + DAY))
    nothing = source.evidence(period)
    assert nothing.access is None
    assert nothing.not_configured == {"access": "access is not configured"}
    granted(world, clock)
    something = source.evidence(period)
    assert something.access is not None
    assert something.not_configured == {}
