"""Alerts fire while files break and processes die: one database, two processes, real receivers."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from opskit.outside.database import Database
from tests.monitor.live import soon
from tests.monitor.servers import Server, page
from tests.outside import databases
from tests.outside.servers import Server as Receiver, body, header, plain
from tests.rig.postgres import Postgres
from tests.serve.live import Serving, lay_out, probe_of, secret, service

RULES = """\
groups:
  - name: own
    rules:
      - alert: Down
        expr: opskit_service_state{state="down"} == 1
        labels: {severity: page}
        annotations: {summary: "{{ $labels.service }} is down"}
"""
ROUTES = """\
route: {receiver: ops, group_by: [alertname], group_wait: 0s, group_interval: 1s}
receivers: [{name: ops, channels: [m]}]
"""
BROKEN = {
    "alerts/own.yaml": RULES.replace("== 1", "=== 1"),
    "alerts/routes.yaml": ROUTES.replace("name: ops", "name: others"),
}


@pytest.fixture
def shared(postgres: Postgres) -> Iterator[Database]:
    name = databases.create(postgres)
    database = Database.open(databases.url(postgres, name))
    yield database
    database.close()
    databases.drop(postgres, name)


def laid_out(root: Path, shared: Database, target: Server, receiver: Receiver) -> Path:
    channel = {
        "kind": "webhook", "url": receiver.url, "secret_file": "hook.secret", "gets": "routed",
        "allow_private": True,
    }  # fmt: skip
    lay_out(
        root, {"shop": service(probe_of(target.address))},
        database=shared.url.render_as_string(hide_password=False),
        alerts={"interval": "1s"}, channels={"m": channel},
    )  # fmt: skip
    secret(root / "hook.secret", "whsec_" + "A" * 32)
    (root / "alerts").mkdir()
    (root / "alerts/own.yaml").write_text(RULES)
    (root / "alerts/routes.yaml").write_text(ROUTES)
    return root


def told(receiver: Receiver) -> list[tuple[str, str]]:
    """Return the status of each message about an alert, by its key; a repeat counts once."""
    found = {
        header(one, b"webhook-id").decode(): json.loads(body(one))["notice"]["status"]
        for one in tuple(receiver.requests)
    }
    return [(status, key) for key, status in found.items()]


def statuses(receiver: Receiver) -> list[str]:
    return [status for status, _ in told(receiver)]


def kinds(shared: Database) -> list[str]:
    query = sa.text("SELECT kind FROM ledger WHERE kind LIKE 'alert.%ed' ORDER BY seq")
    with shared.read() as connection:
        return [kind for (kind,) in connection.execute(query) if kind != "alert.notified"]


def breaks_and_mends(serving: Serving, root: Path) -> None:
    """Let a process read files with mistakes; it says so once for each, and goes on as before."""
    for number, (name, text) in enumerate(BROKEN.items(), 1):
        good = (root / name).read_text()
        (root / name).write_text(text)
        serving.send(signal.SIGHUP)
        serving.says("reload.failed", times=number)
        (line,) = [one for one in serving.lines if "reload.failed" in one][number - 1 :]
        assert name in line
        (root / name).write_text(good)
    assert b"opskit_config_last_reload_successful 0" in serving.ask("/metrics").body


def test_what_fires_is_told_once_and_ends_once_whatever_happens_to_files_and_processes(
    tmp_path: Path, shared: Database
) -> None:
    with Server(page()) as target, Receiver(plain(b"ok")) as receiver:
        root = laid_out(tmp_path / "ops", shared, target, receiver)
        with Serving(root) as first, Serving(root) as second:
            soon(lambda: any("standby" in x for x in (*first.lines, *second.lines)), "a standby")
            behind = any("standby" in line for line in first.lines)
            leads, waits = (second, first) if behind else (first, second)
            leads.says("seen=up")
            target.stop()
            soon(lambda: statuses(receiver) == ["firing"], "it is told")
            breaks_and_mends(leads, root)
            leads.end(signal.SIGKILL)
            waits.says("leading")
            waits.says("seen=down")
            waits.ready()
            assert statuses(receiver) == ["firing"]
            assert kinds(shared) == ["alert.fired"]
            target.start()
            soon(lambda: statuses(receiver) == ["firing", "resolved"], "its end is told")
    assert kinds(shared) == ["alert.fired", "alert.resolved"]
