"""A small shop under watch: pages are made up, everything behind them is real."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from opskit.alerts.circumstances import Around
from opskit.alerts.engine import Engine, Page
from opskit.alerts.quieting import Silences
from opskit.alerts.responding import Responses
from opskit.alerts.routing.plan import planned, unrouted
from opskit.alerts.routing.settings import Routes
from opskit.alerts.rulebook import rulebook
from opskit.alerts.silencing import Silencing
from opskit.alerts.watching import Passed, Watcher
from opskit.core.clock import SECOND, FrozenClock, Instant, parse_duration
from opskit.core.metrics import Family, Sample
from opskit.focusing import Focusing
from opskit.outside.config import load
from opskit.outside.database import Database
from opskit.outside.models import read
from opskit.records.ledger import LEDGER, Ledger
from opskit.records.messages import Message
from opskit.records.outbox import Outbox

RULES = """\
groups:
  - name: shop
    rules:
      - alert: Down
        expr: down == 1
        for: 1m
        labels: {severity: page}
        annotations: {summary: "{{ $labels.service }} is down", runbook_url: "https://example.org/r"}
"""
ROUTES = """\
route:
  {receiver: ops, group_by: [alertname], group_wait: 0s, group_interval: 1m, repeat_interval: 4h}
receivers:
  - {name: ops, channels: [pager]}
"""


@dataclass
class Receiver:
    """Somebody who is told; `said` is the title of each message, with its status."""

    got: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> Instant | None:
        self.got.append(message)
        return None

    @property
    def said(self) -> list[str]:
        notices = (json.loads(one.body)["notice"] for one in self.got)
        return [f"{one['status']}: {one['title']}" for one in notices]


@dataclass
class Shop:
    """Rules and routes at work over made-up pages, each 30 seconds."""

    root: Path
    database: Database
    clock: FrozenClock
    rules: str = RULES
    routes: str | None = ROUTES
    down: dict[str, float] = field(default_factory=dict)
    hidden: Callable[[str], bool] = lambda _name: False
    unseen: frozenset[str] = frozenset()
    upstream: dict[str, str] = field(default_factory=dict)
    focusing: Focusing | None = None
    channels: Mapping[str, Receiver] = field(default_factory=lambda: {"pager": Receiver()})

    def __post_init__(self) -> None:
        (self.root / "alerts").mkdir(parents=True, exist_ok=True)
        (self.root / "opskit.yaml").write_text("timezone: UTC\n")
        self.outbox = Outbox(self.database, self.clock, jitter=lambda: 0.0)
        self.restart()

    def restart(self) -> None:
        """Begin anew, as after the end of the process; files are read again."""
        (self.root / "alerts/shop.yaml").write_text(self.rules)
        config = load(self.root / "opskit.yaml", {}, self.root)
        plan = unrouted()
        if self.routes is not None:
            path = self.root / "alerts/routes.yaml"
            path.write_text(self.routes)
            plan = planned(read(path, Routes))
        self.ledger = Ledger(self.clock, "opskit")
        around = Around(lambda: self.upstream, self.focusing.quiet if self.focusing else tuple)
        self.watcher = Watcher(self.database, self.ledger, self.outbox, self.clock, plan, around)
        self.engine = Engine(rulebook(config))
        self.watcher.restore(self.engine)

    @property
    def page(self) -> Page:
        samples = tuple(Sample(value, (("service", name),)) for name, value in self.down.items())
        family = Family("down", "gauge", "Whether it is down.", samples)
        shown = () if self.hidden("down") else (family,)
        return Page(shown, self.hidden, self.unseen)

    def look(self) -> Passed:
        """Pass once, and deliver what is owed."""
        if self.focusing:
            self.focusing.keeping.open_due()
        passed = self.watcher.look(self.engine, self.page)
        self.outbox.deliver(self.channels)
        return passed

    def passes(self, length: str, step: int = 30 * SECOND) -> None:
        """Let time pass, with a look at each step."""
        end = self.clock.now() + parse_duration(length)
        while self.clock.now() < end:
            self.look()
            self.clock.advance(step)

    def responses(self, by: str = "ada") -> Responses:
        return Responses(
            self.database, Ledger(self.clock, f"person:{by}"), self.outbox, self.clock, by
        )

    def silences(self, by: str = "ada") -> Silences:
        keeper = Silencing(self.database, Ledger(self.clock, f"person:{by}"), self.clock)
        return Silences(keeper, self.clock, by)

    @property
    def said(self) -> list[str]:
        """Return what the pager was told."""
        return self.channels["pager"].said

    def kinds(self) -> list[str]:
        """Return the kinds of all evidence, in order."""
        kinds = sa.select(LEDGER.c.kind).order_by(LEDGER.c.seq)
        with self.database.read() as connection:
            return [row.kind for row in connection.execute(kinds)]
