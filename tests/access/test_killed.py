"""Killed at each write there is, and started again: nothing is lost, nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from opskit.access import holding
from opskit.access.deciding import Word, decide
from opskit.access.ending import revoke
from opskit.access.lifecycle import GrantState
from opskit.access.requesting import request
from opskit.access.settling import settle, start_now
from opskit.access.store import grants
from opskit.access.workplace import Workplace
from opskit.core.clock import MINUTE, FrozenClock
from opskit.outside.database import Database
from opskit.records.ledger import verify
from tests.access.world import World, ask


class Killed(BaseException):
    """The process is gone."""


def dying(database: Database, after: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Let a process live for so many writes; return how many there were."""
    real, count = database.write, [0]

    @contextmanager
    def write() -> Iterator[sa.Connection]:
        count[0] += 1
        if count[0] > after:
            raise Killed
        with real() as connection:
            yield connection

    monkeypatch.setattr(database, "write", write)
    return lambda: count[0]


def worked(work: Workplace, deed: Callable[[Workplace], object], after: int) -> int:
    """Do something in a process that is killed after so many writes; return how many it made."""
    with pytest.MonkeyPatch.context() as patched:
        made = dying(work.database, after, patched)
        # Whoever is killed leaves its leases as they are, under the name of a process that is gone.
        patched.setattr(holding, "name", _of_the_dead)
        try:
            deed(work)
        except Killed:
            pass
        return made()


def _of_the_dead(actor: str) -> str:
    import platform

    return f"{actor} (process 4194304 since 1.00 on {platform.node()}, 0123abcd)"


def state(world: World) -> GrantState:
    with world.database.read() as connection:
        return grants.one(connection, 1).state


def approved(world: World) -> grants.Grant:
    request(world.as_("alice"), ask())
    grant = decide(world.as_("bob"), 1, Word("bob", "approve")).grant
    assert grant is not None
    return grant


@pytest.mark.parametrize("after", range(8))
def test_a_grant_is_given_in_the_end_wherever_giving_it_was_killed(
    world: World, clock: FrozenClock, after: int
) -> None:
    grant = approved(world)
    worked(world.as_("bob"), lambda work: start_now(work, grant), after)
    clock.advance(MINUTE)
    settle(world.as_("bob"))
    assert state(world) is GrantState.ACTIVE
    assert world.kind.opens("web1", "alice")
    assert verify(world.database).broken_at is None


@pytest.mark.parametrize("given", range(8))
@pytest.mark.parametrize("taken", [1, 2, 3, 4, 5, 6])
def test_a_grant_is_gone_in_the_end_from_each_half_given_state(
    world: World, clock: FrozenClock, given: int, taken: int
) -> None:
    grant = approved(world)
    world.kind.fences = False  # nothing but the look can say that it is gone
    worked(world.as_("bob"), lambda work: start_now(work, grant), given)
    worked(world.as_("charlie"), lambda work: revoke(work, (1,), "left"), taken)
    clock.advance(MINUTE)
    settle(world.as_("bob"))
    assert state(world) is GrantState.REVOKED
    assert not world.kind.opens("web1", "alice")
    assert not world.kind.opens("web2", "alice")


def test_the_writes_are_as_many_as_are_killed_here(world: World) -> None:
    grant = approved(world)
    assert worked(world.as_("bob"), lambda work: start_now(work, grant), 99) == 7
    assert worked(world.as_("bob"), lambda work: revoke(work, (1,), "x"), 99) <= 9


def test_what_a_process_that_was_killed_holds_is_free_and_what_a_live_one_holds_is_not() -> None:
    script = "from opskit.access import holding; print(holding.name('x'), flush=True); input()"
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    name = child.stdout.readline().strip()
    assert not holding.is_gone(name)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert holding.is_gone(name)
    assert not holding.is_gone("person:alice (process 1 since 0.00 on elsewhere, 0123abcd)")
    assert not holding.is_gone("somebody else")
