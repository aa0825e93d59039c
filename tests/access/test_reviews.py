"""Reviews by exception: who is asked, what keeps itself, and what becomes of silence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opskit.access import due, reviews
from opskit.access.deciding import Word, decide
from opskit.access.lifecycle import GrantState
from opskit.access.recertify import Circumstances, reasons, rubber_stamps
from opskit.access.requesting import request
from opskit.access.settling import start_now
from opskit.access.store import grants, usage
from opskit.access.store.reviews import Item
from opskit.access.store.usage import Used
from opskit.core.clock import DAY, HOUR, SECOND, Duration, FrozenClock, Instant
from opskit.core.errors import ConfigError, Refused
from opskit.core.findings import Severity
from opskit.core.interval import Interval
from tests.access.world import World, ask, registry

LONG = registry(
    roles={"roles": {"reader": {
        "purpose": "Reads.", "owners": ["platform"], "targets": ["web"], "max_duration": "180d",
        "risk": "low", "linux": {"groups": ["adm"]},
    }}},
    policy={
        "rules": [{"name": "all", "who": ["web"], "max_duration": "180d"}],
        "separation": [], "break_glass": None,
    },
)  # fmt: skip
CALM = Circumstances("reader", "d", True, True, Severity.LOW, False, Instant(0), covered=True)


@pytest.fixture
def grant(world: World, clock: FrozenClock) -> int:
    """Give alice a role for 180 days, and let 100 of them pass."""
    asked = ask(role="reader", duration=Duration(180 * DAY))
    one = request(world.as_("alice", LONG), asked).request
    found = decide(world.as_("bob", LONG), one.id, Word("bob", "approve")).grant
    assert found is not None
    start_now(world.as_("bob", LONG), found)
    clock.advance(100 * DAY)
    return found.id


def used(world: World, number: int, at: Instant) -> None:
    with world.database.write() as connection:
        usage.add(connection, Used(number, "web1", "login", at, at, 1))


def read(world: World, start: int, end: int) -> None:
    """Let the logs of both hosts have been read for a time."""
    with world.database.write() as connection:
        for place in ("web1", "web2"):
            usage.cover(connection, place, Interval(Instant(start), Instant(end)))


def state(world: World, number: int) -> GrantState:
    with world.database.read() as connection:
        return grants.one(connection, number).state


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, []),
        ({"risk": Severity.CRITICAL}, ["its risk is critical"]),
        ({"unchanged": False}, ["the role was changed since it was approved"]),
        ({"break_glass": True}, ["it was taken in an emergency"]),
        ({"last_used_at": Instant(-91 * DAY)}, ["it was not used for 90 d"]),
        ({"last_used_at": None}, ["it was not used for 90 d"]),
        ({"last_used_at": None, "covered": False}, ["nobody can tell whether it is used"]),
    ],
)
def test_a_human_is_asked_about_what_is_not_plainly_well(
    changes: dict[str, object], why: list[str]
) -> None:
    one = replace(CALM, **changes)  # type: ignore[arg-type]  # its own fields
    assert list(reasons(one, Duration(90 * DAY), Instant(0))) == why


def test_what_is_used_unchanged_and_low_in_risk_keeps_itself_with_evidence(
    world: World, clock: FrozenClock, grant: int
) -> None:
    used(world, grant, clock.now())
    found = reviews.open_(world.as_("charlie", LONG))
    (item,) = found.items
    assert (item.outcome, item.decided_by, item.why) == ("kept", "", ())
    assert item.evidence["last_used_at"] == clock.now()
    assert "review.item_kept" in world.kinds_of_entries()
    assert reviews.close(world.as_("charlie", LONG), 1).stamps == ()


def test_without_the_logs_nothing_counts_as_unused(
    world: World, clock: FrozenClock, grant: int
) -> None:
    (item,) = reviews.open_(world.as_("charlie", LONG)).items
    assert item.why == ("nobody can tell whether it is used",)
    assert item.reviewers == ("bob", "charlie", "dora")


def test_logs_read_without_a_gap_show_that_nothing_was_used(
    world: World, clock: FrozenClock, grant: int
) -> None:
    now = clock.now()
    read(world, now - 120 * DAY, now - 50 * DAY)
    read(world, now - 60 * DAY, now)
    (item,) = reviews.open_(world.as_("charlie", LONG)).items
    assert item.why == ("it was not used for 90 d",)


def test_silence_suspends_then_ends_and_a_late_word_brings_it_back(
    world: World, clock: FrozenClock, grant: int
) -> None:
    reviews.open_(world.as_("charlie", LONG))
    clock.advance(14 * DAY)
    due.go(world.as_("bob", LONG))
    assert state(world, grant) is GrantState.SUSPENDED
    assert not world.kind.opens("web1", "alice")
    reviews.decide(world.as_("bob", LONG), 1, grant, "keep", "still needed")
    assert state(world, grant) is GrantState.ACTIVE
    assert world.kind.opens("web1", "alice")


def test_silence_for_longer_is_the_end(world: World, clock: FrozenClock, grant: int) -> None:
    reviews.open_(world.as_("charlie", LONG))
    clock.advance(14 * DAY)
    due.go(world.as_("bob", LONG))
    clock.advance(7 * DAY)
    due.go(world.as_("bob", LONG))
    assert state(world, grant) is GrantState.REVOKED
    assert reviews.close(world.as_("bob", LONG), 1).items[0].outcome == "revoked"


def test_only_who_is_asked_answers_and_only_once(world: World, grant: int) -> None:
    reviews.open_(world.as_("charlie", LONG))
    with pytest.raises(Refused, match="is open"):
        reviews.open_(world.as_("charlie", LONG))
    with pytest.raises(Refused, match="alice is not asked"):
        reviews.decide(world.as_("alice", LONG), 1, grant, "keep", "mine")
    with pytest.raises(ConfigError, match="does not ask about g9"):
        reviews.decide(world.as_("bob", LONG), 1, 9, "keep", "")
    with pytest.raises(Refused, match="not answered"):
        reviews.close(world.as_("bob", LONG), 1)
    reviews.decide(world.as_("bob", LONG), 1, grant, "revoke", "the project is over")
    assert state(world, grant) is GrantState.REVOKED
    with pytest.raises(Refused, match="revoked already"):
        reviews.decide(world.as_("dora", LONG), 1, grant, "keep", "")


def test_an_emergency_nobody_reviewed_is_told_of_once(world: World, clock: FrozenClock) -> None:
    emergency = ask(role="web-admin", break_glass=True, duration=Duration(HOUR))
    request(world.as_("alice"), emergency)
    clock.advance(25 * HOUR)
    due.go(world.as_("bob"))
    due.go(world.as_("bob"))
    assert list(world.kinds_of_entries()).count("breakglass.overdue") == 1


def said(seconds: int, count: int, outcome: str = "kept") -> list[Item]:
    return [
        Item(1, n, ("bob",), (), {}, outcome, "bob", Instant(n * seconds * SECOND), "")
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("items", "found"),
    [
        (said(2, 10), ("bob",)),
        (said(2, 9), ()),
        (said(20, 10), ()),
        ([*said(2, 10), *said(2, 1, "revoked")], ()),
    ],
)
def test_who_keeps_everything_without_looking_is_named(
    items: list[Item], found: tuple[str, ...]
) -> None:
    assert rubber_stamps(items) == found
