"""Somebody leaves: one command ends all they could do, and says what it saw, where, and when."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from opskit.access.deciding import Word, decide
from opskit.access.departures import leaving, offboard, open_things
from opskit.access.lifecycle import GrantState, RequestState
from opskit.access.model import Suppression
from opskit.access.registry import Registry
from opskit.access.requesting import request
from opskit.access.settling import start_now
from opskit.access.store import grants, requests
from opskit.core.clock import HOUR, FrozenClock
from opskit.core.errors import ConfigError, ExitCode
from opskit.outside.database import Database
from opskit.records.ledger import entries
from tests.access.town import Town, key_of, keyed
from tests.access.world import World, ask

ALICE = "/home/alice/.ssh/authorized_keys"


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


def granted(office: World) -> int:
    one = request(office.as_("alice"), ask()).request
    grant = decide(office.as_("bob"), one.id, Word("bob", "approve")).grant
    assert grant is not None
    start_now(office.as_("bob"), grant)
    return grant.id


def without(office: World, name: str) -> Registry:
    people = office.files.people
    left = {each: one for each, one in people.people.items() if each != name}
    return replace(office.files, people=people.model_copy(update={"people": left}))


def told(office: World, kind: str) -> dict[str, object]:
    with office.database.read() as connection:
        found = [one for one in entries(connection) if one.kind == kind]
    assert len(found) == 1, kind

    data: dict[str, object] = json.loads(found[0].data)
    return data


def test_everything_of_somebody_ends_and_each_place_says_when(
    office: World, town: Town, clock: FrozenClock
) -> None:
    number = granted(office)
    waiting = request(office.as_("alice"), ask(role="auditor")).request
    town.at("web1")[ALICE] = f"{key_of('alice')}\n"
    town.at("stage1")["/etc/sudoers.d/alice"] = "alice ALL=(ALL) NOPASSWD: ALL\n"
    town.jobs["web2"] = {"alice": "/var/spool/cron/crontabs/alice"}
    town.running["web2"] = {"alice": "sleep 600"}
    clock.advance(HOUR // 2)

    work = office.as_("bob")
    done = offboard(work, leaving(work, "alice"), "left the company")

    assert done.exit_code is ExitCode.OK
    assert {(one.place, one.what) for one in done.rows} >= {
        ("web1", f"g{number} nginx-operator"), ("web2", f"g{number} nginx-operator"),
        ("stage1", "sudo rule /etc/sudoers.d/alice:1"),
    }  # fmt: skip
    assert {one.gone_at for one in done.rows} == {clock.now()}
    assert not town.opens("web1", "alice")
    assert (town.jobs["web2"], town.running["web2"]) == ({}, {})
    with office.database.read() as connection:
        assert grants.one(connection, number).state is GrantState.REVOKED
        assert requests.one(connection, waiting.id).state is RequestState.WITHDRAWN
    gone = told(office, "person.gone")
    assert (gone["places"], gone["hours"], gone["leftover_hours"]) == (3, 0.0, None)


def test_what_could_not_be_looked_at_is_no_proof(office: World, town: Town) -> None:
    granted(office)
    town.unreachable.add("web2")

    work = office.as_("bob")
    done = offboard(work, leaving(work, "alice"), "left")

    assert done.exit_code is ExitCode.UNDETERMINED
    assert done.places == 2
    lost = [one for one in done.rows if one.gone_at is None]
    assert {(one.place, one.unseen) for one in lost} == {("web2", True)}
    assert "person.gone" not in list(office.kinds_of_entries())
    assert told(office, "person.offboard_failed")["left"]


def test_run_again_it_finishes_what_was_left_and_counts_from_the_first_time(
    office: World, town: Town, clock: FrozenClock
) -> None:
    granted(office)
    town.unreachable.add("web2")
    work = office.as_("bob")
    offboard(work, leaving(work, "alice"), "left")
    clock.advance(HOUR)
    town.unreachable.clear()

    done = offboard(work, leaving(work, "alice"), "left")

    assert done.exit_code is ExitCode.OK
    assert told(office, "person.gone")["hours"] == 1.0


def test_what_a_guard_refuses_or_a_policy_accepts_is_left(office: World, town: Town) -> None:
    town.at("web1")[ALICE] = f"{key_of('alice')}\n"
    town.at("web2")["/etc/sudoers.d/alice"] = "alice ALL=(ALL) ALL\n"
    town.refusal = "it would leave nobody"
    entry = Suppression.model_validate({
        "rule": "SUDO-UNMANAGED", "owner": "bob", "reason": "on call", "until": "2026-10-09",
    })  # fmt: skip
    policy = office.files.policy.model_copy(update={"suppressions": (entry,)})
    work = office.as_("bob", replace(office.files, policy=policy))

    done = offboard(work, leaving(work, "alice"), "left")

    assert done.exit_code is ExitCode.FAILED
    whys = {one.place: one.why for one in done.rows}
    assert whys["web1"] == "it would leave nobody"
    assert whys["web2"] == "accepted by bob until 2026-10-09: on call"


def test_access_that_outlived_a_last_day_is_counted_in_hours(office: World, town: Town) -> None:
    town.at("web1")["/home/eve/.ssh/authorized_keys"] = f"{key_of('eve')}\n"
    work = office.as_("bob")  # noon of the day after eve's last

    found = offboard(work, leaving(work, "eve"), "left")
    again = offboard(work, leaving(work, "eve"), "left")

    assert found.leftover_hours == 12.0
    assert found.rows[0].what.startswith("key SHA256:")
    assert (again.rows, again.leftover_hours) == ((), 0.0)


def test_somebody_who_is_in_no_file_any_more_is_known_by_the_files_of_before(
    office: World, town: Town
) -> None:
    granted(office)
    town.at("web2")["/home/bob/.ssh/authorized_keys"] = f"{key_of('alice')}\n"
    work = office.as_("bob", without(office, "alice"))

    who = leaving(work, "alice")
    done = offboard(work, who, "left")

    assert (who.account, len(who.keys), who.why) == ("alice", 1, "is not in people.yaml")
    assert done.exit_code is ExitCode.OK
    assert any(one.what.startswith("key SHA256:") for one in done.rows)


def test_an_account_that_no_file_ever_knew_is_looked_for_by_its_name(
    office: World, town: Town
) -> None:
    work = office.as_("bob")
    with pytest.raises(ConfigError) as raised:
        leaving(work, "zoe")
    assert raised.value.hint == "--account NAME looks for an account"
    town.at("web1")["/etc/sudoers.d/zoe"] = "zoe2 ALL=(ALL) ALL\n"

    done = offboard(work, leaving(work, "zoe", "zoe2"), "left")

    assert [(one.place, one.what) for one in done.rows] == [
        ("web1", "sudo rule /etc/sudoers.d/zoe:1")
    ]  # fmt: skip
    assert done.exit_code is ExitCode.OK


def test_others_are_left_as_they_are(office: World, town: Town) -> None:
    granted(office)
    rogue = "/etc/sudoers.d/tmp"
    town.at("web1")[rogue] = "bob ALL=(ALL) ALL\n"
    work = office.as_("charlie")

    done = offboard(work, leaving(work, "dora"), "left")

    assert done.rows == ()
    assert "bob" in town.at("web1")[rogue]
    assert town.opens("web1", "alice")


def test_what_a_leaver_answers_for_is_handed_over(office: World) -> None:
    work = office.as_("bob")
    assert [(one.what, one.where) for one in open_things(work, leaving(work, "bob")).duties] == [
        ("owner of service account deploy", "access/people.yaml service_accounts.deploy"),
    ]
    charlie = open_things(work, leaving(work, "charlie")).duties
    assert charlie[0].what == "manager of alice, bob, dora"
