"""Logs of one host, read whole or told why not: files collected elsewhere, or what a host gave."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from opskit.access.loglines import (
    LONGEST,
    PROGRAMS,
    Denied,
    Line,
    Login,
    Ran,
    Said,
    Stamps,
    Unclear,
    journal_line,
    line_of,
    of_json,
    said,
    unfolded,
)
from opskit.access.targets.kinds import Logs
from opskit.core.clock import Instant
from opskit.core.errors import ConfigError
from opskit.core.interval import Interval
from opskit.outside.files import translated

# A log larger than this is read in parts, or not here.
_LARGEST = 256_000_000
_LARGEST_JSON = 64_000_000
_NO_LOGIN = "no login was logged: whether sshd writes there cannot be told"
_NO_SUDO = "sudo wrote nothing: whether it logs there cannot be told"


@dataclass
class Read:
    """What the logs of one place said.

    `interval` is the time that was read whole, None with `why` where none was; `holes` are the
    instants of lines that could not be read for certain. `span` is from the first line to the last
    of files that follow on each other, whether or not they show that both programs write there.
    """

    place: str
    events: list[Said] = field(default_factory=list)
    interval: Interval | None = None
    why: str = ""
    holes: list[Instant] = field(default_factory=list)
    programs: set[str] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    span: Interval | None = None

    def hear(self, line: Line) -> None:
        """Take one line in."""
        if line.program not in PROGRAMS:
            return
        self.programs.add("sudo" if line.program.startswith("sudo") else "sshd")
        self.take(said(line))

    def take(self, event: Said | None) -> None:
        """Take in what a line says."""
        match event:
            case Unclear(at=None, why=why):
                self.why = self.why or why
            case Unclear(at=at) if at is not None:
                self.holes.append(at)
            case Login() | Ran() | Denied():
                self.events.append(event)

    def covers(self, interval: Interval) -> None:
        """Say that a time was read whole, if the lines show that both programs write there."""
        if not any(isinstance(one, Login) for one in self.events):
            self.why = self.why or _NO_LOGIN
        if "sudo" not in self.programs:
            self.why = self.why or _NO_SUDO
        self.interval = None if self.why else interval

    def parts(self) -> Iterator[Interval]:
        """Yield the times that are covered: the interval without the holes."""
        if self.interval is None:
            return
        start = self.interval.start
        for hole in sorted(set(self.holes)):
            if start <= hole < self.interval.end:
                if start < hole:
                    yield Interval(start, hole)
                start = Instant(hole + 1)
        if start < self.interval.end:
            yield Interval(start, self.interval.end)


# Files that were collected elsewhere


def read_files(paths: Sequence[Path], place: str, stamps: Stamps) -> Read:
    """Return what log files of one host say: of syslog, of sudo, or entries of its journal.

    They cover the time from the first line of any program to the last. Files that follow on each
    other by rotation are given together; between others a gap is not known to be one, so each
    stands for itself and only the longest of them counts.

    Raises:
        ConfigError: a file is not there, too large, or of several hosts and none is the place.
    """
    found = Read(place)
    spans: list[tuple[Path, Interval]] = []
    for path in paths:
        first, last = _read_file(path, found, stamps)
        if first is not None and last is not None:
            spans.append((path, Interval(first, Instant(last + 1))))
    if spans:
        found.span = _together(spans)
        found.covers(found.span)
    else:
        found.why = found.why or "no line with a time was there"
    return found


def _together(spans: Sequence[tuple[Path, Interval]]) -> Interval:
    """Return the longest time that rotated files cover without a gap."""
    ordered = sorted(spans, key=lambda one: one[1].start)
    runs: list[tuple[int, Interval]] = []
    for path, span in ordered:
        turn = _turn(path)
        if runs and (span.start <= runs[-1][1].end or turn == runs[-1][0] - 1):
            runs[-1] = (turn, Interval(runs[-1][1].start, max(runs[-1][1].end, span.end)))
        else:
            runs.append((turn, span))
    return max((one for _, one in runs), key=lambda one: one.length)


def _turn(path: Path) -> int:
    """Return how often logrotate has turned a file: 0 for `auth.log`, 2 for `auth.log.2.gz`."""
    tail = path.name.removesuffix(".gz").rpartition(".")[2]
    return int(tail) if tail.isascii() and tail.isdigit() and len(tail) < 4 else 0


def _read_file(path: Path, found: Read, stamps: Stamps) -> tuple[Instant | None, Instant | None]:
    with translated(path), path.open("rb") as plain:
        if path.stat().st_size > _LARGEST:
            raise ConfigError(f"{path} is larger than {_LARGEST:,} bytes", hint="split it by day")
        packed = path.name.endswith(".gz")
        stream = cast("IO[bytes]", gzip.GzipFile(fileobj=plain)) if packed else plain
        try:
            return _read_stream(stream, found, stamps)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ConfigError(f"{path} cannot be unpacked: {error}") from error


def _read_stream(
    stream: IO[bytes], found: Read, stamps: Stamps
) -> tuple[Instant | None, Instant | None]:
    start = stream.peek(1)[:200].lstrip()  # type: ignore[attr-defined]  # both are buffered
    if start.startswith(b"{") and b'"__' not in start:
        return _read_objects(stream, found)
    reader = _reader(start.decode("ascii", "replace"))
    return _read_lines(reader, _lines(stream), found, stamps)


def _read_objects(stream: IO[bytes], found: Read) -> tuple[Instant | None, Instant | None]:
    text = stream.read(_LARGEST_JSON + 1)
    if len(text) > _LARGEST_JSON:
        found.why = "sudo's JSON is too large to be read whole"
    found.programs.add("sudo")
    times: list[Instant] = []
    for one in of_json(text[:_LARGEST_JSON].decode("utf-8", "surrogateescape")):
        found.take(one)
        times += [] if one.at is None else [one.at]
    return min(times, default=None), max(times, default=None)


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """Yield lines, only ended by a newline; of one without end no more than can be told apart."""
    total = 0
    while raw := stream.readline(LONGEST + 2):
        whole = raw
        while not whole.endswith(b"\n"):
            whole = stream.readline(LONGEST)
            if not whole:
                break
            total += len(whole)
        total += len(raw)
        if total > _LARGEST:
            raise ConfigError(f"the log is larger than {_LARGEST:,} bytes", hint="split it by day")
        yield raw.removesuffix(b"\n").decode("utf-8", "surrogateescape")


def _read_lines(
    reader: _Reader, lines: Iterable[str], found: Read, stamps: Stamps
) -> tuple[Instant | None, Instant | None]:
    first: Instant | None = None
    last: Instant | None = None
    of_host: dict[str, list[Line]] = {}
    for text in unfolded(lines):
        line = reader(text, found, stamps)
        if line is None:
            continue
        first = line.at if first is None else min(first, line.at)
        last = line.at if last is None else max(last, line.at)
        kept = of_host.setdefault(line.host, [])
        if line.program in PROGRAMS:
            kept.append(line)
    for host in _own(of_host, found.place):
        found.hosts.add(host)
        for line in of_host[host]:
            found.hear(line)
    return first, last


# How one line of a log is read, which also tells the log what could not be.
_Reader = Callable[[str, Read, Stamps], Line | None]


def _reader(start: str) -> _Reader:
    """Return what reads the lines of a log that starts so: one kind of line, never both."""
    return _entry if start.lstrip().startswith("{") else _syslog


def _syslog(text: str, found: Read, stamps: Stamps) -> Line | None:
    if len(text) > LONGEST:
        cut = line_of(text[:1000], stamps)
        if cut is not None and cut.program in PROGRAMS:
            found.holes.append(cut.at)
        return None
    return line_of(text, stamps)


def _entry(text: str, found: Read, _: Stamps) -> Line | None:
    entry = journal_line(text) if text.strip() else None
    if isinstance(entry, Unclear):
        found.take(entry)
        return None
    return entry


def _own(of_host: Mapping[str, object], place: str) -> tuple[str, ...]:
    """Return by which names the lines of a place are told; a log of one host is its log.

    Raises:
        ConfigError: there are several, and none is the place's.
    """
    if len(of_host) <= 1:
        return tuple(of_host)
    label = place.partition(".")[0]
    own = tuple(name for name in of_host if name.partition(".")[0] == label)
    if not own:
        names = ", ".join(sorted(of_host)[:5])
        raise ConfigError(
            f"the log is of several hosts, and none is {place}: {names}", hint="--host NAME"
        )
    return own


# What a host gave of its own logs


def read_logs(host: str, logs: Logs, stamps: Stamps) -> Read:
    """Return what the logs of a host say."""
    found = Read(host, why=logs.why)
    reader = _reader(logs.lines[0] if logs.lines else "")
    for text in logs.lines:
        line = reader(text, found, stamps)
        if line is not None:
            found.hear(line)
    if not found.why:
        found.covers(Interval(logs.since, max(logs.since, logs.until)))
    found.events = [one for one in found.events if one.at is None or one.at < logs.until]
    return found
