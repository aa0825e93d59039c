"""What access shows on /metrics: what stands, what is owed, how long people wait."""

from __future__ import annotations

from collections.abc import Iterable

from opskit.access import reviews
from opskit.access.deciding import Word, decide
from opskit.access.metrics import access, lead_times
from opskit.access.requesting import request
from opskit.access.settling import settle, start_now
from opskit.access.store import certificates, places
from opskit.core.clock import DAY, HOUR, MINUTE, SECOND, FrozenClock
from opskit.core.metrics import Family
from tests.access.world import World, ask

_ENDS = "grant_expiry_timestamp_seconds"


def shown(families: Iterable[Family]) -> dict[tuple[str, ...], float]:
    """Return each number by its family, without the first word, and the values of its labels."""
    return {
        (family.name.removeprefix("opskit_access_"), *(text for _, text in sample.labels)): (
            sample.value
        )
        for family in families
        for sample in family.samples
    }


def now(world: World) -> dict[tuple[str, ...], float]:
    return shown(access(world.database, world.clock.now()))


def granted(world: World, **values: object) -> None:
    one = request(world.as_("alice"), ask(**values)).request  # type: ignore[arg-type]  # its fields
    grant = decide(world.as_("bob"), one.id, Word("bob", "approve")).grant
    assert grant is not None
    start_now(world.as_("bob"), grant)


def test_where_nothing_was_asked_all_is_zero_and_no_age_is_known(world: World) -> None:
    found = now(world)
    assert found["requests", "pending"] == 0
    assert found["grants", "active"] == 0
    assert found["revocations_owed",] == 0
    assert not [name for name, *_ in found if name.endswith(("age_seconds", "timestamp_seconds"))]
    waited = shown(lead_times(world.database, world.clock.now()))
    assert waited == {
        ("lead_time_requests", "served"): 0,
        ("lead_time_requests", "open"): 0,
    }


def test_a_request_counts_until_its_time_is_over(world: World, clock: FrozenClock) -> None:
    request(world.as_("alice"), ask())
    assert now(world)["requests", "pending"] == 1
    clock.advance(2 * DAY)
    assert now(world)["requests", "pending"] == 0


def test_places_show_what_ends_a_grant_there(world: World) -> None:
    granted(world)
    found = now(world)
    assert found["grants", "active"] == 1
    assert found["places", "expiry-time"] == 2
    assert found["places", "none"] == 0


def test_a_grant_shows_when_it_ends_and_no_longer_once_it_is_gone(
    world: World, clock: FrozenClock
) -> None:
    granted(world)
    (ends,) = (value for key, value in now(world).items() if key[0] == _ENDS)
    assert ends == (clock.now() + 2 * HOUR) / SECOND
    clock.advance(3 * HOUR)
    settle(world.as_("bob"))
    assert not [key for key in now(world) if key[0] == _ENDS]


def test_what_nothing_on_the_target_ends_is_shown_as_that(world: World) -> None:
    world.kind.fences = False
    granted(world)
    assert now(world)["places", "none"] == 2


def test_a_place_that_never_got_it_has_nothing_to_end(world: World) -> None:
    world.kind.refusing.update({"web1", "web2"})
    granted(world)
    assert now(world)["places", "none"] == 0


def test_what_is_owed_ages_and_what_outlived_its_end_adds_up(
    world: World, clock: FrozenClock
) -> None:
    world.kind.fences = False
    granted(world)
    world.kind.unreachable.add("web2")
    clock.advance(2 * HOUR + 10 * MINUTE)
    found = now(world)  # before anybody settles
    assert found["revocations_owed",] == 2
    settle(world.as_("bob"))
    clock.advance(5 * MINUTE)
    found = now(world)
    assert found["revocations_owed",] == 1
    assert found["revocation_oldest_owed_age_seconds",] == 15 * 60
    assert found["residual_exposure_seconds_total",] == (10 + 15) * 60
    world.kind.unreachable.clear()
    clock.advance(15 * MINUTE)
    settle(world.as_("bob"))
    found = now(world)
    assert found["revocations_owed",] == 0
    assert ("revocation_oldest_owed_age_seconds",) not in found
    assert found["residual_exposure_seconds_total",] == (10 + 30) * 60
    assert found["grants", "revoked"] == 1


def test_hosts_that_are_not_told_of_revoked_keys_are_counted(
    world: World, clock: FrozenClock
) -> None:
    assert now(world)["revocation_lists_owed",] == 0
    with world.database.write() as connection:
        certificates.want(connection, {"web1", "web2"}, 1, clock.now())
    assert now(world)["revocation_lists_owed",] == 2


def test_more_grants_than_a_statement_can_name_are_shown(world: World) -> None:
    granted(world)
    many = range(1, 260_000)
    with world.database.read() as connection:
        found = places.of_grants(connection, many)
    assert len(found) == len(many)
    assert [one.place for one in found[1]] == ["web1", "web2"]
    assert found[2] == []


def test_an_emergency_is_owed_a_look(world: World, clock: FrozenClock) -> None:
    reason = "the shop is down"
    request(
        world.as_("alice"),
        ask(role="web-admin", break_glass=True, duration=HOUR, reason=reason),
    )
    assert now(world)["breakglass_unreviewed",] == 1
    assert now(world)["breakglass_review_overdue",] == 0
    clock.advance(DAY)
    assert now(world)["breakglass_review_overdue",] == 1


def test_a_review_shows_what_nobody_answered(world: World, clock: FrozenClock) -> None:
    granted(world, duration=8 * HOUR)
    reviews.open_(world.as_("charlie"))
    found = now(world)
    assert found["review_items_unanswered",] == 1
    assert found["review_due_timestamp_seconds",] == (clock.now() + 14 * DAY) / 1_000_000
    reviews.decide(world.as_("bob"), 1, 1, "keep", "on call")
    assert now(world)["review_items_unanswered",] == 0


def test_lead_times_count_who_still_waits(world: World, clock: FrozenClock) -> None:
    one = request(world.as_("alice"), ask()).request
    clock.advance(10 * MINUTE)
    grant = decide(world.as_("bob"), one.id, Word("bob", "approve")).grant
    assert grant is not None
    start_now(world.as_("bob"), grant)
    found = shown(lead_times(world.database, clock.now()))
    assert found["lead_time_seconds", "0.5"] == found["lead_time_seconds", "0.9"] == 600
    request(world.as_("dora"), ask("dora", role="auditor", reason="an audit of the logs"))
    clock.advance(HOUR)
    found = shown(lead_times(world.database, clock.now()))
    assert found["lead_time_seconds", "0.5"] == 600
    assert ("lead_time_seconds", "0.9") not in found  # nobody can say yet
    assert found["lead_time_requests", "open"] == 1
