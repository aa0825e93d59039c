"""Whatever happens to a prober, in whatever order: what it wrote down still tells the truth."""

from __future__ import annotations

import json
import shutil
import tempfile
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from opskit.core.clock import MINUTE, FrozenClock, Instant
from opskit.core.interval import Interval, State
from opskit.monitor.model import Seen
from opskit.monitor.status import statuses
from opskit.monitor.store import seals, targets
from opskit.monitor.uptime import uptimes
from opskit.outside.database import Database, sqlite_url
from opskit.records.ledger import verify
from tests.monitor.world import SHOP, TARGET, World, catalogue, tcp

START = Instant(1_700_000_000_000_000)
OTHER = catalogue(mail=tcp())
HOLD = 5 * MINUTE // 2


class Prober(RuleBasedStateMachine):
    """One target, watched, forgotten, watched again; tries that come and go, and restarts."""

    template: Path

    @initialize()
    def begin(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        path = Path(self.directory.name) / "opskit.db"
        shutil.copyfile(self.template, path)
        self.world = World.made(Database.open(sqlite_url(path)), FrozenClock(START))
        self.watched = True
        self.last_try: int | None = None
        self.tries = 0

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.database.close()
            self.directory.cleanup()

    @precondition(lambda self: self.watched)
    @rule(seen=st.sampled_from(Seen), after=st.sampled_from([1, MINUTE, 3 * MINUTE]))
    def try_it(self, seen: Seen, after: int) -> None:
        self.tries += 1
        self.last_try = self.world.see(seen, "reason", after=after).at

    @rule(length=st.sampled_from([MINUTE, 10 * MINUTE]))
    def let_time_pass(self, length: int) -> None:
        self.world.clock.advance(length)

    @rule()
    def seal(self) -> None:
        self.world.seal()

    @rule()
    def start_again(self) -> None:
        known = self.world.recorder.begin(SHOP if self.watched else OTHER)
        with self.world.database.read() as connection:
            assert known.get(TARGET) is targets.registrations(connection)[TARGET].seen

    @rule()
    def change_the_catalogue(self) -> None:
        self.world.clock.advance(1)
        self.watched = not self.watched
        self.world.recorder.begin(SHOP if self.watched else OTHER)

    @invariant()
    def the_ledger_holds(self) -> None:
        assert verify(self.world.database).broken_at is None
        with self.world.database.read() as connection:
            assert seals.broken_seals(connection) == ()

    @invariant()
    def each_flip_begins_where_the_last_one_ended(self) -> None:
        flips = [json.loads(one.data) for one in self.world.entries("target.flipped")]
        assert all(one["to"] != one["from"] for one in flips)
        assert all(first["to"] == then["from"] for first, then in pairwise(flips))
        with self.world.database.read() as connection:
            seen = targets.registrations(connection)[TARGET].seen
        assert not flips or flips[-1]["to"] == seen

    @invariant()
    def the_past_is_whole_and_says_no_more_than_was_seen(self) -> None:
        now = Instant(self.world.clock.now() + 1)
        with self.world.database.read() as connection:
            (found,) = uptimes(connection, SHOP, Interval(START, now), ZoneInfo("UTC"))
        time = found.availability.totals
        assert time.known + time.unknown + time.excluded == found.window.length
        assert time.known <= self.tries * HOLD
        assert found.timeline[-1].state is not State.EXCLUDED or not self.watched

    @invariant()
    def nothing_stale_is_called_up_or_down(self) -> None:
        now = self.world.clock.now()
        with self.world.database.read() as connection:
            (status,) = statuses(connection, SHOP, now)
        if self.last_try is None or now - self.last_try >= HOLD:
            assert status.state is State.UNKNOWN


def test_a_prober_s_life(migrated: Path) -> None:
    machine = type("Prober", (Prober,), {"template": migrated})
    run_state_machine_as_test(machine, settings=settings(max_examples=12, stateful_step_count=20))
