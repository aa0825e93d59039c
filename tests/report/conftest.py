"""What the tests of the report share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from tests.cli.inside import Inside, inside as runner

# A busy machine is no reason to fail.
settings.register_profile("calm", settings.default, deadline=None)
settings.load_profile("calm")


@pytest.fixture
def inside(
    ops: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Inside:
    """Run commands in the ops repository, inside this process."""
    return runner(ops, monkeypatch, capsys)
