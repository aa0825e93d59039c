"""Every exit code, met by the real process, each with what it means and nothing it does not."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from opskit.core.clock import SystemClock
from opskit.core.errors import ExitCode
from opskit.outside.database import Database
from opskit.records.outbox import Outbox
from tests.conftest import Finished, Opskit

SERVICES = """
services:
  shop:
    owner: web
    probes:
      - {{kind: tcp, address: "127.0.0.1:{port}", timeout: 5s, confirm_after: 100ms}}
"""
# A command with a mistake in it, as every program has one: the boundary must hold all the same.
BUG = """
import sys
from opskit.app import App
from opskit.cli import main
def find(cls, *args, **kwargs):
    raise ZeroDivisionError("password=hunter22 was in a variable")
App.find = classmethod(find)
main.main()
"""


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Hold a port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def bug(cwd: Path, **environment: str | None) -> Finished:
    """Run a command that has a bug; a variable given as None is taken away."""
    own = {**os.environ, **{name: text for name, text in environment.items() if text is not None}}
    for name in [name for name, text in environment.items() if text is None]:
        own.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", BUG, "config", "show"],
        cwd=cwd, env=own, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return Finished(done.returncode, done.stdout, done.stderr)


def test_0_looked_at_everything(opskit: Opskit) -> None:
    done = opskit("config", "show")
    assert (done.code, done.err) == (ExitCode.OK, "")
    assert "playbooks/standard.yml" in done.out


def test_1_findings(ops: Path, opskit: Opskit, closed_port: int) -> None:
    (ops / "services.yaml").write_text(SERVICES.format(port=closed_port))
    done = opskit("monitor", "probe")
    assert done.code == ExitCode.FINDINGS
    assert "down" in done.out


def test_2_usage(opskit: Opskit) -> None:
    done = opskit("monitor", "probe", "--lop")
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert "--loop" in done.err
    assert "next: opskit monitor probe --help" in done.err


def test_2_configuration(ops: Path, opskit: Opskit) -> None:
    (ops / "opskit.yaml").unlink()
    done = opskit("config", "show")
    assert (done.code, done.out) == (ExitCode.USAGE, "")
    assert "next: lay out an ops repository with: opskit init DIR" in done.err


def test_3_could_not_determine(ops: Path, opskit: Opskit, closed_port: int) -> None:
    (ops / "services.yaml").write_text(SERVICES.format(port=closed_port))
    done = opskit("monitor", "status")
    assert done.code == ExitCode.UNDETERMINED
    assert "never probed" in done.out


def test_4_work_failed(ops: Path, opskit: Opskit, closed_port: int) -> None:
    (ops / "secret").write_text("whsec_c2VjcmV0")
    (ops / "secret").chmod(0o600)
    with (ops / "opskit.yaml").open("a") as stream:
        url = f"http://127.0.0.1:{closed_port}/"
        stream.write(f"webhook: {{url: '{url}', secret_file: secret, allow_private: true}}\n")
    assert opskit("ledger", "verify").code == ExitCode.OK  # it makes the database
    database = Database.open(f"sqlite:///{ops}/.opskit/opskit.db")
    with database.write() as connection:
        Outbox(database, SystemClock()).owe(connection, "key-1", "webhook", {"type": "test"})
    database.close()
    done = opskit("outbox", "deliver")
    assert done.code == ExitCode.FAILED
    assert "0 sent, 1 to be tried again" in done.err


def test_5_refused(ops: Path, opskit: Opskit) -> None:
    done = opskit("init", ".")
    assert (done.code, done.out) == (ExitCode.REFUSED, "")
    assert "opskit: refused: " in done.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_130_interrupted(ops: Path, home: Path, closed_port: int, number: signal.Signals) -> None:
    (ops / "services.yaml").write_text(SERVICES.format(port=closed_port))
    argv = [sys.executable, "-m", "opskit", "monitor", "probe", "--loop"]
    with subprocess.Popen(
        argv, cwd=ops, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert "shop" in process.stdout.readline()
            process.send_signal(number)
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == ExitCode.INTERRUPTED
    assert err.strip() == "opskit: stopped: interrupted"


def test_70_names_a_log_that_only_its_owner_reads(ops: Path, home: Path) -> None:
    done = bug(ops)
    assert (done.code, done.out) == (ExitCode.BUG, "")
    (log,) = (home / ".local" / "state" / "opskit").iterdir()
    assert str(log) in done.err
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.parent.stat().st_mode & 0o777 == 0o700
    text = log.read_text()
    assert "Traceback" in text
    assert "ZeroDivisionError" in text
    assert "config', 'show" in text


def test_70_shows_no_traceback_and_keeps_secrets_to_itself(ops: Path, home: Path) -> None:
    done = bug(ops)
    assert "ZeroDivisionError" in done.err
    assert len(done.err.splitlines()) == 2
    (log,) = (home / ".local" / "state" / "opskit").iterdir()
    assert "hunter22" not in done.err + log.read_text()


def test_70_goes_where_xdg_says(ops: Path, home: Path, tmp_path: Path) -> None:
    done = bug(ops, XDG_STATE_HOME=str(tmp_path / "elsewhere"))
    (log,) = (tmp_path / "elsewhere" / "opskit").iterdir()
    assert str(log) in done.err
    assert not (home / ".local").exists()


def test_70_says_so_when_not_even_the_log_can_be_written(ops: Path, home: Path) -> None:
    home.rmdir()
    home.write_text("a file stands where the home should be")
    done = bug(ops)
    assert done.code == ExitCode.BUG
    assert "the details could not be written" in done.err
    assert "Traceback" not in done.err


def test_70_without_a_home_at_all(ops: Path, home: Path) -> None:
    # As in a container that runs under a number nobody has a name for.
    nobody = "import pwd\ndef nobody(uid): raise KeyError(uid)\npwd.getpwuid = nobody\n"
    own = {name: text for name, text in os.environ.items() if name != "HOME"}
    done = subprocess.run(
        [sys.executable, "-c", nobody + BUG, "config", "show"],
        cwd=ops, env=own, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == ExitCode.BUG
    assert "the details could not be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_needs_no_home(
    ops: Path, opskit: Opskit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setenv("XDG_STATE_HOME", str(ops / "state"))
    assert opskit("ledger", "verify").code == ExitCode.OK
    assert not (ops / "state").exists()


def test_a_working_directory_that_is_gone_is_no_bug(tmp_path: Path, home: Path) -> None:
    script = "import os; os.rmdir(os.getcwd()); from opskit.cli.main import main; main()"
    gone = tmp_path / "gone"
    gone.mkdir()
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, "config", "show"],
        cwd=gone, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == ExitCode.USAGE, done.stderr
    assert "Traceback" not in done.stderr
