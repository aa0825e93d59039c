"""What the tests of imports share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.inside import Inside, inside as runner
from tests.conftest import CASES

HISTORY = CASES / "history"


@pytest.fixture
def inside(
    ops: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Inside:
    """Run commands in the ops repository, inside this process."""
    return runner(ops, monkeypatch, capsys)
