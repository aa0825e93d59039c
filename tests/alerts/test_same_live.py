"""opskit beside a real Prometheus and Alertmanager: the same page and files, the same told."""

from __future__ import annotations

import json
import re
import shutil
import urllib.request
from bisect import bisect
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from opskit.alerts.alertmanager.export import Callback, exported
from opskit.alerts.engine import Engine, Page
from opskit.alerts.firing import Firing, fingerprint
from opskit.alerts.routing.plan import Plan, planned
from opskit.alerts.routing.settings import Routes
from opskit.alerts.rulebook import rulebook
from opskit.alerts.store import firings, remembered
from opskit.alerts.watching import Watcher
from opskit.core.clock import MINUTE, SECOND, Instant, SystemClock, parse_instant
from opskit.core.metrics import Family, Sample
from opskit.outside.config import load
from opskit.outside.database import Database
from opskit.outside.models import read
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox
from tests.alerts.lives import FILES, life
from tests.alerts.test_same_as_prometheus import SHIPPED
from tests.monitor.live import soon
from tests.monitor.servers import Server, page as answering
from tests.rig import alertmanager, prometheus
from tests.rig.alertmanager import Alertmanager
from tests.rig.plugin import require
from tests.rig.prometheus import Prometheus
from tests.serve.live import secret

UTC = ZoneInfo("UTC")

ROUTES = """\
route:
  receiver: ops
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  routes:
    - {matchers: ['alertname=~"Access[ER].*"'], receiver: access, group_by: ["..."]}
    - {matchers: ['severity=~"critical|page"'], receiver: all, continue: true}
    - matchers: ['severity=~"critical|page"']
      receiver: oncall
      group_by: [severity]
      routes: [{matchers: ['alertname=~"Ledger.*"'], receiver: keeper}]
    - {matchers: ['severity="info"', 'role!=""'], receiver: desk, group_by: [role, none]}
receivers:
  - {name: ops, channels: [m]}
  - {name: access, channels: [m]}
  - {name: all, channels: [m]}
  - {name: oncall, channels: [m]}
  - {name: keeper, channels: [m]}
  - {name: desk, channels: [m]}
"""
# Steps of `minutes.yaml`: nothing yet, much, something else, and little again. None is near a bound
# that a rate or a slope reaches or not by how often somebody looked.
STEPS = (2, 12, 19, 160)
# Metrics that are instants: the page begins where the test does, not in 1970.
INSTANTS = re.compile(r".*_(timestamp_seconds|cert_expiry)")
Alerts = set[tuple[str, str]]
Groups = set[tuple[str, str, frozenset[str]]]


def today(page: Page, step: int, now: Instant) -> Page:
    """Return a page as if its step were now."""
    origin = now // SECOND - step * MINUTE // SECOND
    return Page([moved(one, origin) for one in page.families])


def moved(one: Family, origin: int) -> Family:
    if not INSTANTS.fullmatch(one.name):
        return one
    samples = tuple(Sample(value + origin, labels) for value, labels in one.samples)
    return replace(one, samples=samples)


def text(page: Page) -> str:
    """Return a page as it is scraped."""
    return "".join(line(one, *sample) for one in page.families for sample in one.samples)


def line(family: Family, value: float, pairs: Iterable[tuple[str, str]]) -> str:
    labels = ",".join(f"{name}={json.dumps(text)}" for name, text in pairs)
    return f"{family.name}{{{labels}}} {value!r}\n"


def settings(toy: int, am: int, rules: Path) -> str:
    """Return those of a Prometheus that adds no labels to the page and sends to one."""
    return f"""\
global: {{scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}}
scrape_configs:
  - job_name: page
    honor_labels: true
    static_configs: [{{targets: ['127.0.0.1:{toy}']}}]
    metric_relabel_configs:
      - {{source_labels: [job], regex: page, target_label: job, replacement: ''}}
      - {{source_labels: [instance], regex: '127.*', target_label: instance, replacement: ''}}
rule_files: ['{rules}/*.yaml']
alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{am}']}}]}}]}}
"""


@dataclass
class Ours:
    """opskit's passes over a page, by the clock of this machine."""

    watcher: Watcher
    engine: Engine
    database: Database
    plan: Plan
    page: Page = field(default_factory=lambda: Page(()))

    def look(self) -> tuple[Firing, ...]:
        """Pass once; return what is pending or fires."""
        self.watcher.look(self.engine, self.page)
        with self.database.read() as connection:
            found = firings.opened(connection)
        return tuple(one for one in found if one.ends_at is None)

    def groups(self) -> Groups:
        """Pass once; return who knows of what, as one message."""
        self.look()
        with self.database.read() as connection:
            groups = remembered.read(connection).memory.groups
        return {
            (key.route.partition(" ")[2], json.dumps(dict(key.labels)), frozenset(one.told))
            for key, one in groups.items()
        }


@pytest.fixture
def ours(tmp_path: Path, database: Database) -> Ours:
    (tmp_path / "alerts").mkdir()
    # One that always fires is told of before Prometheus knows whom to tell, and then in a minute.
    for path in (one for one in SHIPPED if one.stem != "watchdog"):
        shutil.copy(path, tmp_path / "alerts")
    (tmp_path / "routes.yaml").write_text(ROUTES)
    (tmp_path / "opskit.yaml").write_text("alerts: {rules: ['alerts/*.yaml']}\n")
    rules = rulebook(load(tmp_path / "opskit.yaml", {}, tmp_path))
    clock, plan = SystemClock(), planned(read(tmp_path / "routes.yaml", Routes))
    outbox = Outbox(database, clock)
    watcher = Watcher(database, Ledger(clock, "opskit"), outbox, clock, plan)
    return Ours(watcher, Engine(rules, interval=1), database, plan)


def asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def theirs(url: str) -> tuple[tuple[str, str, Instant], ...]:
    """Return labels and state of each alert, and since when it is there."""
    return tuple(
        (fingerprint(one["labels"]), one["state"], parse_instant(one["activeAt"], UTC))
        for one in asked(f"{url}/api/v1/alerts")["data"]["alerts"]
    )


def own(found: Iterable[Firing]) -> tuple[tuple[str, str, Instant], ...]:
    return tuple(
        (one.fingerprint, "pending" if one.starts_at is None else "firing", one.since)
        for one in found
    )


def grouped(url: str) -> Groups:
    """Return the groups of an Alertmanager."""
    return {
        (
            one["receiver"]["name"],
            json.dumps(dict(sorted(one["labels"].items()))),
            frozenset(alert["fingerprint"] for alert in one["alerts"]),
        )
        for one in asked(f"{url}/api/v2/alerts/groups")
    }


@pytest.mark.real
def test_the_same_page_and_files_tell_the_same_people(ours: Ours, tmp_path: Path) -> None:
    require(alertmanager.available())
    require(prometheus.available())
    (minutes,) = (life(path) for path in FILES if path.stem == "minutes")
    secret(tmp_path / "token")
    began: list[Instant] = []
    reached: set[str] = set()
    with Server(answering("")) as toy, Server(answering("taken")) as back:
        callback = Callback(f"http://{back.address}/", str(tmp_path / "token"))
        routes = yaml.safe_dump(exported(ours.plan.routes, callback, {}).document)
        with Alertmanager(tmp_path).running(routes) as am:
            for_it = settings(toy.port, am.port, tmp_path / "alerts")
            with Prometheus(tmp_path, (), for_it) as server:
                for step in STEPS:
                    # As a pass counts: in whole milliseconds.
                    began.append(Instant(SystemClock().now() // 1_000 * 1_000))
                    ours.page = today(minutes.page(step), step, began[0])
                    toy.answer = answering(text(ours.page))

                    def alike() -> bool:
                        here, there = own(ours.look()), theirs(server.url)
                        return seen(here, began) == seen(there, began)

                    soon(alike, f"the same alerts at {step}")
                    soon(lambda: ours.groups() == grouped(am.url), f"the same groups at {step}")
                    reached |= {receiver for receiver, _, _ in ours.groups()}
    assert reached == {"ops", "access", "all", "oncall", "keeper", "desk"}


def seen(
    alerts: Iterable[tuple[str, str, Instant]], began: list[Instant]
) -> set[tuple[str, str, int]]:
    """Return alerts with how many pages had been shown when they began."""
    return {(name, state, bisect(began, since)) for name, state, since in alerts}
