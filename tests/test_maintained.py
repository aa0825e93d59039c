"""Work that is announced for as long as a run lasts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from opskit.app import App
from opskit.core.errors import ConfigError
from opskit.monitor.store import maintenance
from opskit.records.ledger import entries
from tests.monitor.world import tcp


@pytest.fixture
def app(ops: Path) -> Iterator[App]:
    services = {"services": {"shop": {"owner": "web", "probes": [tcp()]}}}
    (ops / "services.yaml").write_text(json.dumps(services))
    found = App.find(ops / "opskit.yaml", {})
    yield found
    found.database.close()


def still_open(app: App) -> list[str]:
    with app.database.read() as connection:
        return [one.service for one in maintenance.still_open(connection)]


def kinds(app: App) -> list[str]:
    with app.database.read() as connection:
        return [one.kind for one in entries(connection) if one.kind.startswith("maintenance")]


def test_work_is_announced_while_it_lasts(app: App) -> None:
    with app.maintained(("shop",), "fleet apply P-1"):
        assert still_open(app) == ["shop"]
    assert still_open(app) == []
    assert kinds(app) == ["maintenance.opened", "maintenance.closed"]


def test_work_that_fails_is_over_too(app: App) -> None:
    with pytest.raises(KeyboardInterrupt), app.maintained(("shop",), "fleet apply P-1"):
        raise KeyboardInterrupt
    assert still_open(app) == []


def test_without_a_service_nothing_is_announced(app: App) -> None:
    with app.maintained((), "fleet apply P-1"):
        assert kinds(app) == []


def test_a_service_that_is_none_is_refused_before_anything_is_changed(app: App) -> None:
    with (
        pytest.raises(ConfigError, match="no service 'shp'"),
        app.maintained(("shp",), "fleet apply P-1"),
    ):
        pytest.fail("nothing may be changed")
