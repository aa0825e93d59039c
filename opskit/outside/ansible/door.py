"""Start a run, follow it, stop it so that nothing goes on behind, and clean up after it."""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opskit.core.errors import ConfigError
from opskit.core.redact import Redactor
from opskit.core.transcript import Mode, RunnerSummary, Strategy, Transcript
from opskit.outside.ansible import mitogen, remains
from opskit.outside.ansible.transcript import record
from opskit.outside.ansible.values import unsafe
from opskit.outside.files import content_root, translated, writable_by_others
from opskit.outside.process import descendants, end_all

_POLL_SECONDS = 0.05
# SIGINT lets Ansible end its workers and write its statistics; this long, then SIGKILL.
_GRACE_SECONDS = 15.0
_ENVIRONMENT = ("HOME", "LOGNAME", "SSH_AUTH_SOCK", "TZ", "USER", "XDG_RUNTIME_DIR")
# Ansible ends at once under a locale that is not UTF-8 or not installed, as cron jobs and logins
# from elsewhere often have it. Its messages are read here, so they had better be in one language.
_LOCALE = "en_US.UTF-8" if platform.system() == "Darwin" else "C.UTF-8"

# What a dead opskit left behind gets this long between SIGTERM and SIGKILL.
_REAP_SECONDS = 2.0

Listener = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Job:
    """What to run. `variables` come from outside and are never templated.

    `hosts` are names, and come before the pattern `limit`.
    """

    playbook: Path
    inventory: tuple[Path, ...]
    project: Path
    mode: Mode
    hash_key: bytes = field(repr=False)
    limit: str = ""
    hosts: tuple[str, ...] = ()
    force_handlers: bool = False
    tags: tuple[str, ...] = ()
    forks: int = 0
    strategy: Strategy = Strategy.PLAIN
    variables: Mapping[str, object] = field(default_factory=dict)


def find_program(name: str) -> str:
    """Return the path of one of Ansible's programs: the one installed with opskit, else on PATH.

    Raises:
        ConfigError: it is not installed.
    """
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise ConfigError(f"{name} is not installed", hint="pip install ansible-core")
    return found


def environment(project: Path, caller: Mapping[str, str]) -> dict[str, str]:
    """Return the environment Ansible gets: little of the caller's, and what makes runs truthful."""
    kept = {
        name: value
        for name, value in caller.items()
        if name in _ENVIRONMENT or name.startswith("ANSIBLE_")
    }
    program = Path(find_program("ansible-playbook")).parent
    return {
        **kept,
        "LC_ALL": _LOCALE,
        "PATH": os.pathsep.join([str(program), caller.get("PATH", os.defpath)]),
        "ANSIBLE_CONFIG": _configuration(project),
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_HOST_PATTERN_MISMATCH": "error",
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True",
        "ANSIBLE_NOCOLOR": "True",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "ANSIBLE_CACHE_PLUGIN": "memory",  # what a host was like before is no look at it
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
        # Nobody is there to type a password; without one Ansible says what it could not open.
        "ANSIBLE_ASK_PASS": "False",
        "ANSIBLE_ASK_VAULT_PASS": "False",
        "ANSIBLE_BECOME_ASK_PASS": "False",
    }


def _configuration(project: Path) -> str:
    """Return the project's own ansible.cfg, or none: one from a shared directory is a trap."""
    own = project / "ansible.cfg"
    trusted = own.is_file() and not writable_by_others(project)
    return str(own if trusted else Path(__file__).with_name("neutral.cfg"))


def run(job: Job, directory: Path, caller: Mapping[str, str], listen: Listener) -> Transcript:
    """Run a job in a fresh private `directory`, of which only the callback's lines are left.

    They are kept until what follows from them is written down: `forget` removes them.
    `listen` is called with each record of the callback as it is written. Ctrl-C stops the run and
    gives the transcript up to there, marked `interrupted`.
    """
    with _private(directory):
        try:
            _describe(job, directory)
            interrupted = _follow(_start(job, directory, caller), directory, listen)
        except KeyboardInterrupt:  # before there was anything to follow, or once more meanwhile
            interrupted = True
            remains.end(directory)
        with translated(directory):
            lines = _lines(directory / "events.jsonl")
            return record(lines, _summary(directory), interrupted=interrupted)


@contextmanager
def _private(directory: Path) -> Iterator[None]:
    with translated(directory):
        directory.mkdir(mode=0o700)
    try:
        yield
    finally:
        remains.clear(directory)


def _describe(job: Job, directory: Path) -> None:
    with translated(directory):
        (directory / "runner").mkdir(mode=0o700)
        (directory / "tmp").mkdir(mode=0o700)
        variables = directory / "variables.json"
        _write_private(variables, {key: unsafe(value) for key, value in job.variables.items()})
        if job.hosts:  # in a file: thousands of names are too long for a command line
            (directory / "hosts").write_text("\n".join(job.hosts) + "\n", encoding="utf-8")
        _write_private(
            directory / "job.json",
            {
                "mode": job.mode,
                "playbook": str(job.playbook),
                "project": str(job.project),
                "cmdline": shlex.join(_arguments(job, directory)),
                "hash_key": job.hash_key.hex(),
            },
        )


def _write_private(path: Path, data: object) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(data, stream)


def _arguments(job: Job, directory: Path) -> list[str]:
    arguments = [part for source in job.inventory for part in ("-i", str(source))]
    arguments += ["--diff", "--forks", str(job.forks or default_forks())]
    arguments += ["--check"] if job.mode is Mode.CHECK else []
    limit = f"@{directory / 'hosts'}" if job.hosts else job.limit
    arguments += ["--limit", limit] if limit else []
    arguments += ["--force-handlers"] if job.force_handlers else []
    arguments += ["--tags", ",".join(job.tags)] if job.tags else []
    arguments += ["-e", f"@{directory / 'variables.json'}"] if job.variables else []
    return arguments


def default_forks() -> int:
    """Return how many hosts are worked on at once: enough to hide waiting, bounded by memory."""
    return max(10, 5 * (os.cpu_count() or 1))


def _start(job: Job, directory: Path, caller: Mapping[str, str]) -> subprocess.Popen[bytes]:
    own = environment(job.project, caller)
    enabled = [own.get("ANSIBLE_CALLBACKS_ENABLED", ""), "opskit_evidence"]
    # An apply moves facts, and gathers them anew in each play.
    enabled += ["opskit_facts"] if job.mode is Mode.CHECK else []
    plugins = [own.get("ANSIBLE_CALLBACK_PLUGINS", ""), str(callback_directory())]
    own |= {
        remains.MARK: str(directory),
        "ANSIBLE_CALLBACKS_ENABLED": ",".join(filter(None, enabled)),
        "ANSIBLE_CALLBACK_PLUGINS": ":".join(filter(None, plugins)),
        "ANSIBLE_STDOUT_CALLBACK": "opskit_silent",
        "ANSIBLE_LOCAL_TEMP": str(directory / "tmp"),
        # A check changes nothing, so it may take the faster way, which an interrupt ends less
        # cleanly; an apply may not.
        "ANSIBLE_PIPELINING": str(job.mode is Mode.CHECK),
    }
    if job.strategy is Strategy.MITOGEN:
        own |= mitogen.environment(own, directory / "tmp")
    with (directory / "child.log").open("wb") as log:
        # -P: no module of the child may come out of the project, where it starts.
        module = [sys.executable, "-P", "-m", "opskit.outside.ansible.child"]
        return subprocess.Popen(  # our own interpreter and module
            [*module, str(directory), str(os.getpid())],
            env=own,
            cwd=job.project,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def callback_directory() -> Path:
    """Return where the evidence callback lies."""
    return content_root() / "playbooks" / "plugins" / "callback"


def _follow(child: subprocess.Popen[bytes], directory: Path, listen: Listener) -> bool:
    """Pass records on until the run ends; return whether it was stopped before its end."""
    tail = _Tail(directory / "events.jsonl")
    stopped = False
    try:
        while child.poll() is None:
            for record in tail.records():
                listen(record)
                if record.get("k") == "prompt":
                    stopped = True
            if stopped:
                _stop(child, tail.pid, directory)
            time.sleep(_POLL_SECONDS)
    except BaseException as error:
        _stop(child, tail.pid, directory)
        if not isinstance(error, KeyboardInterrupt):
            raise
        stopped = True
    for record in tail.records():
        listen(record)
    if not tail.complete:  # Ansible was killed: what it had started does not notice
        remains.end(directory)
    return stopped


def _stop(child: subprocess.Popen[bytes], ansible: int | None, directory: Path) -> None:
    """Interrupt Ansible as Ctrl-C would, wait, then end whatever is left of the run."""
    tree = descendants(child.pid)
    try:
        if ansible is not None and any(process.pid == ansible for process in tree):
            os.kill(ansible, signal.SIGINT)
            child.wait(_GRACE_SECONDS)
    except (subprocess.TimeoutExpired, ProcessLookupError, KeyboardInterrupt):
        pass  # a second Ctrl-C, or no end in sight: now means now
    end_all(tree)
    remains.end(directory)
    child.wait()


class _Tail:
    """Reads the callback's file as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self.pid: int | None = None
        self.complete = False

    def records(self) -> Iterator[Mapping[str, Any]]:
        """Yield the records whose line is complete."""
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._position)
                data = stream.read()
        except FileNotFoundError:
            return
        complete = data[: data.rfind(b"\n") + 1]
        self._position += len(complete)
        for line in complete.splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue  # written to a disk that was full; the run's end will be missing, too
            if record["k"] == "begin":
                self.pid = record["pid"]
            self.complete = record["k"] == "stats"
            yield record


def _lines(path: Path) -> Iterator[str]:
    if path.exists():
        with path.open(encoding="utf-8", errors="replace") as stream:
            for line in stream:
                yield line.rstrip("\n")


def _summary(directory: Path) -> RunnerSummary:
    try:
        found = json.loads((directory / "runner.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        log = directory / "child.log"  # missing as well where the child never started
        said = log.read_text(encoding="utf-8", errors="backslashreplace") if log.exists() else ""
        return RunnerSummary(output=Redactor()(said[-2_000:]))
    return RunnerSummary(**{**found, "output": Redactor()(found["output"])})


@dataclass(frozen=True)
class Left:
    """What a run left whose opskit died: how far it came, and whether Ansible was still at it."""

    transcript: Transcript
    alive: bool


def forget(directory: Path) -> None:
    """Remove what is left of a run that is written down."""
    shutil.rmtree(directory, ignore_errors=True)


def reap(directory: Path) -> Left:
    """End what is left of a run whose opskit died, and return how far it came."""
    tail = _Tail(directory / "events.jsonl")
    _ = list(tail.records())
    left = remains.end(directory, grace=_REAP_SECONDS)
    transcript = record(_lines(directory / "events.jsonl"), RunnerSummary(), interrupted=True)
    return Left(transcript, any(process.pid == tail.pid for process in left))
