"""Run the command line inside the test's own process: the same door, without a start-up each."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from opskit.cli.main import run
from tests.conftest import Finished


class Inside(Protocol):
    """Runs one command and returns how it ended."""

    def __call__(self, *arguments: str, cwd: Path | None = None) -> Finished:
        """Run `opskit ARGUMENTS` in `cwd`, by default the ops repository."""
        ...


def inside(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Inside:
    """Return a runner whose commands start in `directory`."""

    def call(*arguments: str, cwd: Path | None = None) -> Finished:
        monkeypatch.chdir(cwd or directory)
        capsys.readouterr()
        with _signals_kept():
            code = run(arguments)
        printed = capsys.readouterr()
        return Finished(int(code), printed.out, printed.err)

    return call


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Give pytest its own handler back: a command takes SIGTERM over."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
