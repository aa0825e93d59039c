"""What the tests of rules share."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.alerts.engine import Page
from opskit.app import App
from opskit.core.metrics import Family
from opskit.monitor.pulse import Pulse
from opskit.outside.eventlog import EventLog
from opskit.serve.alerter import Alerter
from tests.cli.inside import Inside, inside as runner

SERVICES = """\
services:
  shop:
    owner: web
    objective: {availability: "99.9%", over: 28d}
    probes: [{kind: tcp, address: "127.0.0.1:1", confirm_after: 100ms}]
"""


@pytest.fixture
def inside(
    ops: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Inside:
    """Run commands in the ops repository, inside this process."""
    return runner(ops, monkeypatch, capsys)


@pytest.fixture
def families(inside: Inside, ops: Path) -> tuple[Family, ...]:
    """Return what a page shows of `opskit serve` once something was looked at."""
    (ops / "services.yaml").write_text(SERVICES)
    inside("monitor", "probe")
    inside("alerts", "evaluate")
    app = App.find(ops)
    shown = app.families(Pulse(app.clock.now()))
    assert app.gatherer.faults == ()
    served = Alerter(app, EventLog(), lambda: Page(()), lambda: None).families()
    app.database.close()
    return (*shown, *served)
