"""Commands: the exit status is the verdict, the numbers are kept, nothing else gets through."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given, strategies as st

from opskit.core.text import clean
from opskit.monitor.kinds import Around, Sight
from opskit.monitor.model import Seen
from opskit.monitor.probes.command import performance, reason_of
from tests.monitor.probes.looking import look


def sh(near: Around, script: str, **settings: Any) -> Sight:
    return look({"kind": "command", "command": ["sh", "-c", script], **settings}, near)


@pytest.mark.parametrize(
    ("status", "seen"),
    [(0, Seen.UP), (1, Seen.DEGRADED), (2, Seen.DOWN), (3, Seen.UNKNOWN), (77, Seen.UNKNOWN)],
)
def test_the_exit_status_is_the_verdict(near: Around, status: int, seen: Seen) -> None:
    sight = sh(near, f"echo 'DISK bad - 12.5 GB left'; exit {status}")
    assert sight.seen is seen
    known = {0: "", 77: "it ended with exit status 77, which says nothing"}
    assert sight.reason == known.get(status, "DISK bad - # GB left")


def test_a_program_that_is_not_there_tells_nothing(near: Around) -> None:
    sight = look({"kind": "command", "command": ["/no/such/plugin"]}, near)
    assert sight.seen is Seen.UNKNOWN
    assert "cannot run /no/such/plugin" in sight.reason


def test_it_sees_little_of_the_environment(near: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSKIT_TOKEN", "t0k3n")
    seen = sh(
        near, 'test -z "$OPSKIT_TOKEN$HOME" && test "$MORE" = yes', environment={"MORE": "yes"}
    )
    assert seen.seen is Seen.UP


def test_it_runs_where_services_yaml_is_and_is_asked_nothing(near: Around, tmp_path: Path) -> None:
    (tmp_path / "plugin").write_text('#!/bin/sh\nread line; test -z "$line"\n')
    (tmp_path / "plugin").chmod(0o755)
    assert look({"kind": "command", "command": ["./plugin"]}, near).seen is Seen.UP


def test_no_shell_reads_its_arguments(near: Around, tmp_path: Path) -> None:
    look({"kind": "command", "command": ["echo", "; touch planted", "$(touch planted)"]}, near)
    assert not (tmp_path / "planted").exists()


def test_all_it_started_ends_with_it(near: Around, tmp_path: Path) -> None:
    script = f"setsid sleep 600 & echo $! > {tmp_path}/pid; exec >/dev/null 2>&1; sleep 600"
    sight = sh(near, script, timeout="1s")
    assert (sight.seen, sight.reason) == (Seen.DOWN, "it did not end within 1 s")
    with contextlib.suppress(psutil.NoSuchProcess):
        left = psutil.Process(int((tmp_path / "pid").read_text()))
        assert left.status() == psutil.STATUS_ZOMBIE


def facts(output: str) -> list[tuple[str, str]]:
    """Return the labels of what is kept."""
    return [(one.labels[0][1], one.labels[1][1]) for one in performance(output)]


@pytest.mark.parametrize(
    ("output", "known"),
    [
        ("OK", []),
        ("OK | time=0.5s;1;2;0;10", [(0.5, "time", "seconds")]),
        ("OK | 'a b'=12ms 'c'=3us", [(0.012, "a b", "seconds"), (3e-6, "c", "seconds")]),
        ("OK | /=50%;80;90 n=-3 t=4c", [(0.5, "/", "ratio"), (-3, "n", ""), (4, "t", "total")]),
        (
            "OK | a=1KB b=2MB c=3B",
            [(1024, "a", "bytes"), (2097152, "b", "bytes"), (3, "c", "bytes")],
        ),
        ("OK | a=1\nmore\nlast | b=2", [(1, "a", ""), (2, "b", "")]),
        ("OK | a=U b=1furlong c= =3 d==4 e=nan", []),
        ("OK | 'x\x1b[31m'=1", [(1, r"x\x1b[31m", "")]),
        ("OK | " + " ".join(f"n{i}=1" for i in range(500)), [(1, f"n{i}", "") for i in range(50)]),
    ],
)
def test_numbers_are_read_as_nagios_writes_them(
    output: str, known: list[tuple[float, str, str]]
) -> None:
    assert facts(output) == [(label, unit) for _, label, unit in known]
    values = [one.value for one in performance(output)]
    assert values == pytest.approx([value for value, _, _ in known])


@given(st.text())
def test_any_output_is_read(output: str) -> None:
    assert len(list(performance(output))) <= 50
    reason = reason_of(output)
    assert clean(reason) == reason
    assert 0 < len(reason) <= 150
