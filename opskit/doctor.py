"""`opskit doctor`: what is installed, reachable and permitted; each problem with its fix."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from opskit import __version__
from opskit.app import App
from opskit.core.errors import ExitCode, OpskitError
from opskit.outside.ansible.door import callback_directory, environment, find_program
from opskit.outside.process import run

_LEAST_FREE = 200_000_000


class Health(StrEnum):
    """How a thing opskit needs is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing looked at; `fix` is what to type where it is not ok."""

    subject: str
    health: Health
    detail: str
    fix: str = ""

    @property
    def exit_code(self) -> ExitCode:
        """Return findings for a problem; a warning does not fail."""
        return ExitCode.FINDINGS if self.health is Health.PROBLEM else ExitCode.OK


def examine(named: Path | None, caller: Mapping[str, str]) -> Iterator[Row]:
    """Yield what opskit finds on this machine and, where there is one, of the ops repository."""
    yield Row("opskit", Health.OK, f"{__version__} on Python {sys.version.split()[0]}")
    yield from _ansible(caller)
    yield from _programs(caller)
    try:
        app = App.find(named, caller)
    except OpskitError as error:
        yield Row("configuration", Health.PROBLEM, error.message, error.hint)
        return
    yield Row("configuration", Health.OK, str(app.config.root / "opskit.yaml"))
    yield from _state(app)


def _ansible(caller: Mapping[str, str]) -> Iterator[Row]:
    try:
        program = find_program("ansible-playbook")
        own = environment(Path.cwd(), caller)
        done = run([program, "--version"], timeout=30, environment=own)
    except OpskitError as error:
        yield Row("ansible-playbook", Health.PROBLEM, error.message, error.hint)
        return
    first = done.stdout.splitlines()[0] if done.stdout else "no answer"
    health = Health.OK if done.status == 0 else Health.PROBLEM
    yield Row(
        "ansible-playbook",
        health,
        f"{first} ({program})",
        "" if done.status == 0 else "pip install ansible-core",
    )
    yield _package("ansible-runner")
    found = (callback_directory() / "opskit_evidence.py").is_file()
    yield Row(
        "evidence callback",
        Health.OK if found else Health.PROBLEM,
        str(callback_directory()),
        "" if found else "reinstall opskit: its content is missing",
    )


def _package(name: str) -> Row:
    try:
        return Row(name, Health.OK, version(name))
    except PackageNotFoundError:
        return Row(name, Health.PROBLEM, "not installed", f"pip install {name}")


def _programs(caller: Mapping[str, str]) -> Iterator[Row]:
    wanted = (
        ("ssh", Health.PROBLEM, "to reach hosts; apt-get install openssh-client"),
        ("git", Health.WARNING, "to name the commit of the standard; apt-get install git"),
    )
    for name, missing, fix in wanted:
        path = shutil.which(name, path=caller.get("PATH"))
        yield Row(name, Health.OK if path else missing, path or "not found", "" if path else fix)
    agent = caller.get("SSH_AUTH_SOCK", "")
    yield Row(
        "ssh agent",
        Health.OK,
        "running" if agent and Path(agent).exists() else "none; keys are read from files",
    )


def _state(app: App) -> Iterator[Row]:
    try:
        directory = app.config.state_directory
        free = shutil.disk_usage(directory).free
        health = Health.OK if free > _LEAST_FREE else Health.WARNING
        yield Row(
            "state",
            health,
            f"{directory}, {free // 1_000_000:,} MB free",
            "" if health is Health.OK else "free some space",
        )
        integrity = app.database.integrity()
        yield Row(
            "database",
            Health.OK if integrity == "ok" else Health.PROBLEM,
            f"{app.database.dialect}, {integrity}",
            ""
            if integrity == "ok"
            else "keep the file, restore a backup, then: opskit ledger verify",
        )
    except OpskitError as error:
        yield Row("state", Health.PROBLEM, error.message, error.hint)
    for path in (
        app.config.path(app.config.settings.standard),
        *app.inventory,
        app.config.path(app.config.settings.services),
    ):
        exists = path.exists() and os.access(path, os.R_OK)
        yield Row(
            path.name,
            Health.OK if exists else Health.PROBLEM,
            str(path) if exists else f"cannot be read: {path}",
            "" if exists else "correct opskit.yaml, or lay out a repository: opskit init DIR",
        )
