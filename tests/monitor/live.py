"""A prober that runs for real, in a process of its own, and what can be seen of it."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

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

    def __init__(self, root: Path, *arguments: str, within: Sequence[str] = ()) -> None:
        self._argv = [
            *within,
            sys.executable,
            "-m",
            "opskit",
            "monitor",
            "probe",
            *(arguments or ("--loop",)),
        ]
        self._root = root
        self.lines: list[str] = []
        self.heard: list[str] = []

    def __enter__(self) -> Self:
        """Start it."""
        self.process = subprocess.Popen(
            self._argv, cwd=self._root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        streams = ((self.process.stdout, self.lines), (self.process.stderr, self.heard))
        self._readers = [
            threading.Thread(target=self._read, args=each, daemon=True) for each in streams
        ]
        for reader in self._readers:
            reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it whatever happened."""
        self.end(signal.SIGKILL)

    @staticmethod
    def _read(stream: IO[str], lines: list[str]) -> None:
        with stream:
            # One by one: they are looked at while more come in.
            for line in stream:
                lines += [line.rstrip()]

    def hears(self, words: str) -> None:
        """Wait until it has said something on stderr."""
        soon(lambda: any(words in line for line in self.heard), repr(words))

    def says(self, words: str, times: int = 1) -> None:
        """Wait until it has said something, so many times."""
        soon(lambda: sum(words in line for line in self.lines) >= times, f"{words!r} x {times}")

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal; return the exit status and what was said on stderr."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        return self.process.returncode, "".join(f"{line}\n" for line in self.heard)
