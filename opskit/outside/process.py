"""Other processes: run one with a bound on time and output, know one again, end a whole tree."""

from __future__ import annotations

import os
import pwd
import secrets
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from opskit.core.errors import ConfigError
from opskit.core.text import decode

_CHUNK = 65_536
_MARK = "OPSKIT_PROCESS"


def account() -> str:
    """Return the name of the account this process runs as, whatever its environment says."""
    uid = os.geteuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process that a re-used number cannot be taken for: its pid and when it started."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """Return the identity of a running process, or nothing if there is none."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.Error:
            return None

    @property
    def alive(self) -> bool:
        """Return whether this very process still runs."""
        now = ProcessIdentity.of(self.pid)
        if now is None or abs(now.started - self.started) > 0.02:
            return False
        try:
            return psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


@dataclass(frozen=True, slots=True)
class Completed:
    """What a finished process left: exit status (negative: signal), output, whether it was cut."""

    status: int
    stdout: str
    stderr: str
    truncated: bool
    timed_out: bool


def run(  # the bounds are the point, each is named
    argv: Sequence[str],
    *,
    timeout: float,
    environment: Mapping[str, str],
    directory: Path | None = None,
    stdin: bytes = b"",
    limit: int = 10_000_000,
) -> Completed:
    """Run a program to its end: at most `timeout` seconds, at most `limit` bytes kept per stream.

    Raises:
        ConfigError: there is no such program.
    """
    # Marks all it starts: who left its parent is found by this.
    token = secrets.token_hex(16)
    try:
        process = subprocess.Popen(  # argv, never a shell
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,  # closing a buffered pipe to who did not read would raise here
            env={**environment, _MARK: token},
            cwd=directory,
            start_new_session=True,
        )
    except OSError as error:
        raise ConfigError(
            f"cannot run {argv[0]}: {error.strerror}", hint="opskit doctor"
        ) from error
    with process:
        try:
            feeder = threading.Thread(target=_feed, args=(process, stdin), daemon=True)
            feeder.start()
            deadline = time.monotonic() + timeout
            kept, truncated, timed_out = _collect(process, deadline, limit)
            # One that closed its output may go on without it.
            timed_out = timed_out or not _ended(process, deadline)
            if timed_out:
                _end_marked(process, token)
            process.wait()
        except BaseException:
            _end_marked(process, token)
            raise
    stdout, stderr = (decode(bytes(part)) for part in kept)
    return Completed(process.returncode, stdout, stderr, truncated, timed_out)


def _ended(process: subprocess.Popen[bytes], deadline: float) -> bool:
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def _end_marked(process: subprocess.Popen[bytes], token: str) -> None:
    """End a program and everything it started, also what has left it."""
    left = [one for one in {*descendants(process.pid), *_marked(token)} if one.pid != process.pid]
    process.kill()
    process.wait()
    end_all(left)


def _marked(token: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            if process.environ().get(_MARK) == token:
                yield process
        except (psutil.Error, OSError):
            continue  # gone, or another user's


def _feed(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None  # noqa: S101  # for the type checker: opened as a pipe
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[process.stdin.write(rest) :]
        process.stdin.close()
    except (OSError, ValueError):
        pass  # it ended, and its pipe was closed, without reading; its exit status tells the rest


def _collect(
    process: subprocess.Popen[bytes], deadline: float, limit: int
) -> tuple[tuple[bytearray, bytearray], bool, bool]:
    kept = (bytearray(), bytearray())
    truncated = False
    with selectors.DefaultSelector() as selector:
        streams: tuple[IO[bytes] | None, IO[bytes] | None] = (process.stdout, process.stderr)
        for index, stream in enumerate(streams):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, index)
        while selector.get_map():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return kept, truncated, True
            for key, _ in selector.select(remaining):
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fileobj)
                room = limit - len(kept[key.data])
                kept[key.data].extend(chunk[:room])
                truncated = truncated or len(chunk) > room
    return kept, truncated, False


def descendants(pid: int) -> list[psutil.Process]:
    """Return the live descendants of a process, session leaders among them, and itself."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def end_tree(pid: int, *, grace: float = 0.0) -> None:
    """End a process and all it started: SIGTERM and a grace where asked for, then SIGKILL.

    The tree is collected before the first signal, since children of a dead parent are lost.
    """
    end_all(descendants(pid), grace=grace)


def end_all(processes: Iterable[psutil.Process], *, grace: float = 0.0) -> None:
    """End these processes; one that is gone already is none the worse."""
    left = list(processes)
    if grace:
        for process in left:
            _signal(process, signal.SIGTERM)
        _, deaf = psutil.wait_procs(left, timeout=grace)
        left = [each for one in deaf for each in descendants(one.pid)]  # also what it began since
    for process in left:
        _signal(process, signal.SIGKILL)
    _wait(left, 5.0)


def _wait(processes: list[psutil.Process], seconds: float) -> None:
    """Wait until these are at work no more; one that only waits to be reaped is not.

    It may wait long: who has lost its parent is reaped when the system comes to it.
    """
    deadline = time.monotonic() + seconds
    left = processes
    while (left := [one for one in left if _at_work(one)]) and time.monotonic() < deadline:
        time.sleep(0.005)


def _at_work(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        pass


_LONGEST_LINE = 4_096


class Beside:
    """A program that runs beside this one; `on_line` is given each line it writes, cut if long."""

    def __init__(
        self,
        argv: Sequence[str],
        on_line: Callable[[str], None],
        *,
        environment: Mapping[str, str],
        directory: Path,
    ) -> None:
        self._process = subprocess.Popen(  # argv, never a shell
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=directory,
            start_new_session=True,
        )
        self._on_line = on_line
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101  # for the type checker: a pipe
        with self._process.stdout as stream:
            while line := stream.readline(_LONGEST_LINE):
                if text := decode(line).rstrip():
                    self._on_line(text)

    @property
    def status(self) -> int | None:
        """Return its exit status (negative: signal), or nothing while it runs."""
        return self._process.poll()

    def end(self, *, grace: float) -> int:
        """End it and all it started, unless it has ended, and return its exit status."""
        if self._process.poll() is None:  # else its number may be another's by now
            end_tree(self._process.pid, grace=grace)
        status = self._process.wait()
        self._reader.join(grace)
        return status
