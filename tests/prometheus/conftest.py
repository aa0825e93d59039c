"""The month that a real Prometheus holds, built once for all tests that ask it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.prometheus.recorded import Month
from tests.rig import prometheus as rig
from tests.rig.plugin import require
from tests.rig.prometheus import Prometheus


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Run a Prometheus that recorded the month of `tests.prometheus.recorded`."""
    require(rig.available())
    with Prometheus(tmp_path_factory.mktemp("prometheus"), Month().lines()) as running:
        yield running
