"""The rules that come with opskit give the same alerts here and in Prometheus, step by step."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from opskit.alerts.engine import Engine
from opskit.alerts.evaluating import Alerting
from opskit.alerts.firing import Firing
from opskit.alerts.promql.evaluation import Settings
from opskit.alerts.promql.ranges import Edges
from opskit.alerts.rulebook import Ruled, rulebook
from opskit.alerts.store import firings
from opskit.alerts.watching import Watcher
from opskit.core.clock import MINUTE, SECOND, FrozenClock, Instant
from opskit.outside.config import load
from opskit.outside.database import Database
from opskit.outside.files import content_root
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox
from tests.alerts.lives import FILES, Life, life
from tests.rig.plugin import require
from tests.rig.prometheus import available

# Samples lie on the very edges of windows here, where Prometheus 2 and 3 differ.
AS_INSTALLED = Settings(edges=Edges.CLOSED)
SHIPPED = sorted(
    one for one in (content_root() / "alerts").glob("*/*.yaml") if one.parent.name != "tests"
)
# A process ends and another goes on, after so many passes.
LIVES_FOR = 53
Sets = Sequence[Sequence[Firing]]


@pytest.fixture
def rules(tmp_path: Path) -> tuple[Ruled, ...]:
    """Return all rules, the files of which lie in `alerts` below the test's directory."""
    (tmp_path / "alerts").mkdir()
    for path in SHIPPED:
        shutil.copy(path, tmp_path / "alerts")
    (tmp_path / "opskit.yaml").write_text("alerts: {rules: ['alerts/*.yaml']}\n")
    return rulebook(load(tmp_path / "opskit.yaml", {}, tmp_path))


def passed(rules: Sequence[Ruled], database: Database, page: Life) -> Sets:
    """Return what is pending or fires after each pass."""
    clock = FrozenClock(Instant(0))
    watcher = Watcher(database, Ledger(clock, "opskit"), Outbox(database, clock), clock)
    found = []
    for step in range(page.steps):
        if step % LIVES_FOR == 0:
            engine = Engine(rules, interval=page.step // 1_000, settings=AS_INSTALLED)
            watcher.restore(engine)
        watcher.look(engine, page.page(step))
        assert not engine.faults
        with database.read() as connection:
            found.append(firings.opened(connection))
        clock.advance(page.step)
    return found


def expecting(groups: Sequence[str], page: Life, found: Sets) -> dict[str, object]:
    """Return a file of promtool's that expects what opskit found, at each step, and no more."""
    minutes = page.step // MINUTE
    asked = [(f"{step * minutes}m", alerts) for step, alerts in enumerate(found)]
    test = {
        "interval": f"{minutes}m",
        "input_series": [{"series": one.series, "values": one.notation} for one in page.series],
        "promql_expr_test": [each for at, alerts in asked for each in states(at, alerts)],
        "alert_rule_test": [
            each for (at, alerts), began in zip(asked, begun(found), strict=True)
            for each in words(at, alerts, began)
        ],
    }  # fmt: skip
    return {
        "rule_files": [one.name for one in SHIPPED],
        "evaluation_interval": f"{minutes}m",
        "group_eval_order": list(groups),
        "tests": [test],
    }


def states(at: str, alerts: Sequence[Firing]) -> Iterator[dict[str, object]]:
    """Yield which alerts are pending, which fire, and since when each is there."""
    for metric in ("ALERTS", "ALERTS_FOR_STATE"):
        samples = [sample(metric, one) for one in alerts]
        yield {"expr": metric, "eval_time": at, "exp_samples": samples}


def sample(metric: str, one: Firing) -> dict[str, object]:
    labels, value = dict(one.labels), one.since // SECOND
    if metric == "ALERTS":
        value = 1
        labels["alertstate"] = "pending" if one.starts_at is None else "firing"
    text = ", ".join(f"{name}={json.dumps(text)}" for name, text in sorted(labels.items()))
    return {"labels": f"{metric}{{{text}}}", "value": value}


def begun(found: Sets) -> Iterator[frozenset[str]]:
    """Yield the names of the alerts that began to fire at each step."""
    known: set[tuple[int, str]] = set()
    for alerts in found:
        fires = {(one.id, one.name) for one in alerts if one.starts_at is not None}
        yield frozenset(name for _, name in fires - known)
        known |= fires


def words(
    at: str, alerts: Sequence[Firing], names: frozenset[str]
) -> Iterator[Mapping[str, object]]:
    """Yield what alerts that began to fire say."""
    for name in sorted(names):
        fires = [one for one in alerts if one.name == name and one.starts_at is not None]
        said = [{"exp_labels": bare(one), "exp_annotations": one.annotations} for one in fires]
        yield {"eval_time": at, "alertname": name, "exp_alerts": said}


def bare(one: Firing) -> Mapping[str, str]:
    return {name: value for name, value in one.labels.items() if name != "alertname"}


def lived(rules: Sequence[Ruled], found: Sets) -> frozenset[str]:
    """Return the rules that pended, if they wait at all, fired, and were over before the end."""
    every = [one for alerts in found for one in alerts]
    pended = {one.name for one in every if one.starts_at is None}
    pended |= {
        one.name
        for each in rules
        for one in each.rules
        if isinstance(one, Alerting) and not one.pending
    }
    fired = {one.id: one.name for one in every if one.starts_at is not None}
    for one in found[-1]:
        fired.pop(one.id, None)
    return frozenset(pended & set(fired.values()))


@pytest.mark.real
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_they_pend_fire_and_end_as_in_prometheus(
    path: Path, rules: tuple[Ruled, ...], tmp_path: Path, database: Database
) -> None:
    require(available())
    page = life(path)
    found = passed(rules, database, page)
    assert page.rules <= lived(rules, found)
    test = tmp_path / "alerts/same_test.yaml"
    test.write_text(json.dumps(expecting([one.name for one in rules], page, found)))
    argv = ["promtool", "test", "rules", test.name]
    done = subprocess.run(argv, cwd=test.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[:4000]


def test_every_rule_has_its_life(rules: tuple[Ruled, ...]) -> None:
    names = {one.name for each in rules for one in each.rules if isinstance(one, Alerting)}
    # One that always fires neither begins nor ends.
    assert names - {"Watchdog"} == {name for path in FILES for name in life(path).rules}
