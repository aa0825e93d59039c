"""What every kind of target keeps to. A new kind is tested by an entry in `STANDS`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from opskit.access.targets.kinds import (
    EnforcedBy,
    Order,
    Placement,
    Presence,
    Sight,
    TargetKind,
    Unmanaged,
)
from opskit.core.clock import FrozenClock, SystemClock
from tests.access.databases import place as database
from tests.access.targets.doors import Doors
from tests.rig import postgres as postgresql
from tests.rig.plugin import require


@dataclass(frozen=True)
class Stand:
    """A kind with a target that is well and one that cannot be reached.

    `placement` makes one for (grant, account, which): two `which` differ in what they give, as far
    as the kind can tell; `entered` tells whether an account can get in, by the target itself.
    """

    kind: TargetKind
    well: str
    lost: str
    placement: Callable[[str, str, int], Placement]
    entered: Callable[[str], bool]


@contextmanager
def postgres(directory: Path) -> Iterator[Stand]:
    require(postgresql.available())
    with database.placed(directory) as place:
        known = place.kind()
        targets = {**known.targets, "lost": place.target(address="127.0.0.1:1")}
        groups = ("readers", "writers")
        query = "SELECT 1 FROM pg_roles WHERE rolcanlogin AND rolname = '{}'"
        yield Stand(
            type(known)(targets, known.root, known.clock, known.given),
            "shop-db",
            "lost",
            lambda grant, account, which: place.placement(grant, account, *groups[: which + 1]),
            lambda account: bool(place.ask(query.format(account))),
        )


@contextmanager
def playbooks(directory: Path) -> Iterator[Stand]:
    doors = Doors(directory / "project", FrozenClock(SystemClock().now()))
    yield Stand(
        doors.kind,
        "one",
        "lost",
        lambda grant, account, _which: doors.placement(grant, account),
        lambda account: f"web1-{account}" in doors.open,
    )


STANDS: dict[str, Callable[[Path], object]] = {"postgres": postgres, "playbooks": playbooks}


@pytest.fixture(scope="module", params=STANDS)
def stand(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stand]:
    with STANDS[request.param](tmp_path_factory.mktemp(request.param)) as here:  # type: ignore[attr-defined]
        yield here


def carried_out(stand: Stand, *present: Placement, absent: tuple[Placement, ...] = ()) -> Sight:
    answer = stand.kind.carry_out([Order(stand.well, present, absent)])[stand.well]
    assert (answer.refused, answer.failed) == ("", "")
    assert answer.sight.reached
    assert set(answer.sight.standings) == {one.grant for one in (*present, *absent)}
    return answer.sight


def test_what_is_given_is_there_until_it_is_taken(stand: Stand) -> None:
    grant = stand.placement("g1", "alice", 0)
    standing = carried_out(stand, grant).standings["g1"]
    assert standing.presence is Presence.PRESENT
    assert standing.parts
    assert stand.entered("alice")
    for part in standing.parts:
        assert (part.fence_until is None) or part.enforced_by is not EnforcedBy.NONE
    assert carried_out(stand, grant).standings["g1"] == standing  # twice is as good as once
    assert carried_out(stand, absent=(grant,)).standings["g1"].presence is Presence.ABSENT
    assert not stand.entered("alice")
    seen = stand.kind.observe([stand.well], {stand.well: [grant]})[stand.well]
    assert seen.standings["g1"].presence is Presence.ABSENT


def test_what_one_grant_loses_another_keeps(stand: Stand) -> None:
    first, second = stand.placement("g3", "bob", 1), stand.placement("g4", "bob", 0)
    carried_out(stand, first)
    assert carried_out(stand, second, absent=(first,)).standings["g4"].presence is Presence.PRESENT
    assert stand.entered("bob")


def test_a_target_that_cannot_be_reached_is_no_error_no_absence_and_no_other_s_trouble(
    stand: Stand,
) -> None:
    grant = stand.placement("g5", "carl", 0)
    sight = stand.kind.observe([stand.lost], {stand.lost: [grant]})[stand.lost]
    assert (sight.reached, sight.standings, sight.sessions) == (False, {}, ())
    assert sight.reason
    orders = [Order(name, absent=(grant,)) for name in (stand.lost, stand.well)]
    answers = stand.kind.carry_out(orders)
    assert list(answers) == [stand.lost, stand.well]
    lost = answers[stand.lost]
    assert (lost.sight.reached, lost.sight.standings) == (False, {})
    assert lost.failed
    # What was never there was removed well.
    assert answers[stand.well].failed == ""
    assert answers[stand.well].sight.standings["g5"].presence is Presence.ABSENT


def test_removals_are_answered_for_each_target_and_a_lost_one_keeps_no_other_from_it(
    stand: Stand,
) -> None:
    grant = stand.placement("g6", "dora", 0)
    carried_out(stand, grant)
    own = Unmanaged("membership", "nobody in nothing", "nobody", "nothing")
    answers = stand.kind.remove({stand.lost: [own], stand.well: [own]})
    assert list(answers) == [stand.lost, stand.well]
    assert answers[stand.lost].failed
    assert answers[stand.well].sight.reached
    assert stand.entered("dora"), "what is granted is not what is removed"
    assert stand.kind.remove({}) == {}
