"""A real node_exporter is scraped, what it tells is kept, foreseen, and shown to Prometheus."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from opskit.core.clock import DAY, MINUTE, Instant, SystemClock
from opskit.monitor.store import samples
from opskit.monitor.store.samples import Metric
from opskit.outside.database import Database, sqlite_url
from tests.cli.inside import Inside
from tests.monitor.probes.wells import Ground, scrape
from tests.rig.plugin import require

MEMORY = Metric("host/scrape", "memory_used_ratio", ())
EXPORTER = "prometheus-node-exporter"


def grown(ops: Path) -> None:
    """Plant two days before now in which memory filled from a tenth to a fifth."""
    database, now = Database.open(sqlite_url(ops / ".opskit" / "opskit.db")), SystemClock().now()
    step, count = 30 * MINUTE, 2 * DAY // (30 * MINUTE)
    with database.write() as connection:
        for number in range(count):
            at = Instant(now - (count - number) * step)
            samples.insert(connection, at, {MEMORY: 0.1 + 0.1 * number / count})
    database.close()


def test_what_a_real_node_exporter_tells_is_on_the_page(
    inside: Inside, ops: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    require(None if shutil.which(EXPORTER) else f"{EXPORTER} is missing")
    keep = ["node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes", "node_load1"]
    with scrape(Ground(tmp_path, request)) as settings:
        probe = {**settings, "keep": keep}
        services = {"host": {"owner": "web", "probes": [probe]}}
        (ops / "services.yaml").write_text(json.dumps({"services": services}))
        assert inside("monitor", "probe", "host").code == 0
        grown(ops)
    page = inside("metrics").out
    told = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    labels = 'service="host",target="host/scrape"'
    assert 0 < float(told[f"opskit_memory_used_ratio{{{labels}}}"]) < 1
    of_memory = {name for name in told if name.startswith("opskit_forecast_state{")}
    assert any('metric="memory_used_ratio"' in name for name in of_memory)
    forecasts = json.loads(inside("monitor", "forecast", "--json").out)["forecasts"]
    assert [one["metric"] for one in forecasts] == ["memory_used_ratio"]
