"""What the tests of rules share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.inside import Inside, inside as runner


@pytest.fixture
def inside(
    ops: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Inside:
    """Run commands in the ops repository, inside this process."""
    return runner(ops, monkeypatch, capsys)
