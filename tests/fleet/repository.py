"""An ops repository to run opskit in, and what can be seen of it from outside."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from opskit.outside.database import Database, sqlite_url
from opskit.records.ledger import Entry, entries
from tests.conftest import CASES, Finished

LOCAL = 'ansible_connection=local ansible_python_interpreter="{{ ansible_playbook_python }}"'
# Nothing here is timed: this is when a test gives up, on a machine that does much else.
DEADLINE = 240.0


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until CONDITION is true; give up with WHAT was waited for."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.02)


@dataclass(frozen=True)
class Repository:
    """An ops repository in ROOT, used with an environment of its own."""

    root: Path
    environment: Mapping[str, str]

    @classmethod
    def laid_out(cls, directory: Path, inventory: str, standard: str = "") -> Repository:
        """Return a repository with this INVENTORY, `{{ scratch }}` being a place to write to."""
        home, root = directory / "home", directory / "ops"
        for place in (home, root / "playbooks", root / "inventory", root / "scratch"):
            place.mkdir(parents=True)
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        here = cls(root, {**kept, "HOME": str(home), "COLUMNS": "120", "NO_COLOR": "1"})
        here.write(
            "opskit.yaml", "standard: playbooks/standard.yml\ninventory: [inventory/hosts.ini]\n"
        )
        shared = "" if "[all:vars]" in inventory else "\n[all:vars]\n"
        here.write("inventory/hosts.ini", f"{inventory}{shared}\nscratch={root / 'scratch'}\n")
        if standard:
            here.write("playbooks/standard.yml", standard)
        return here

    def write(self, name: str, text: str) -> Path:
        """Write TEXT to the file NAME of the repository."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def take(self, *cases: str) -> None:
        """Copy files of `tests/cases/fleet` into `playbooks/`."""
        for case in cases:
            shutil.copy(CASES / "fleet" / case, self.root / "playbooks" / case)

    @property
    def scratch(self) -> Path:
        """Where the hosts' files are."""
        return self.root / "scratch"

    @property
    def runs(self) -> list[Path]:
        """What is left of run directories."""
        return sorted((self.root / ".opskit" / "runs").glob("*"))

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of opskit, as installed."""
        return [str(Path(sys.executable).with_name("opskit")), *arguments]

    def opskit(self, *arguments: str, **environment: str) -> Finished:
        """Run opskit to its end."""
        return self.run(self.command(*arguments), **environment)

    def run(self, argv: Sequence[str], **environment: str) -> Finished:
        """Run a program to its end, in the repository and its environment."""
        done = subprocess.run(
            argv,
            cwd=self.root,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=DEADLINE,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def check(self, *arguments: str, **environment: str) -> Checked:
        """Run `fleet check --json`."""
        return Checked.of(self.opskit("fleet", "check", "--json", *arguments, **environment))

    def apply(self, *arguments: str, **environment: str) -> Checked:
        """Run `fleet apply --yes --json`."""
        words = ("fleet", "apply", "--yes", "--json", *arguments)
        return Checked.of(self.opskit(*words, **environment))

    @contextmanager
    def started(self, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """Run opskit in the background; whatever happens, nothing of it is left."""
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.root,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="backslashreplace",
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()
            for left in self.processes():
                with _already_gone():
                    left.kill()

    def processes(self) -> list[psutil.Process]:
        """Return every process that belongs to a run of this repository."""
        found = []
        for process in psutil.process_iter():
            with _already_gone():
                at = process.environ().get("OPSKIT_RUN_DIRECTORY", "")
                if at.startswith(str(self.root)) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def oldest(self, word: str) -> psutil.Process:
        """Return the first process of the run under way that has WORD in its command line."""
        named = [process for process in self.processes() if word in _line(process)]
        return min(named, key=lambda process: process.create_time())

    def sleeping(self) -> bool:
        """Tell whether a task that sleeps is at work."""
        return any("sleep" in _line(process).split() for process in self.processes())

    def database(self) -> Database:
        """Open the repository's database."""
        return Database.open(sqlite_url(self.root / ".opskit" / "opskit.db"))

    def entries(self, *kinds: str) -> list[Entry]:
        """Return the ledger's entries of these KINDS, or all."""
        with closing(self.database()) as database, database.read() as connection:
            return [entry for entry in entries(connection) if not kinds or entry.kind in kinds]

    def kinds(self) -> list[str]:
        """Return what happened, in order."""
        return [entry.kind for entry in self.entries()]


@contextmanager
def _already_gone() -> Iterator[None]:
    try:
        yield
    except (psutil.Error, OSError):
        pass


def _line(process: psutil.Process) -> str:
    line: list[str] = []
    with _already_gone():
        line = process.cmdline()
    return " ".join(line)


@dataclass(frozen=True)
class Checked:
    """What a check or an apply said, in JSON."""

    finished: Finished
    data: Mapping[str, Any]

    @classmethod
    def of(cls, finished: Finished) -> Checked:
        """Return FINISHED with its JSON read; without JSON its complaint is the failure."""
        assert finished.out, finished.err
        return cls(finished, json.loads(finished.out))

    @property
    def code(self) -> int:
        """The exit code."""
        return self.finished.code

    @property
    def verdicts(self) -> dict[str, str]:
        """Each host's verdict."""
        return {host["host"]: host["verdict"] for host in self.data["hosts"]}

    def host(self, name: str) -> Mapping[str, Any]:
        """Return what was said of the host NAME."""
        return next(host for host in self.data["hosts"] if host["host"] == name)

    def drift(self, name: str) -> list[tuple[str, str]]:
        """Return (task, item) of each deviation of the host NAME."""
        return [(drift["task"], drift["item"]) for drift in self.host(name)["drift"]]

    def not_evaluated(self, name: str) -> list[tuple[str, str]]:
        """Return (task, reason) of what was not looked at on the host NAME."""
        return [(one["task"], one["reason"]) for one in self.host(name)["not_evaluated"]]


def interrupt(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    """Send a signal to opskit; return its exit code and what it said on stderr."""
    process.send_signal(number)
    _, err = process.communicate(timeout=DEADLINE)
    return process.returncode, err
