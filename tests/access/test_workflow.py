"""From asking to gone: each step by its door, each refusal in words, all of it in the ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Never

import pytest
import sqlalchemy as sa

from opskit.access.deciding import Word, decide
from opskit.access.ending import give_back, review_emergency, revoke
from opskit.access.judgment import Verdict
from opskit.access.lifecycle import GrantState, RequestState, residual_exposure_seconds
from opskit.access.requesting import check, extend, request, withdraw
from opskit.access.settling import settle, start_now
from opskit.access.store import grants, places, policies, requests
from opskit.access.store.grants import Grant
from opskit.access.store.places import Place
from opskit.access.store.tables import POLICIES
from opskit.access.targets.kinds import Answer, EnforcedBy, Order, Presence
from opskit.core.clock import DAY, HOUR, MINUTE, Duration, FrozenClock, Instant
from opskit.core.errors import ConfigError, Conflict, Refused
from opskit.records.ledger import verify
from tests.access.world import World, ask, registry


def granted(world: World, **values: object) -> Grant:
    """Return a grant of alice's on web1 and web2, in force."""
    one = request(world.as_("alice"), ask(**values)).request  # type: ignore[arg-type]  # its fields
    decided = decide(world.as_("bob"), one.id, Word("bob", "approve"))
    assert decided.grant is not None
    start_now(world.as_("bob"), decided.grant)
    return now(world, decided.grant.id)


def now(world: World, number: int) -> Grant:
    with world.database.read() as connection:
        return grants.one(connection, number)


def where(world: World, number: int) -> tuple[Place, ...]:
    with world.database.read() as connection:
        return places.of_grant(connection, number)


def asked(world: World, number: int) -> requests.Request:
    with world.database.read() as connection:
        return requests.one(connection, number)


def test_what_is_asked_approved_and_given_is_in_force_and_then_gone(
    world: World, clock: FrozenClock
) -> None:
    grant = granted(world)
    assert grant.state is GrantState.ACTIVE
    assert grant.ends_at == clock.now() + 2 * HOUR
    assert world.kind.opens("web1", "alice")
    assert world.kind.opens("web2", "alice")
    assert {one.enforced_by for one in where(world, grant.id)} == {EnforcedBy.EXPIRY_TIME}
    clock.advance(2 * HOUR)
    assert not world.kind.opens("web1", "alice")  # with nobody at work
    settle(world.as_("bob"))
    assert now(world, grant.id).state is GrantState.REVOKED
    assert {one.observed for one in where(world, grant.id)} == {Presence.ABSENT}
    assert ("web1", "alice") in world.kind.ended
    assert list(world.kinds_of_entries()) == [
        "policy.changed", "request.created", "request.checked", "request.submitted",
        "decision.approved", "request.approved", "grant.created", "grant.provisioning",
        "target.verified", "target.verified", "grant.activated", "grant.expired",
        "target.verified", "session.killed", "target.verified", "session.killed", "grant.revoked",
    ]  # fmt: skip
    assert verify(world.database).broken_at is None


def test_a_dry_run_says_who_decides_and_what_it_gives_and_writes_nothing(world: World) -> None:
    judged = check(world.as_("alice"), ask())
    assert judged.verdict is Verdict.ASK
    assert judged.groups[0].eligible == ("bob", "charlie", "dora")
    assert judged.blast == (
        "gives alice on web (production) for 2 h: a login; "
        "as root without a password /usr/bin/systemctl restart nginx"
    )
    assert not list(world.kinds_of_entries())


def test_nobody_decides_for_themselves_and_the_try_is_written(world: World) -> None:
    one = request(world.as_("bob"), ask("bob", requester="bob")).request
    with pytest.raises(Refused, match="has a part in r1"):
        decide(world.as_("bob"), one.id, Word("bob", "approve"))
    other = request(world.as_("bob"), ask("alice", requester="bob")).request
    with pytest.raises(Refused, match="has a part in r2"):  # who asked for it
        decide(world.as_("bob"), other.id, Word("bob", "approve"))
    with pytest.raises(Refused, match="has a part in r2"):  # who is to get it
        decide(world.as_("alice"), other.id, Word("alice", "approve"))
    assert list(world.kinds_of_entries()).count("decision.refused_self") == 3


def test_two_owners_and_the_manager_must_agree(world: World) -> None:
    one = request(world.as_("alice"), ask(role="web-admin")).request
    assert decide(world.as_("bob"), one.id, Word("bob", "approve")).wanted == ("charlie", "dora")
    with pytest.raises(Refused, match="has decided"):
        decide(world.as_("bob"), one.id, Word("bob", "approve"))
    assert decide(world.as_("charlie"), one.id, Word("charlie", "approve")).grant is None
    assert decide(world.as_("dora"), one.id, Word("dora", "approve")).grant is not None


def test_one_no_is_enough_and_a_late_yes_changes_nothing(world: World) -> None:
    one = request(world.as_("alice"), ask()).request
    decide(world.as_("dora"), one.id, Word("dora", "deny", "not today"))
    with pytest.raises(Refused, match="r1 is denied"):
        decide(world.as_("bob"), one.id, Word("bob", "approve"))
    assert asked(world, one.id).state is RequestState.DENIED
    assert "decision.refused_stale" in world.kinds_of_entries()


def test_a_request_nobody_decides_on_lapses_by_itself(world: World, clock: FrozenClock) -> None:
    one = request(world.as_("alice"), ask()).request
    clock.advance(DAY)
    assert asked(world, one.id).state_at(clock.now()) is RequestState.LAPSED
    with pytest.raises(Refused, match="r1 is lapsed"):
        decide(world.as_("bob"), one.id, Word("bob", "approve"))


def test_only_who_asked_takes_a_request_back(world: World) -> None:
    one = request(world.as_("alice"), ask()).request
    with pytest.raises(Refused, match="alice's"):
        withdraw(world.as_("bob"), one.id)
    assert withdraw(world.as_("alice"), one.id).state is RequestState.WITHDRAWN


def test_what_changed_since_is_looked_at_again_before_anybody_approves(world: World) -> None:
    one = request(world.as_("alice"), ask(role="web-admin")).request
    decide(world.as_("bob"), one.id, Word("bob", "approve"))
    roles = world.files.roles.roles
    wider = {**roles, "web-admin": roles["web-admin"].model_copy(update={"administers": True})}
    edited = replace(world.files, roles=world.files.roles.model_copy(update={"roles": wider}))
    with pytest.raises(Conflict, match="checked anew"):
        decide(world.as_("charlie", edited), one.id, Word("charlie", "approve"))
    # What bob approved was something else: he is asked once more.
    found = decide(world.as_("charlie", edited), one.id, Word("charlie", "approve"))
    assert "bob" in found.wanted


def test_a_rule_that_is_taken_away_denies_what_waits(world: World) -> None:
    one = request(world.as_("alice"), ask()).request
    without = registry(policy={"rules": []})
    with pytest.raises(Refused, match="the files allow r1 no more"):
        decide(world.as_("bob", without), one.id, Word("bob", "approve"))
    assert asked(world, one.id).state is RequestState.DENIED


def test_who_was_made_an_approver_today_does_not_count_yet(
    world: World, clock: FrozenClock
) -> None:
    request(world.as_("alice"), ask())  # the files as they were are known from now on
    clock.advance(2 * DAY)
    people = world.files.people.people
    moved = {**people, "frank": people["dora"].model_copy(update={"keys": ()})}
    edited = replace(world.files, people=world.files.people.model_copy(update={"people": moved}))
    one = request(world.as_("alice", edited), ask()).request
    with pytest.raises(Refused, match="FLOW-SELF"):
        decide(world.as_("frank", edited), one.id, Word("frank", "approve"))
    clock.advance(Duration(23 * HOUR))
    assert decide(world.as_("bob", edited), one.id, Word("bob", "approve")).grant is not None


def test_what_may_not_be_held_together_is_refused(world: World) -> None:
    granted(world, role="auditor")
    with pytest.raises(Refused, match=r"FLOW-SOD.*|.*may not be held together") as refusal:
        request(world.as_("alice"), ask(role="web-admin"))
    assert refusal.value.hint.startswith("opskit access return g1")


def test_the_same_once_more_and_the_same_reason_are_shown_to_who_decides(world: World) -> None:
    granted(world)
    request(world.as_("alice"), ask())
    judged = check(world.as_("alice"), ask())
    assert [one.rule for one in judged.findings] == ["FLOW-DUP", "FLOW-REASON"]


def test_what_a_rule_gives_by_itself_is_given_at_once(world: World) -> None:
    found = request(world.as_("alice"), ask(targets=("staging",)))
    assert found.request.state is RequestState.APPROVED
    assert found.grant is not None
    start_now(world.as_("alice"), found.grant)
    assert world.kind.opens("stage1", "alice")


def test_a_start_in_the_future_waits_and_the_clock_starts_with_it(
    world: World, clock: FrozenClock
) -> None:
    later = Instant(clock.now() + 3 * HOUR)
    grant = granted(world, starts_at=later)
    assert grant.state is GrantState.SCHEDULED
    clock.advance(3 * HOUR + MINUTE)
    settle(world.as_("bob"))
    assert now(world, grant.id).ends_at == later + MINUTE + 2 * HOUR


def test_what_was_not_started_in_time_is_not_started_at_all(
    world: World, clock: FrozenClock
) -> None:
    one = request(world.as_("alice"), ask()).request
    grant = decide(world.as_("bob"), one.id, Word("bob", "approve")).grant
    assert grant is not None
    clock.advance(9 * HOUR)
    settle(world.as_("bob"))
    assert now(world, grant.id).state is GrantState.REVOKED
    assert not world.kind.orders


def test_a_host_that_is_away_leaves_a_grant_partial_until_it_is_back(
    world: World, clock: FrozenClock
) -> None:
    world.kind.unreachable.add("web2")
    grant = granted(world)
    assert grant.state is GrantState.PARTIAL
    assert {p.place: p.observed for p in where(world, grant.id)} == {
        "web1": Presence.PRESENT, "web2": Presence.UNKNOWN,
    }  # fmt: skip
    world.kind.unreachable.clear()
    clock.advance(MINUTE)
    settle(world.as_("bob"))
    assert now(world, grant.id).state is GrantState.ACTIVE


def test_a_revocation_waits_for_a_host_that_is_away_pages_and_is_done_first(
    world: World, clock: FrozenClock
) -> None:
    world.kind.fences = False
    grant = granted(world)
    world.kind.unreachable.add("web2")
    revoke(world.as_("charlie"), (grant.id,), "left the team")
    assert now(world, grant.id).state is GrantState.REVOKE_DEFERRED
    assert not world.kind.opens("web1", "alice")
    assert world.kind.opens("web2", "alice")
    clock.advance(16 * MINUTE)
    settle(world.as_("charlie"))
    settle(world.as_("charlie"))
    assert list(world.kinds_of_entries()).count("grant.revoke_overdue") == 1
    world.kind.unreachable.clear()
    clock.advance(16 * MINUTE)
    settle(world.as_("charlie"))
    assert now(world, grant.id).state is GrantState.REVOKED
    left = next(one for one in where(world, grant.id) if one.place == "web2").footing
    planned = now(world, grant.id).ends_at
    assert planned is not None
    assert residual_exposure_seconds(left, planned, clock.now()) == 32 * 60


def test_a_fence_that_has_passed_ends_a_deferred_revocation(
    world: World, clock: FrozenClock
) -> None:
    grant = granted(world)
    world.kind.unreachable.update(("web1", "web2"))
    revoke(world.as_("charlie"), (grant.id,), "left the team")
    assert now(world, grant.id).state is GrantState.REVOKE_DEFERRED
    clock.advance(2 * HOUR)
    settle(world.as_("charlie"))
    after = now(world, grant.id)
    assert after.state is GrantState.REVOKED
    assert after.ended_at == grant.ends_at
    # What is left on the hosts is still cleared away once they are back.
    world.kind.unreachable.clear()
    clock.advance(HOUR)
    settle(world.as_("charlie"))
    assert not world.kind.held["web1"]


def test_a_target_that_guards_itself_is_told_of(world: World) -> None:
    world.kind.refusing.update(("web1", "web2"))
    grant = granted(world)
    assert grant.state is GrantState.FAILED
    assert {one.reason for one in where(world, grant.id)} == {"too few administrators"}


def test_of_two_grants_one_ends_and_the_sessions_of_the_other_go_on(
    world: World, clock: FrozenClock
) -> None:
    first = granted(world)
    second = granted(world, duration=Duration(4 * HOUR), reason="another")
    clock.advance(2 * HOUR)
    settle(world.as_("bob"))
    assert now(world, first.id).state is GrantState.REVOKED
    assert now(world, second.id).state is GrantState.ACTIVE
    assert world.kind.opens("web1", "alice")
    assert not world.kind.ended


def test_more_time_is_asked_for_approved_and_planted(world: World, clock: FrozenClock) -> None:
    grant = granted(world)
    clock.advance(HOUR)
    more = extend(world.as_("alice"), grant.id, Duration(3 * HOUR), "not done").request
    decide(world.as_("bob"), more.id, Word("bob", "approve"))
    settle(world.as_("bob"))
    assert now(world, grant.id).ends_at == clock.now() + 3 * HOUR
    assert world.kind.held["web1"]["g1"].until == clock.now() + 3 * HOUR
    clock.advance(90 * MINUTE)
    assert world.kind.opens("web1", "alice")


def test_what_has_ended_is_not_extended_and_not_ended_twice(
    world: World, clock: FrozenClock
) -> None:
    grant = granted(world)
    give_back(world.as_("alice"), grant.id)
    with pytest.raises(Refused, match="nothing to extend"):
        extend(world.as_("alice"), grant.id, Duration(HOUR), "more")
    with pytest.raises(Refused, match="g1 is revoked"):
        revoke(world.as_("bob"), (grant.id,), "again")


def test_a_grant_is_handed_back_by_who_holds_it(world: World) -> None:
    grant = granted(world)
    with pytest.raises(Refused, match="alice's"):
        give_back(world.as_("bob"), grant.id)
    give_back(world.as_("alice"), grant.id)
    assert now(world, grant.id).state is GrantState.REVOKED


def test_a_revocation_says_why(world: World) -> None:
    grant = granted(world)
    with pytest.raises(ConfigError, match="needs a reason"):
        revoke(world.as_("bob"), (grant.id,), " ")


def test_an_emergency_is_given_at_once_and_owes_a_review(world: World, clock: FrozenClock) -> None:
    emergency = ask(role="web-admin", break_glass=True, duration=Duration(HOUR))
    found = request(world.as_("alice"), emergency)
    assert found.grant is not None
    start_now(world.as_("alice"), found.grant)
    assert world.kind.opens("web1", "alice")
    assert "breakglass.opened" in world.kinds_of_entries()
    clock.advance(25 * HOUR)
    with pytest.raises(Refused, match="review of g1 is overdue"):
        request(world.as_("alice"), emergency)
    with pytest.raises(Refused, match="no reviewer"):
        review_emergency(world.as_("alice"), 1, "fine")
    review_emergency(world.as_("bob"), 1, "two restarts, as said")
    assert request(world.as_("alice"), emergency).grant is not None


def test_who_nobody_knows_does_nothing(world: World) -> None:
    with pytest.raises(Refused, match="nobody in access/people"):
        withdraw(world.as_("mallory"), 1)


def test_what_became_of_a_place_while_it_was_worked_on_is_not_forgotten(
    world: World, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A revocation written while the grant is being put on a host is carried out next."""
    one = request(world.as_("alice"), ask()).request
    grant = decide(world.as_("bob"), one.id, Word("bob", "approve")).grant
    assert grant is not None
    carry_out = world.kind.carry_out

    def interrupted(orders: Sequence[Order]) -> Mapping[str, Answer]:
        answers = carry_out(orders)
        monkeypatch.undo()
        revoke(world.as_("charlie"), (1,), "a mistake")
        return answers

    monkeypatch.setattr(world.kind, "carry_out", interrupted)
    start_now(world.as_("bob"), grant)
    clock.advance(MINUTE)
    settle(world.as_("bob"))
    assert not world.kind.opens("web1", "alice")
    assert now(world, 1).state is GrantState.REVOKED


def test_a_crash_between_intent_and_outcome_is_made_good(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = request(world.as_("alice"), ask()).request
    grant = decide(world.as_("bob"), one.id, Word("bob", "approve")).grant
    assert grant is not None

    def killed(_orders: Sequence[Order]) -> Never:
        raise sqlite3.OperationalError("the process is gone")

    with monkeypatch.context() as patched:
        patched.setattr(world.kind, "carry_out", killed)
        with pytest.raises(sqlite3.OperationalError):
            start_now(world.as_("bob"), grant)
    assert now(world, 1).state is GrantState.PROVISIONING
    settle(world.as_("bob"))
    assert now(world, 1).state is GrantState.ACTIVE


def test_a_clock_that_is_set_back_brings_nothing_back(world: World, clock: FrozenClock) -> None:
    grant = granted(world)
    clock.advance(2 * HOUR)
    settle(world.as_("bob"))
    clock.at = Instant(clock.at - 3 * HOUR)
    settle(world.as_("bob"))
    assert now(world, grant.id).state is GrantState.REVOKED
    assert not world.kind.opens("web1", "alice")


def test_a_clock_that_jumps_ahead_ends_what_is_over_by_then(
    world: World, clock: FrozenClock
) -> None:
    grant = granted(world)
    clock.at = Instant(clock.at + 3_650 * DAY)
    settle(world.as_("bob"))
    assert now(world, grant.id).state is GrantState.REVOKED


def test_files_of_another_version_of_opskit_are_passed_over(
    world: World, clock: FrozenClock
) -> None:
    request(world.as_("alice"), ask())
    with world.database.write() as connection:
        old = '{"people": {"persons": {}}, "roles": {}, "targets": {}, "policy": {}}'
        connection.execute(sa.update(POLICIES).values(content=old, version="old"))
        assert policies.kept(connection) == {}
    clock.advance(2 * DAY)
    assert check(world.as_("alice"), ask()).verdict is Verdict.ASK


def test_who_comes_back_as_an_approver_is_new_again(world: World, clock: FrozenClock) -> None:
    """The files with frank were in force once, weeks ago: that makes him no approver of today."""
    people = world.files.people.people
    more = {**people, "frank": people["dora"].model_copy(update={"keys": ()})}
    with_frank = replace(world.files, people=world.files.people.model_copy(update={"people": more}))
    for files in (world.files, with_frank, world.files):
        withdraw(world.as_("alice", files), request(world.as_("alice", files), ask()).request.id)
        clock.advance(10 * DAY)
    one = request(world.as_("alice", with_frank), ask(reason="another")).request
    with pytest.raises(Refused, match="FLOW-SELF"):
        decide(world.as_("frank", with_frank), one.id, Word("frank", "approve"))
