"""What the tests of probes share."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.monitor.kinds import Around
from tests.monitor.probes.authority import Authority
from tests.monitor.probes.looking import around


@pytest.fixture
def near(tmp_path: Path) -> Around:
    """Return what a look may use, in a directory of its own."""
    return around(tmp_path)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Return an authority whose certificate lies in the directory of `near`."""
    return Authority(tmp_path)
