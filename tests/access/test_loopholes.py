"""Ways around a rule that look like ways through it: each is closed, and says so."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import pytest

from opskit.access import auditing
from opskit.access.approvers import Seats, satisfied, together
from opskit.access.deciding import Word, decide
from opskit.access.ending import give_back
from opskit.access.judge import judge
from opskit.access.judgment import Verdict
from opskit.access.lifecycle import GrantState
from opskit.access.need import covering
from opskit.access.requesting import check, extend, request
from opskit.access.settling import settle, start_now
from opskit.access.store import grants, places
from opskit.access.targets.kinds import Answer, Order
from opskit.core.clock import DAY, HOUR, Duration, FrozenClock, Instant
from opskit.core.errors import Conflict, Refused
from tests.access.world import World, ask, registry

TODAY = date(2026, 10, 1)


def granted(world: World, number: int = 1, **values: object) -> None:
    one = request(world.as_("alice"), ask(**values)).request  # type: ignore[arg-type]  # its fields
    assert one.id == number
    grant = decide(world.as_("bob"), one.id, Word("bob", "approve")).grant
    assert grant is not None
    start_now(world.as_("bob"), grant)


# Approving


def test_two_groups_of_the_same_people_are_two_people() -> None:
    owners = Seats("owners", 1, ("bob", "dora"))
    assert together([(owners, owners)]) == (owners, owners)
    assert not satisfied(together([(owners, owners)]), {"bob"})
    assert together([(owners,), (owners,)]) == (owners,)  # two approvals that ask for the same


def test_one_key_is_one_yes_under_whatever_name(world: World) -> None:
    people = world.files.people.people
    twin = people["dora"].model_copy(update={"keys": people["bob"].keys})
    files = replace(
        world.files,
        people=world.files.people.model_copy(update={"people": {**people, "dora": twin}}),
    )
    request(world.as_("alice", files), ask(role="web-admin"))
    decide(world.as_("bob", files), 1, Word("bob", "approve"))
    with pytest.raises(Refused, match="dora shares a key with bob"):
        decide(world.as_("dora", files), 1, Word("dora", "approve"))


def test_what_is_held_by_the_time_a_yes_is_written_counts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two roles that exclude each other, approved at the same moment at two terminals."""
    request(world.as_("alice"), ask(role="auditor"))
    request(world.as_("alice"), ask(role="web-admin"))
    for who in ("bob", "charlie"):
        decide(world.as_(who), 2, Word(who, "approve"))
    proven = "opskit.access.deciding._proven"

    def meanwhile(*_: object, **__: object) -> tuple[str, str]:
        monkeypatch.undo()
        decide(world.as_("bob"), 1, Word("bob", "approve"))
        return "", ""

    monkeypatch.setattr(proven, meanwhile)
    with pytest.raises(Conflict, match="r2 was changed just now"):
        decide(world.as_("dora"), 2, Word("dora", "approve"))
    with pytest.raises(Refused, match="may not be held together"):
        decide(world.as_("dora"), 2, Word("dora", "approve"))


def test_who_is_new_may_ask_on_their_first_day_but_not_their_own_manager_decide(
    world: World, clock: FrozenClock
) -> None:
    request(world.as_("alice"), ask())  # the files without zoe are known
    clock.advance(2 * DAY)
    people = world.files.people.people
    zoe = people["alice"].model_copy(update={"keys": people["eve"].keys, "manager": "frank"})
    frank = people["dora"].model_copy(update={"keys": (), "team": "", "manager": ""})
    more = {**people, "zoe": zoe, "frank": frank}
    files = replace(world.files, people=world.files.people.model_copy(update={"people": more}))
    one = request(world.as_("zoe", files), ask("zoe")).request
    assert decide(world.as_("bob", files), one.id, Word("bob", "approve")).grant is not None
    request(world.as_("zoe", files), ask("zoe", "web-admin"))
    for who in ("bob", "charlie"):
        decide(world.as_(who, files), 3, Word(who, "approve"))
    with pytest.raises(Refused, match="FLOW-SELF"):
        decide(world.as_("frank", files), 3, Word("frank", "approve"))


# Emergencies


@pytest.mark.parametrize(
    ("starts_at", "duration", "words"),
    [(Instant(2**51), HOUR, "an emergency is now"), (None, HOUR + 1, "too long")],
)
def test_an_emergency_is_short_and_now(
    world: World, starts_at: Instant | None, duration: int, words: str
) -> None:
    asked = ask(
        role="web-admin", break_glass=True, starts_at=starts_at, duration=Duration(duration)
    )
    with pytest.raises(Refused, match=words):
        request(world.as_("alice"), asked)


def test_a_denial_wins_over_an_emergency_and_so_does_the_time_of_the_role(world: World) -> None:
    asked = ask(role="web-admin", break_glass=True, duration=Duration(HOUR))
    rules = [{"name": "not-alice", "who": ["alice"], "decide": "deny", "because": "on leave"}]
    denying = replace(world, files=registry(policy={"rules": rules}))
    with pytest.raises(Refused, match="on leave"):
        request(denying.as_("alice"), asked)
    roles = world.files.roles.roles
    short = {**roles, "web-admin": roles["web-admin"].model_copy(update={"max_duration": "30m"})}
    files = replace(world.files, roles=world.files.roles.model_copy(update={"roles": short}))
    found = judge(asked, files, TODAY)
    assert [one.rule for one in found.refusals] == ["break_glass.max_duration"]


# Separation of duties


def test_what_is_over_and_not_gone_is_held(world: World) -> None:
    world.kind.fences = False
    granted(world, role="auditor")
    world.kind.unreachable.add("web2")
    give_back(world.as_("alice"), 1)
    with pytest.raises(Refused, match="may not be held together") as refusal:
        request(world.as_("alice"), ask(role="web-admin"))
    assert "opskit access show g1: it must be gone first" in (refusal.value.hint or "")
    world.kind.unreachable.clear()
    world.clock.advance(HOUR)  # type: ignore[attr-defined]  # it is frozen
    settle(world.as_("bob"))
    assert request(world.as_("alice"), ask(role="web-admin")).request.id == 2


@pytest.mark.parametrize(
    ("first", "second", "asker"), [("deploy", "alice", "alice"), ("alice", "deploy", "bob")]
)
def test_what_a_service_account_holds_is_held_by_who_answers_for_it(
    world: World, first: str, second: str, asker: str
) -> None:
    one = request(world.as_("alice"), ask(first, "auditor", requester="alice")).request
    decide(world.as_("bob"), one.id, Word("bob", "approve"))
    judged = check(world.as_("alice"), ask(second, "web-admin", requester=asker))
    assert [each.rule for each in judged.refusals] == ["FLOW-SOD"]


# More time


def test_more_time_is_not_given_to_what_the_role_gives_no_more(world: World) -> None:
    granted(world)
    more = extend(world.as_("alice"), 1, Duration(HOUR), "more").request
    roles = world.files.roles.roles
    linux = roles["nginx-operator"].linux
    assert linux is not None
    narrow = linux.model_copy(update={"sudo": ()})
    less = {**roles, "nginx-operator": roles["nginx-operator"].model_copy(update={"linux": narrow})}
    files = replace(world.files, roles=world.files.roles.model_copy(update={"roles": less}))
    with pytest.raises(Refused, match="was changed since g1 was given"):
        extend(world.as_("alice", files), 1, Duration(HOUR), "more")
    with pytest.raises(Conflict):
        decide(world.as_("bob", files), more.id, Word("bob", "approve"))
    with pytest.raises(Refused, match="was changed since g1 was given"):
        decide(world.as_("bob", files), more.id, Word("bob", "approve"))


def test_a_later_end_may_be_planted_before_anybody_said_so(world: World) -> None:
    """Whoever plants it is killed before they write it: the old fence proves nothing any more."""
    granted(world)
    more = extend(world.as_("alice"), 1, Duration(8 * HOUR), "more").request
    decide(world.as_("bob"), more.id, Word("bob", "approve"))
    with world.database.read() as connection:
        fences = {one.fence_until for one in places.of_grant(connection, 1)}
    assert fences == {world.clock.now() + 8 * HOUR}


def test_nobody_has_looked_before_somebody_has(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A grant that is revoked while somebody else puts it on a host is not gone unseen."""
    request(world.as_("alice"), ask())
    grant = decide(world.as_("bob"), 1, Word("bob", "approve")).grant
    assert grant is not None
    carry_out = world.kind.carry_out

    def slow(orders: Sequence[Order]) -> Mapping[str, Answer]:
        monkeypatch.undo()
        give_back(world.as_("alice"), 1)
        with world.database.read() as connection:
            assert grants.one(connection, 1).state is GrantState.REVOKE_DEFERRED
        return carry_out(orders)

    monkeypatch.setattr(world.kind, "carry_out", slow)
    start_now(world.as_("bob"), grant)


# What is proven later


def test_a_decision_is_checked_against_the_files_it_was_made_by(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An approver's key that is newer than the check is among those that counted."""
    people = world.files.people.people
    odd = {**people, "$(reboot)": people["dora"].model_copy(update={"keys": ()})}
    files = replace(world.files, people=world.files.people.model_copy(update={"people": odd}))
    request(world.as_("alice", files), ask())
    newer = {**odd, "bob": people["bob"].model_copy(update={"name": "Robert"})}
    later = replace(world.files, people=world.files.people.model_copy(update={"people": newer}))
    monkeypatch.setattr(
        "opskit.access.deciding._proven", lambda *_, **__: (json.dumps({}) + "\n", "SHA256:x")
    )
    word = Word("$(reboot)", "approve", signature="armored")
    decide(world.as_("bob", later), 1, word)
    found = auditing.export(world.as_("bob", later)).files
    assert f"check decisions/r1-1 {later.version} '$(reboot)' 20261001120000" in found["verify.sh"]
    assert f"signers/{later.version}" in found
    assert found["decisions/r1-1.sig"] == "armored"


def test_a_need_of_nothing_is_covered_by_nothing(world: World) -> None:
    assert covering(world.files, "  ", ("web",), world.clock.now()) == ()
    assert check(world.as_("alice"), ask(need=" ")).verdict is Verdict.ASK
