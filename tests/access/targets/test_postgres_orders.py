"""Orders as they come, in any sequence, on a real server: what holds after each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings, strategies as st

from opskit.access.targets.kinds import Placement, Presence
from opskit.core.clock import HOUR, SECOND, Instant
from tests.access.databases.place import Place, order, placed
from tests.conftest import EXAMPLES
from tests.rig import postgres as postgresql
from tests.rig.plugin import require

ACCOUNTS = ("ann", "ben", "cleo")
GROUPS = ("readers", "writers")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    require(postgresql.available())
    with placed(tmp_path_factory.mktemp("place")) as here:
        here.run("CREATE ROLE cleo LOGIN")  # who was there before opskit
        yield here


GRANTS = st.tuples(
    st.sampled_from(ACCOUNTS), st.sets(st.sampled_from(GROUPS), min_size=1), st.integers(1, 5)
)
# Each step: a new grant, or the end of one of those in force, with or without their sessions.
STEPS = st.lists(st.one_of(GRANTS, st.tuples(st.integers(0, 5), st.booleans())), max_size=7)


def members(place: Place) -> set[tuple[str, str]]:
    query = (
        "SELECT m.rolname, g.rolname FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid"
        " JOIN pg_roles m ON m.oid = a.member WHERE g.rolname IN ('readers', 'writers')"
    )
    return {(member, role) for member, role in place.ask(query)}


def logins(place: Place) -> dict[str, Instant | None]:
    query = (
        "SELECT rolname, (extract(epoch FROM rolvaliduntil) * 1000000)::int8 FROM pg_roles"
        " WHERE rolcanlogin AND rolname IN ('ann', 'ben', 'cleo')"
    )
    return dict(place.ask(query))


@settings(max_examples=min(EXAMPLES, 8))
@given(steps=STEPS)
def test_what_is_in_force_is_what_the_grants_in_force_say(
    place: Place, steps: list[object]
) -> None:
    kind, force = place.kind(), dict[str, Placement]()
    for number, step in enumerate(steps):
        match step:
            case (str(account), set(groups), int(hours)):
                until = Instant(place.clock.now() + hours * HOUR)
                grant = place.placement(f"g{number}", account, *sorted(groups), until=until)
                force[grant.grant] = grant
                told = order(*force.values())
            case (int(index), bool(end)) if force:
                gone = force.pop(list(force)[index % len(force)])
                still = any(one.account == gone.account for one in force.values())
                ends = (gone.account,) if end and not still and gone.account != "cleo" else ()
                told = order(*force.values(), absent=(gone,), end=ends)
            case _:
                continue
        answer = kind.carry_out([told])["shop-db"]
        assert (answer.refused, answer.failed) == ("", "")
        check(place, force, answer.sight.standings)
    everything = tuple(force.values())
    kind.carry_out([order(absent=everything, end=("ann", "ben"))])
    assert members(place) == set()
    assert list(logins(place)) == ["cleo"]


def check(place: Place, force: dict[str, Placement], standings: object) -> None:
    """Compare the server with the grants, by questions of the test's own."""
    wanted = {
        (one.account, role)
        for one in force.values()
        for role in one.rights.member_of  # type: ignore[union-attr]  # all are of this kind
    }
    assert members(place) == wanted
    ends: dict[str, Instant] = {}
    for one in force.values():
        whole = Instant(one.until // SECOND * SECOND)
        ends[one.account] = max(whole, ends.get(one.account, whole))
    assert logins(place) == {**ends, "cleo": None}
    assert isinstance(standings, dict)
    for grant, standing in standings.items():
        expected = Presence.PRESENT if grant in force else Presence.ABSENT
        assert standing.presence is expected, grant
