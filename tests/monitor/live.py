"""A prober that runs for real, in a process of its own, and what can be seen of it."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE = 30.0


def soon(holds: Callable[[], bool], what: str) -> None:
    """Wait until something can be observed, and fail if that takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"never happened: {what}"
        threading.Event().wait(0.05)


def rows(root: Path, query: str) -> list[tuple[object, ...]]:
    """Return what the database of an ops repository holds, read from outside."""
    with sqlite3.connect(f"file:{root}/.opskit/opskit.db?mode=ro", uri=True) as connection:
        return connection.execute(query).fetchall()


class Loop:
    """`opskit monitor probe --loop`; `lines` is what it has said so far."""

    def __init__(self, root: Path, *arguments: str) -> None:
        self._argv = [
            sys.executable,
            "-m",
            "opskit",
            "monitor",
            "probe",
            *(arguments or ("--loop",)),
        ]
        self._root = root
        self.lines: list[str] = []

    def __enter__(self) -> Self:
        """Start it."""
        self.process = subprocess.Popen(
            self._argv, cwd=self._root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it whatever happened."""
        self.end(signal.SIGKILL)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def says(self, words: str, times: int = 1) -> None:
        """Wait until it has said something, so many times."""
        soon(lambda: sum(words in line for line in self.lines) >= times, f"{words!r} x {times}")

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal; return the exit status and what was said on stderr."""
        if self.process.stderr is None or self.process.stderr.closed:
            return self.process.returncode, ""
        self.process.send_signal(number)
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        with self.process.stderr as stderr:
            said = stderr.read()
        if self.process.stdout is not None:
            self.process.stdout.close()
        return self.process.returncode, said
