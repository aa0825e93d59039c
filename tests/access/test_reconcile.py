"""Looking at all places at once, what is written of it, and what --fix does about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opskit.access.deciding import Word, decide
from opskit.access.ending import revoke
from opskit.access.reconcile import look
from opskit.access.repair import repair
from opskit.access.requesting import request
from opskit.access.settling import settle, start_now
from opskit.access.store import grants
from opskit.access.store.grants import Grant
from opskit.core.clock import DAY, HOUR, FrozenClock
from opskit.core.errors import ConfigError, Conflict
from opskit.outside.database import Database
from tests.access.town import Town, key_of, keyed
from tests.access.world import World, ask

TMP = "/etc/sudoers.d/tmp"
ROGUE = "bob ALL=(ALL) NOPASSWD: ALL\n"


@pytest.fixture
def town(clock: FrozenClock) -> Town:
    return Town(clock)


@pytest.fixture
def office(database: Database, clock: FrozenClock, town: Town) -> World:
    admins = ["root", "ops"]
    targets = {
        "web": {"kind": "linux", "hosts": "web", "administrators": admins},
        "staging": {"kind": "linux", "hosts": "staging", "environment": "staging",
                    "administrators": admins},
    }  # fmt: skip
    return World(database, clock, town, keyed(targets={"targets": targets}))


def granted(office: World) -> Grant:
    one = request(office.as_("alice"), ask()).request
    grant = decide(office.as_("bob"), one.id, Word("bob", "approve")).grant
    assert grant is not None
    start_now(office.as_("bob"), grant)
    return grant


def rules(found: object) -> list[tuple[str, str]]:
    return [(one.place, one.finding.rule) for one in found.found]  # type: ignore[attr-defined]


def test_all_places_of_all_targets_are_asked_in_one_look(office: World, town: Town) -> None:
    granted(office)
    found = look(office.as_("bob"))
    assert found.found == ()
    assert found.unseen == ()
    assert town.looks == [("stage1", "web1", "web2")]


def test_a_difference_is_told_once_and_told_again_when_it_is_gone(
    office: World, town: Town
) -> None:
    town.at("web1")[TMP] = ROGUE
    first = look(office.as_("bob"), ["web"])
    look(office.as_("bob"))
    del town.at("web1")[TMP]
    last = look(office.as_("bob"))

    assert rules(first) == [("web1", "SUDO-UNMANAGED")]
    assert last.found == ()
    assert [kind for kind in office.kinds_of_entries() if kind != "policy.changed"] == [
        "finding.opened", "target.drifted", "finding.resolved",
    ]  # fmt: skip


def test_what_cannot_be_looked_at_is_neither_clean_nor_resolved(office: World, town: Town) -> None:
    town.at("web1")[TMP] = ROGUE
    look(office.as_("bob"))
    town.unreachable.add("web1")

    found = look(office.as_("bob"))

    assert found.found == ()
    assert found.unseen == (("web1", "could not be reached: no route to host"),)
    assert "finding.resolved" not in list(office.kinds_of_entries())


def test_what_a_rule_was_not_asked_about_is_not_resolved_either(office: World, town: Town) -> None:
    town.at("web1")[TMP] = ROGUE
    before = look(office.as_("bob"))
    del town.at("web1")["/etc/passwd"]  # who is who cannot be told any more

    done = repair(office.as_("bob"), before)

    assert ("SUDO-UNMANAGED", "web1") in {
        (one.rule, one.target) for one in done.after.not_evaluated
    }
    assert [one.unseen for one in done.left] == [True]
    assert "finding.resolved" not in list(office.kinds_of_entries())


def test_what_the_policy_accepts_is_not_among_what_is_found_until_that_is_over(
    office: World, town: Town, clock: FrozenClock
) -> None:
    town.at("web1")[TMP] = ROGUE
    entry = {"rule": "SUDO-UNMANAGED", "target": "web*", "subject": "bob", "owner": "charlie",
             "reason": "until the new role is there", "until": "2026-10-10"}  # fmt: skip
    files = replace(office.files, policy=office.files.policy.model_validate(
        {**office.files.policy.model_dump(), "suppressions": [entry]}
    ))  # fmt: skip

    before = look(office.as_("bob", files))
    done = repair(office.as_("bob", files), before)
    clock.advance(30 * DAY)
    after = look(office.as_("bob", files))

    assert before.found == ()
    assert before.accepted[0].by.owner == "charlie"
    assert TMP in town.at("web1")
    assert done.settled == ()
    assert rules(after) == [("web1", "SUDO-UNMANAGED")]


def test_fixed_is_what_a_second_look_finds_gone(office: World, town: Town) -> None:
    town.at("web1")[TMP] = f"# two of them\nbob ALL=(root) /usr/bin/id\n{ROGUE}"
    town.at("web2")["/home/bob/.ssh/authorized_keys"] = f"{key_of('alice')}\n"
    before = look(office.as_("bob"))

    done = repair(office.as_("bob"), before)

    assert len(done.settled) == 3
    assert (done.left, done.after.found) == ((), ())
    assert town.at("web1")[TMP] == "# two of them\n"
    lines = [key for place, key in town.removed if place == "web1"]
    assert lines == [f"{TMP}:3", f"{TMP}:2"]  # the last line first: the others keep their numbers
    kinds = list(office.kinds_of_entries())
    assert kinds.count("target.cleaned") == 2
    assert kinds.index("target.cleaning") < kinds.index("finding.resolved")


def test_what_a_guard_refuses_is_left_with_its_reason_and_not_called_settled(
    office: World, town: Town
) -> None:
    for place in ("web1", "web2"):
        town.at(place)[TMP] = ROGUE
    town.refusal = "it would leave nobody"
    town.willing.add("web2")

    done = repair(office.as_("bob"), look(office.as_("bob")))

    assert town.removals == [("web1", "web2")], "all places are one run"
    assert [(one.why, one.unseen) for one in done.left] == [("it would leave nobody", False)]
    assert [one.place for one in done.settled] == ["web2"], "one's refusal is not another's"
    assert "target.clean_failed" in list(office.kinds_of_entries())


def test_a_place_that_is_lost_before_the_second_look_is_unknown(office: World, town: Town) -> None:
    town.at("web1")[TMP] = ROGUE
    before = look(office.as_("bob"))
    town.unreachable.add("web1")

    done = repair(office.as_("bob"), before)

    assert done.settled == ()
    assert [one.unseen for one in done.left] == [True]


def test_a_place_that_somebody_else_is_at_is_left_alone(office: World, town: Town) -> None:
    town.at("web1")[TMP] = ROGUE
    work = office.as_("bob")
    before = look(work)
    with work.database.write() as connection:
        work.leases.take(connection, "access linux web1", "another", HOUR)

    done = repair(work, before)

    assert town.removed == []
    assert "is held by another" in done.left[0].why
    with pytest.raises(Conflict), work.database.write() as connection:
        work.leases.take(connection, "access linux web1", "a third", HOUR)


def test_a_missing_grant_is_put_back_by_the_machine_of_grants(office: World, town: Town) -> None:
    grant = granted(office)
    del town.held["web1"][grant.name]
    before = look(office.as_("bob"))

    done = repair(office.as_("bob"), before)

    assert rules(before) == [("web1", "GRANT-MISSING")]
    assert len(done.settled) == 1
    assert town.opens("web1", "alice")


def test_a_grant_whose_time_is_over_is_not_missed_and_not_put_back(
    office: World, town: Town, clock: FrozenClock
) -> None:
    granted(office)
    town.held.clear()
    clock.advance(3 * HOUR)
    assert look(office.as_("bob")).found == ()


def test_what_is_left_of_an_ended_grant_is_taken_off_again(office: World, town: Town) -> None:
    grant = granted(office)
    revoke(office.as_("bob"), (grant.id,), "enough")
    path = f"/etc/sudoers.d/opskit-{grant.name}"
    town.at("web2")[path] = "alice ALL=(root) /usr/bin/id\n"

    done = repair(office.as_("bob"), look(office.as_("bob")))

    assert [one.finding.rule for one in done.settled] == ["GRANT-LEFTOVER"]
    assert path not in town.at("web2")


def test_grants_that_the_database_does_not_know_are_all_named(office: World, town: Town) -> None:
    for place, number in (("web1", 7), ("web2", 12), ("web1", 9)):
        path = f"/etc/sudoers.d/opskit-g{number}"
        town.at(place)[path] = "alice ALL=(root) /usr/bin/id\n"

    before = look(office.as_("bob"))
    done = repair(office.as_("bob"), before)

    assert before.strangers == ("g7", "g9", "g12")
    assert len(done.settled) == 3
    assert ("web1", "alice") in town.ended


def test_a_leaver_whom_no_file_knows_is_known_by_what_they_were_granted(
    office: World, town: Town, clock: FrozenClock
) -> None:
    grant = granted(office)
    clock.advance(3 * HOUR)
    settle(office.as_("bob"))
    people = office.files.people
    left = {name: one for name, one in people.people.items() if name != "alice"}
    files = replace(office.files, people=people.model_copy(update={"people": left}))
    town.jobs["web1"] = {"alice": "/var/spool/cron/crontabs/alice"}
    town.running["web2"] = {"alice": "sleep 600"}
    town.at("web2")["/home/bob/.ssh/authorized_keys"] = f"{key_of('alice')}\n"

    before = look(office.as_("bob", files))
    done = repair(office.as_("bob", files), before)

    assert grant.person == "alice"
    assert sorted(rules(before)) == [
        ("web1", "ACC-LEAVER"), ("web2", "ACC-LEAVER"), ("web2", "SSH-KEY-UNKNOWN"),
    ]  # fmt: skip
    assert {one.person for one in before.found} == {"alice"}
    assert done.after.found == ()
    assert (town.jobs, town.running) == ({"web1": {}}, {"web2": {}})


def test_a_target_nobody_entered_is_named(office: World) -> None:
    with pytest.raises(ConfigError, match="there is no target 'wbe'") as raised:
        look(office.as_("bob"), ["wbe"])
    assert raised.value.hint == "did you mean web?"
    with office.database.read() as connection:
        assert grants.everything(connection) == ()
