"""Whatever happens to the pass: nothing that fired is lost, and an end is told to who knew of it.

A day is made up of steps: services fail and recover, pages cannot be read, people take alerts in
hand and silence them, routes change, processes and transactions end halfway, the clock jumps.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import example, given, strategies as st

from opskit.alerts.routing.matchers import parsed
from opskit.alerts.store.tables import FIRINGS
from opskit.core.clock import HOUR, MINUTE, SECOND, Duration, FrozenClock, Instant
from opskit.core.errors import OpskitError, OutsideError
from opskit.core.interval import Interval
from opskit.outside.database import Database, sqlite_url
from opskit.records.ledger import LEDGER
from tests.alerts.watch import ROUTES, Receiver, Shop
from tests.records import killing

NOON = Instant(1_790_856_000_000_000)
SERVICES = ("web", "mail")
FOR = MINUTE
OTHERS = ROUTES.replace("channels: [pager]", "channels: [other]").replace("ops", "others")
WIDER = ROUTES.replace("group_by: [alertname]", "group_by: [alertname, service]")
AFTER = """\
escalations: [{name: up, steps: [{after: 2m, receiver: lead}]}]
"""
STEPPED = (
    ROUTES.replace("repeat_interval: 4h", "repeat_interval: 4h, escalation: up")
    + "  - {name: lead, channels: [other]}\n"
    + AFTER
)
PLANS = (ROUTES, OTHERS, WIDER, STEPPED, None)

service = st.sampled_from(SERVICES)
STEP = st.one_of(
    st.tuples(st.just("down"), service),
    st.tuples(st.just("up"), service),
    st.tuples(st.just("looks"), st.integers(1, 4)),
    st.tuples(st.just("looks"), st.integers(1, 4)),
    st.tuples(st.just("fails"), st.none()),
    st.tuples(st.just("restart"), st.none()),
    st.tuples(st.just("routes"), st.sampled_from(PLANS)),
    st.tuples(st.just("hidden"), st.booleans()),
    st.tuples(st.just("ack"), service),
    st.tuples(st.just("silence"), service),
    st.tuples(st.just("clock"), st.sampled_from([-26 * HOUR, -7 * MINUTE, 3 * MINUTE, 9 * HOUR])),
)  # fmt: skip


@dataclass
class Expected:
    """What has to fire, worked out anew: since when each is down, in memory and as written."""

    since: dict[str, int] = field(default_factory=dict)
    fires: set[str] = field(default_factory=set)
    written: tuple[dict[str, int], frozenset[str]] = ({}, frozenset())
    fired: Counter[str] = field(default_factory=Counter)

    def look(self, down: dict[str, float], now: int, *, readable: bool, kept: bool) -> None:
        if readable:
            bad = {name for name, value in down.items() if value}
            self.since = {name: min(self.since.get(name, now), now) for name in bad}
            self.fires = {one for one in bad if one in self.fires or now - self.since[one] >= FOR}
        if kept:
            self.fired.update(self.fires - self.written[1])
            self.written = (dict(self.since), frozenset(self.fires))

    def restart(self) -> None:
        self.since, self.fires = dict(self.written[0]), set(self.written[1])


@dataclass
class Day:
    """A shop to which things happen."""

    shop: Shop
    expected: Expected = field(default_factory=Expected)

    def happens(self, what: str, about: object) -> None:
        with suppress(OpskitError):
            getattr(self, f"_{what}")(about)

    def _down(self, name: str) -> None:
        self.shop.down[name] = 1

    def _up(self, name: str) -> None:
        self.shop.down.pop(name, None)

    def _looks(self, count: int) -> None:
        for _ in range(count):
            self.shop.clock.advance(30 * SECOND)
            self._look(kept=True)
            self.shop.watcher.route()
            self.shop.outbox.deliver(self.shop.channels)

    def _look(self, *, kept: bool) -> None:
        readable = not self.shop.hidden("down")
        now = self.shop.clock.now()
        self.expected.look(self.shop.down, now, readable=readable, kept=kept)
        self.shop.look()

    def _fails(self, _: object) -> None:
        self.shop.clock.advance(30 * SECOND)
        with killing.told(self.shop.database, _break):
            try:
                self._look(kept=False)
            finally:
                self._restart(None)

    def _restart(self, _: object) -> None:
        self.expected.restart()
        self.shop.restart()

    def _routes(self, plan: str | None) -> None:
        self.shop.routes = plan
        self._restart(None)

    def _hidden(self, whether: bool) -> None:  # drawn
        self.shop.hidden = lambda name: whether and name == "down"

    def _ack(self, name: str) -> None:
        responses = self.shop.responses()
        found = responses.matching(parsed(f"service={name}"), ())
        responses.acknowledge(found, Duration(10 * MINUTE), "looking")

    def _silence(self, name: str) -> None:
        now = self.shop.clock.now()
        while_ = Interval(now, Instant(now + 20 * MINUTE))
        self.shop.silences().add(parsed(f"service={name}"), while_, "new disk")

    def _clock(self, step: int) -> None:
        self.shop.clock.advance(step)

    def ends(self) -> None:
        """Let all be well again, for long enough that everybody hears of it."""
        self.shop.down.clear()
        self._hidden(False)
        self._looks(8)


def _break(_moment: str) -> None:
    raise OutsideError("the disk is gone")


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with all tables and nothing in them."""
    path = tmp_path_factory.mktemp("template") / "opskit.db"
    Database.open(sqlite_url(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # the file alone, to be copied
    connection.close()
    return path


@contextmanager
def opened(template: Path) -> Iterator[Shop]:
    """Open a shop of its own for one made-up day."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        shutil.copyfile(template, root / "opskit.db")
        database = Database.open(sqlite_url(root / "opskit.db"))
        shop = Shop(root / "ops", database, FrozenClock(NOON))
        shop.channels = {"pager": Receiver(), "other": Receiver()}
        yield shop
        database.close()


def knowing(receiver: Receiver) -> list[str]:
    """Return who is still thought to fire; fail where an end was told of what nobody knew."""
    known: set[str] = set()
    for message in receiver.got:
        notice = json.loads(message.body)["notice"]
        if notice["status"] in {"acknowledged", "told"}:
            continue
        for item in notice["items"]:
            facts = item["labels"]
            if facts["state"] == "resolved":
                assert facts["service"] in known, "an end is told to who knew, and once"
                known.remove(facts["service"])
            else:
                known.add(facts["service"])
    return sorted(known)


def fired(shop: Shop, kind: str) -> Counter[str]:
    """Return how often the ledger has it of each service."""
    found = sa.select(FIRINGS.c.labels, FIRINGS.c.fingerprint)
    with shop.database.read() as connection:
        names = {
            row.fingerprint: json.loads(row.labels)["service"] for row in connection.execute(found)
        }
        entries = connection.execute(sa.select(LEDGER.c.data).where(LEDGER.c.kind == kind))
        return Counter(names[json.loads(row.data)["fingerprint"]] for row in entries)


@example(steps=[("down", "web"), ("looks", 3), ("clock", -26 * HOUR)])
@example(steps=[("down", "web"), ("looks", 3), ("ack", "web"), ("clock", -7 * MINUTE)])
@example(steps=[("down", "mail"), ("looks", 4), ("routes", WIDER), ("looks", 3)])
@example(steps=[("down", "web"), ("looks", 2), ("fails", None), ("restart", None), ("looks", 1)])
@example(steps=[("down", "web"), ("looks", 3), ("routes", None), ("up", "web"), ("looks", 2)])
@given(steps=st.lists(STEP, min_size=5, max_size=30))
def test_nothing_is_lost_and_nothing_told_twice(
    migrated: Path, steps: list[tuple[str, object]]
) -> None:
    with opened(migrated) as shop:
        day = Day(shop)
        for what, about in steps:
            day.happens(what, about)
        day.ends()
        began = fired(shop, "alert.fired")
        assert began == day.expected.fired
        assert fired(shop, "alert.resolved") == began
        assert [knowing(one) for one in shop.channels.values()] == [[], []]
        keys = [one.key for receiver in shop.channels.values() for one in receiver.got]
        assert len(keys) == len(set(keys))
        assert shop.responses().open() == ()
        with shop.database.read() as connection:
            open_ = sa.select(sa.func.count()).where(FIRINGS.c.open == 1)
            assert connection.execute(open_).scalar() == 0


@given(values=st.lists(st.permutations(SERVICES), min_size=4, max_size=4))
def test_the_order_of_a_page_makes_no_difference(migrated: Path, values: list[list[str]]) -> None:
    rows = []
    for orders in (values, [list(SERVICES)] * 4):
        with opened(migrated) as shop:
            for order in orders:
                shop.down = dict.fromkeys(order, 1.0)
                shop.clock.advance(30 * SECOND)
                shop.look()
                shop.look()
            rows.append(sorted((one.key, one.body) for one in shop.channels["pager"].got))
    assert rows[0] == rows[1]
