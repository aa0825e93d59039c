"""Other processes: bounded in time and output, known again, ended with all they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

import psutil
import pytest

from opskit.core.errors import ConfigError
from opskit.outside.process import (
    Completed,
    ProcessIdentity,
    descendants,
    end_all,
    end_tree,
    run,
)

PATH = {"PATH": os.environ["PATH"]}
MEGABYTE = 1_000_000
SOON = 1.0  # enough for a shell to say its first word, also on a busy machine


def shell(script: str, timeout: float = 60, stdin: bytes = b"", limit: int = MEGABYTE) -> Completed:
    return run(["sh", "-c", script], timeout=timeout, environment=PATH, stdin=stdin, limit=limit)


def running(pid: int) -> bool:
    """Tell whether a process is at work; one that only waits to be reaped is not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def ends(pid: int) -> bool:
    """Wait until a process that was killed is gone, which the kernel does when it gets to it."""
    try:
        psutil.Process(pid).wait(timeout=10)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return not running(pid)
    return True


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


# To the end


def test_status_and_both_streams_are_kept_apart() -> None:
    done = shell("echo out; echo err >&2; exit 3")
    assert done == Completed(3, "out\n", "err\n", truncated=False, timed_out=False)


def test_a_signal_is_a_negative_status() -> None:
    assert shell("kill -9 $$").status == -signal.SIGKILL


def test_of_the_callers_environment_only_what_is_given_is_passed_on() -> None:
    done = run(["env"], timeout=60, environment={**PATH, "GREETING": "hello"})
    lines = [line for line in done.stdout.splitlines() if not line.startswith("OPSKIT_")]
    assert sorted(lines) == ["GREETING=hello", f"PATH={os.environ['PATH']}"]


def test_one_that_ends_before_all_was_fed_is_told_by_its_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def half_fed(process: subprocess.Popen[bytes], data: bytes) -> None:
        assert process.stdin is not None
        with suppress(OSError, ValueError):
            process.stdin.write(data)

    monkeypatch.setattr("opskit.outside.process._feed", half_fed)
    assert shell("exit 3", stdin=b"never read").status == 3


def test_it_runs_in_the_directory_given(tmp_path: Path) -> None:
    done = run(["pwd", "-P"], timeout=60, environment=PATH, directory=tmp_path)
    assert Path(done.stdout.strip()) == tmp_path.resolve()


def test_arguments_meet_no_shell() -> None:
    done = run(["echo", "$(id)", "; id", "*"], timeout=60, environment=PATH)
    assert done.stdout == "$(id) ; id *\n"


def test_output_that_is_no_utf_8_is_shown() -> None:
    assert shell(r"printf 'caf\351'").stdout == r"caf\xe9"


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 3 * MEGABYTE])
@pytest.mark.timeout(30)
def test_what_is_fed_comes_back(size: int) -> None:
    done = run(["cat"], timeout=25, environment=PATH, stdin=b"x" * size, limit=4 * MEGABYTE)
    assert (len(done.stdout), done.truncated, done.timed_out) == (size, False, False)


@pytest.mark.parametrize("size", [1, 3 * MEGABYTE])
@pytest.mark.timeout(30)
def test_a_program_that_does_not_read_is_none_the_worse(size: int) -> None:
    done = shell("exit 7", stdin=b"x" * size)
    assert (done.status, done.timed_out) == (7, False)


@pytest.mark.parametrize(
    "argv", [["opskit-no-such-program"], ["/nonexistent/program"], ["/"], ["/etc/hostname"]]
)
def test_what_cannot_be_run_is_one_line(argv: list[str]) -> None:
    with pytest.raises(ConfigError, match=f"^cannot run {argv[0]}: "):
        run(argv, timeout=60, environment=PATH)


# Bounded output


@pytest.mark.parametrize(
    ("size", "kept", "truncated"), [(99, 99, False), (100, 100, False), (101, 100, True)]
)
def test_output_is_kept_up_to_the_limit(size: int, kept: int, truncated: bool) -> None:
    done = shell(f"head -c {size} /dev/zero | tr '\\0' x", limit=100)
    assert (done.stdout, done.truncated) == ("x" * kept, truncated)


@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_flood_is_cut_and_the_program_not_held_up(stream: str) -> None:
    done = shell(f"head -c 20000000 /dev/zero >&{stream}; exit 5", limit=1_000)
    assert len(done.stdout) + len(done.stderr) == 1_000
    assert (done.status, done.truncated, done.timed_out) == (5, True, False)


def test_both_streams_may_flood_at_once() -> None:
    done = shell("head -c 9000000 /dev/zero >&2 & head -c 9000000 /dev/zero; wait", limit=500)
    assert (len(done.stdout), len(done.stderr), done.status) == (500, 500, 0)


# Bounded time


def test_at_the_deadline_it_is_ended() -> None:
    done = shell("echo begun; exec sleep 1000", timeout=SOON)
    assert (done.status, done.stdout, done.timed_out) == (-signal.SIGKILL, "begun\n", True)


def test_an_endless_flood_ends_at_the_deadline() -> None:
    done = shell("exec cat /dev/zero", timeout=SOON, limit=1_000)
    assert (len(done.stdout), done.truncated, done.timed_out) == (1_000, True, True)


@pytest.mark.timeout(30)
def test_a_program_that_never_reads_ends_at_the_deadline() -> None:
    assert shell("exec sleep 1000", timeout=SOON, stdin=b"x" * MEGABYTE).timed_out


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("sleep 1000 & echo $!; wait", id="child"),
        pytest.param("sh -c 'sleep 1000 & echo $!; wait'; true", id="grandchild"),
        pytest.param("setsid sleep 1000 & echo $!; wait", id="session of its own"),
        pytest.param("sh -c 'setsid sleep 1000 & echo $!; wait' & wait", id="grandchild session"),
        pytest.param("trap '' TERM HUP INT; sleep 1000 & echo $!; wait", id="deaf"),
        pytest.param("nohup sleep 1000 2>&1 & echo $!; wait", id="nohup"),
        pytest.param("sleep 1000 & echo $!; exit 0", id="left by a parent that is gone"),
    ],
)
def test_at_the_deadline_all_it_started_is_ended(script: str) -> None:
    done = shell(script, timeout=SOON)
    pid = int(done.stdout)
    try:
        assert done.timed_out
        assert ends(pid)
    finally:
        if running(pid):
            os.kill(pid, signal.SIGKILL)


class Stopped(BaseException):
    """Stands for Ctrl-C."""


def test_what_it_started_ends_with_an_interrupted_caller(tmp_path: Path) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Stopped

    before = signal.signal(signal.SIGUSR1, stop)
    try:
        # What is fed is read first: by then the caller follows the program.
        script = f"read go; sleep 1000 & echo $! > {tmp_path}/pid; kill -USR1 $PPID; wait"
        with pytest.raises(Stopped):
            shell(script, stdin=b"go\n")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert ends(int((tmp_path / "pid").read_text()))


# Known again


def test_a_running_process_is_known(sleeper: subprocess.Popen[bytes]) -> None:
    identity = ProcessIdentity.of(sleeper.pid)
    assert identity is not None
    assert identity.alive
    assert ProcessIdentity.of(sleeper.pid) == identity


def test_an_ended_process_is_not_alive_before_nor_after_it_is_reaped(
    sleeper: subprocess.Popen[bytes],
) -> None:
    identity = ProcessIdentity.of(sleeper.pid)
    assert identity is not None
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(sleeper.pid).status() == psutil.STATUS_ZOMBIE
    assert not identity.alive
    sleeper.wait()
    assert not identity.alive
    assert ProcessIdentity.of(sleeper.pid) is None


def test_another_process_with_the_same_number_is_not_taken_for_it(
    sleeper: subprocess.Popen[bytes],
) -> None:
    now = ProcessIdentity.of(sleeper.pid)
    assert now is not None
    for started in (now.started - 3_600, now.started - 0.1, now.started + 0.1):
        assert not ProcessIdentity(sleeper.pid, started).alive


@pytest.mark.parametrize("pid", [2**22 + 1, 2**31 - 1])
def test_there_is_no_process_with_that_number(pid: int) -> None:
    assert ProcessIdentity.of(pid) is None
    assert not ProcessIdentity(pid, 0.0).alive
    assert descendants(pid) == []


# Ended


def test_a_tree_is_a_process_and_all_below_it() -> None:
    script = "sh -c 'sleep 1000 & echo $!; wait' & wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        sleeping = int(process.stdout.readline())
        tree = descendants(process.pid)
        end_tree(process.pid)
    assert tree[0].pid == process.pid
    assert len(tree) == 3
    assert tree[-1].pid == sleeping
    assert all(ends(each.pid) for each in tree)


POLITE = """
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(os.write(1, b"tidied up\\n") and None))
os.write(1, b"ready\\n")
signal.pause()
"""


def test_a_grace_lets_a_process_tidy_up() -> None:
    with subprocess.Popen([sys.executable, "-c", POLITE], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        end_tree(process.pid, grace=30)
        assert process.stdout.read() == b"tidied up\n"


@pytest.fixture
def deaf() -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Start shells that do something at SIGTERM, and stay."""
    with ExitStack() as stack:

        def start(at_the_end: str) -> subprocess.Popen[bytes]:
            script = f"trap '{at_the_end}' TERM; echo ready; while :; do read word; done"
            process = stack.enter_context(
                subprocess.Popen(
                    ["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            return process

        yield start


def test_a_process_that_is_deaf_is_killed_after_its_grace(
    deaf: Callable[[str], subprocess.Popen[bytes]],
) -> None:
    process = deaf("")
    end_tree(process.pid, grace=0.2)
    assert ends(process.pid)


def test_what_is_started_during_the_grace_ends_as_well(
    deaf: Callable[[str], subprocess.Popen[bytes]],
) -> None:
    process = deaf("sleep 1000 & echo $!")
    end_tree(process.pid, grace=SOON)
    assert process.stdout is not None
    started = int(process.stdout.readline())
    try:
        assert ends(process.pid)
        assert ends(started)
    finally:
        if running(started):
            os.kill(started, signal.SIGKILL)


def test_to_end_what_is_gone_is_nothing(sleeper: subprocess.Popen[bytes]) -> None:
    process = psutil.Process(sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    end_all([process])
    end_tree(sleeper.pid)


def test_a_program_that_closes_its_output_and_goes_on_is_ended() -> None:
    done = shell("exec >&- 2>&-; sleep 600", timeout=SOON)
    assert done.timed_out
    assert done.status < 0
