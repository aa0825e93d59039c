"""Membership resolved as a real server resolves it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from opskit.access.databases.membership import Reach
from opskit.access.databases.model import OPTIONS_SINCE, DatabaseState, Membership
from tests.access.databases import plain
from tests.access.databases.place import Place, placed
from tests.conftest import EXAMPLES
from tests.rig import postgres as postgresql
from tests.rig.plugin import require

NAMES = tuple("abcdef")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    require(postgresql.available())
    with placed(tmp_path_factory.mktemp("place")) as here:
        here.run(*(f"CREATE ROLE {name}" for name in NAMES))
        yield here


# No role can be in itself: edges lead from a later letter to an earlier one.
EDGES = st.sets(
    st.sampled_from([(a, b) for index, b in enumerate(NAMES) for a in NAMES[:index]]), max_size=8
)


@settings(max_examples=min(EXAMPLES, 15))
@given(edges=EDGES, closed=st.sets(st.sampled_from(NAMES)))
def test_who_is_in_what_is_what_the_server_says(
    place: Place, edges: set[tuple[str, str]], closed: set[str]
) -> None:
    statements = [f"ALTER ROLE {n} {'NOINHERIT' if n in closed else 'INHERIT'}" for n in NAMES]
    statements += [f"GRANT {role} TO {member}" for role, member in edges]
    undo = [f"REVOKE {role} FROM {member}" for role, member in edges]
    place.run(*statements)
    try:
        state = place.kind().observe(["shop-db"], {})["shop-db"].state
        asked = place.ask(
            "SELECT m.rolname, g.rolname, pg_has_role(m.oid, g.oid, 'MEMBER'),"
            " pg_has_role(m.oid, g.oid, 'USAGE') FROM pg_roles m, pg_roles g"
            " WHERE length(m.rolname) = 1 AND length(g.rolname) = 1 AND m.oid <> g.oid"
        )
    finally:
        place.run(*undo)
    assert isinstance(state, DatabaseState)
    reach = Reach(state.memberships)
    for member, role, may_become, has_at_once in asked:
        holds = role in reach.holds(member)
        assert holds is (may_become or has_at_once)
        if state.version < OPTIONS_SINCE:
            assert (role in reach.becomes(member)) is may_become
        if holds:
            way = reach.holds(member)[role]
            assert (way[0].member, way[-1].role) == (member, role)
            assert all(a.role == b.member for a, b in pairwise(way))


def test_a_way_is_one_of_the_shortest_and_circles_end() -> None:
    edges = ("b to a", "c to b", "d to c", "d to a", "a to d")
    reach = Reach([plain.membership(one) for one in edges])
    assert [edge.line.split()[0] for edge in reach.becomes("a")["d"]] == ["d"]
    assert [edge.role for edge in reach.becomes("a")["c"]] == ["b", "c"]


def test_a_membership_s_own_options_are_kept_to() -> None:
    """PostgreSQL 16 and later: SET and INHERIT are the membership's."""
    lent = Membership("c", "b", inherit=False, set=True)
    inherits = Membership("b", "a", inherit=True, set=False)
    becomes = Membership("b", "x", inherit=False, set=True)
    reach = Reach([lent, inherits, becomes])
    assert set(reach.holds("a")) == {"b"}
    assert set(reach.becomes("a")) == set()
    assert set(reach.holds("x")) == {"b", "c"}
