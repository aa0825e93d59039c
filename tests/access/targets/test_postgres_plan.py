"""What an order means to a server, of any version: statements, and orders that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from opskit.access.databases.model import DatabaseState
from opskit.access.model import PostgresRights
from opskit.access.targets.kinds import Order, Placement, Unmanaged
from opskit.access.targets.postgres_grants import MADE
from opskit.access.targets.postgres_plan import plan, removal
from opskit.core.clock import DAY, Instant
from tests.access.databases import plain

NOW = Instant(1_790_000_000 * 1_000_000)  # 2026-09-21T14:13:20Z
UNTIL = Instant(NOW + DAY)


def grant(name: str, account: str, *roles: str, login: bool = True) -> Placement:
    return Placement(name, account, account, PostgresRights(member_of=roles, login=login), UNTIL)


def server(**told: Any) -> DatabaseState:
    roles = ["postgres bootstrap superuser login", "readers", *told.pop("roles", ())]
    hba = told.pop("hba", ["local all all scram-sha-256"])
    return plain.state({"roles": roles, "hba": hba, "version": 160_003, **told})


def statements(state: DatabaseState, *present: Placement, **more: Any) -> tuple[str, ...]:
    decided = plan(state, Order("server", present, **more), NOW)
    assert decided.refused == ""
    return decided.statements


def test_an_account_is_made_with_a_mark_and_without_any_power() -> None:
    harmless = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT"
    assert statements(server(), grant("g1", "alice", "readers")) == (
        f"CREATE ROLE \"alice\" LOGIN {harmless} VALID UNTIL '2026-09-22T14:13:20Z'",
        f"COMMENT ON ROLE \"alice\" IS '{MADE}'",
        'GRANT "readers" TO "alice" WITH ADMIN FALSE, INHERIT TRUE, SET TRUE',
    )


def test_up_to_15_a_membership_has_no_options() -> None:
    state = server(roles=["alice login"], version=150_018)
    assert statements(state, grant("g1", "alice", "readers")) == ('GRANT "readers" TO "alice"',)


def test_from_16_on_each_grantor_s_membership_is_revoked() -> None:
    told = {"roles": ["alice login"], "memberships": [f"readers to alice by {n}" for n in "xy"]}
    gone = (grant("g1", "alice", "readers"),)
    assert statements(server(**told), absent=gone) == (
        'REVOKE "readers" FROM "alice" GRANTED BY "x" CASCADE',
        'REVOKE "readers" FROM "alice" GRANTED BY "y" CASCADE',
    )
    assert statements(server(**told, version=150_018), absent=gone) == (
        'REVOKE "readers" FROM "alice"',
    )


def test_what_a_cascade_takes_from_a_grant_in_force_is_given_anew() -> None:
    state = server(
        roles=["alice login", "bob login", "carl login"],
        memberships=[
            "readers to alice admin",
            "readers to bob admin by alice",
            "readers to carl by bob",
        ],
    )
    decided = plan(
        state,
        Order("server", (grant("g2", "bob", "readers"),), (grant("g1", "alice", "readers"),)),
        NOW,
    )
    assert decided.statements == (
        'REVOKE "readers" FROM "alice" GRANTED BY "postgres" CASCADE',
        'GRANT "readers" TO "bob" WITH ADMIN FALSE, INHERIT TRUE, SET TRUE',
    )
    assert decided.told == (
        "bob lost readers as well: alice had given it on",
        "carl lost readers as well: bob had given it on",
    )
    # A session of theirs may have become readers before.
    assert [one.name for one in decided.ending] == ["alice", "bob", "carl"]


SECOND = {
    "is well": ("deputy login superuser", [], True),
    "cannot log in": ("deputy superuser", [], False),
    "has expired": ("deputy login superuser until 2026-01-01", [], False),
    "is turned away": ("deputy login superuser", ["local all deputy reject"], False),
    "can become one": ("deputy login", [], True),
    "is no superuser": ("deputy login", [], False),
}


@pytest.mark.parametrize("how", SECOND)
@pytest.mark.parametrize("by", ["order", "attribute", "login"])
def test_two_must_be_left_who_can_administer_and_can_log_in(how: str, by: str) -> None:
    deputy, first, enough = SECOND[how]
    member = ["postgres to deputy"] if how == "can become one" else []
    state = server(
        roles=["boss login superuser", deputy],
        memberships=member,
        hba=[*first, "local all all scram-sha-256"],
    )
    if by == "order":
        decided = plan(state, Order("server", end_sessions=("boss",)), NOW)
    else:
        rogue = Unmanaged(by, "boss", "boss", "SUPERUSER")
        decided = removal(state, [rogue], NOW)
    assert (decided.refused == "") is enough
    assert bool(decided.statements) is enough
    if not enough:
        assert decided.refused == "without boss only postgres could administer server"


def test_an_order_that_takes_from_no_administrator_needs_no_second_one() -> None:
    state = server(roles=["alice login"], memberships=["readers to alice"])
    assert statements(state, absent=(grant("g1", "alice", "readers"),))


@pytest.mark.parametrize("name", ["postgres", "dba"])
def test_administrators_are_never_touched(name: str) -> None:
    state = server(roles=["dba login superuser"], administrators=["dba"])
    assert "administrator" in removal(state, [Unmanaged("login", "LOGIN", name, "")], NOW).refused
    for order in (
        Order("server", (grant("g1", name, "readers"),)),
        Order("server", absent=(grant("g1", name, "readers"),)),
        Order("server", end_sessions=(name,)),
    ):
        decided = plan(state, order, NOW)
        assert "never touched" in decided.refused
        assert decided.statements == ()


def test_a_grant_without_login_is_for_a_role_that_is_there() -> None:
    lent = grant("g1", "batch", "readers", login=False)
    assert (
        plan(server(), Order("server", (lent,)), NOW).refused == "there is no role batch on server"
    )
    assert statements(server(roles=["batch login"]), lent) == (
        'GRANT "readers" TO "batch" WITH ADMIN FALSE, INHERIT TRUE, SET TRUE',
    )
