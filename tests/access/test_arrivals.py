"""Somebody new: their team's bundle is asked for once, like anything else, until all is usable."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opskit.access.arrivals import Arrival, onboard
from opskit.access.deciding import Word, decide
from opskit.access.requesting import withdraw
from opskit.access.settling import settle
from opskit.core.clock import HOUR, FrozenClock
from opskit.core.errors import ConfigError, ExitCode, Refused
from tests.access.world import World, registry

TEAMS = {"web": {"purpose": "Web.", "bundle": ["nginx-operator", "auditor"]},
         "platform": {"purpose": "Platform."}}  # fmt: skip


@pytest.fixture
def office(world: World) -> World:
    return replace(world, files=registry(people={"teams": TEAMS}))


def states(found: Arrival) -> dict[str, str]:
    return {one.role: one.state for one in found.steps}


def test_a_bundle_is_asked_for_once_and_waits_for_its_approvers(
    office: World, clock: FrozenClock
) -> None:
    first = onboard(office.as_("dora"), "alice")
    clock.advance(HOUR)
    again = onboard(office.as_("dora"), "alice")

    assert states(first) == {"nginx-operator": "waits", "auditor": "waits"}
    assert first.steps[0].decides == "bob, charlie"  # neither who asks nor who gets it
    assert first.steps[0].next == "opskit access approve r1"
    assert again.steps == first.steps
    assert (again.hours, again.ready, again.exit_code) == (1.0, False, ExitCode.UNDETERMINED)
    kinds = list(office.kinds_of_entries())
    assert kinds.count("request.submitted") == 2
    assert kinds.count("person.onboarding") == 1


def test_ready_is_told_once_with_its_hours_when_the_last_role_is_usable(
    office: World, clock: FrozenClock
) -> None:
    onboard(office.as_("dora"), "alice")
    clock.advance(2 * HOUR)
    decide(office.as_("bob"), 1, Word("bob", "approve"))
    settle(office.as_("bob"))
    half = onboard(office.as_("dora"), "alice")
    clock.advance(HOUR)
    decide(office.as_("bob"), 2, Word("bob", "approve"))
    settle(office.as_("bob"))
    clock.advance(HOUR)
    whole = onboard(office.as_("dora"), "alice")
    later = onboard(office.as_("dora"), "alice")

    assert states(half) == {"nginx-operator": "usable", "auditor": "waits"}
    assert states(whole) == {"nginx-operator": "usable", "auditor": "usable"}
    assert (whole.ready, whole.hours, whole.exit_code) == (True, 3.0, ExitCode.OK)
    assert later == whole
    assert list(office.kinds_of_entries()).count("person.ready") == 1


def test_a_role_that_is_approved_and_cannot_be_put_on_its_targets_is_not_ready(
    office: World,
) -> None:
    office.kind.unreachable |= {"web1", "web2"}
    onboard(office.as_("dora"), "alice")
    for number in (1, 2):
        decide(office.as_("bob"), number, Word("bob", "approve"))
    settle(office.as_("bob"))

    found = onboard(office.as_("dora"), "alice")

    assert states(found) == {"nginx-operator": "partial", "auditor": "failed"}
    assert found.steps[0].next == "opskit access show g1"
    assert not found.ready


def test_what_was_denied_or_taken_back_is_shown_and_not_asked_for_again(office: World) -> None:
    onboard(office.as_("alice"), "alice")
    decide(office.as_("bob"), 1, Word("bob", "deny", "not yet"))
    withdraw(office.as_("alice"), 2)

    found = onboard(office.as_("dora"), "alice")

    assert states(found) == {"nginx-operator": "denied", "auditor": "withdrawn"}
    assert "opskit access request nginx-operator --who alice" in found.steps[0].next
    assert list(office.kinds_of_entries()).count("request.submitted") == 2


def test_a_role_that_the_files_refuse_is_told_with_the_way_and_the_others_are_asked_for(
    world: World,
) -> None:
    bundle = {**TEAMS, "web": {"purpose": "Web.", "bundle": ["auditor", "web-admin", "lost"]}}
    rules = [{"name": "some", "who": ["web"], "roles": ["auditor"], "max_duration": "1h"}]
    files = registry(people={"teams": bundle}, policy={"rules": rules, "separation": []})

    found = onboard(world.as_("dora", files), "alice")

    assert states(found) == {"auditor": "waits", "web-admin": "refused", "lost": "unknown"}
    assert found.steps[1].decides
    assert list(world.kinds_of_entries()).count("request.submitted") == 1


@pytest.mark.parametrize(
    ("name", "error"), [("nobody", ConfigError), ("bob", ConfigError), ("eve", Refused)]
)
def test_without_an_entry_a_bundle_or_a_future_nobody_is_onboarded(
    office: World, name: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        onboard(office.as_("dora"), name)
    assert list(office.kinds_of_entries()) == []
