"""Ops repositories for the tests of the fleet."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from opskit.core.clock import FrozenClock
from opskit.outside.database import Database, sqlite_url
from tests.fleet.repository import LOCAL, Repository
from tests.fleet.stories import Fleet

TWO_HOSTS = f"web1 {LOCAL}\nweb2 {LOCAL}\n"
# One file per host; what it holds is the variable `wanted`.
ONE_FILE = """---
- hosts: all
  gather_facts: false
  tasks:
    - name: The banner is shown
      ansible.builtin.copy:
        dest: "{{ scratch }}/{{ inventory_hostname }}.txt"
        content: "{{ wanted | default('authorized use only') }}\\n"
        mode: "0644"
      tags: ["control:OPS-BAN-01", "severity:low"]
"""


@pytest.fixture(scope="session")
def lay_out(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Repository]:
    """Return what lays out a repository, for fixtures of any scope."""

    def make(inventory: str = TWO_HOSTS, standard: str = ONE_FILE) -> Repository:
        directory: Path = tmp_path_factory.mktemp("repository")
        return Repository.laid_out(directory, inventory, standard)

    return make


@pytest.fixture
def repository(lay_out: Callable[..., Repository]) -> Repository:
    """Return a repository with two local hosts and a standard of one file, never run."""
    return lay_out()


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated database that nothing was written to."""
    path = tmp_path_factory.mktemp("blank") / "opskit.db"
    Database.open(sqlite_url(path)).close()
    return path


@pytest.fixture
def fleet(
    tmp_path: Path, blank: Path, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Fleet]:
    """Return a fleet whose runs happen as told, without Ansible."""
    shutil.copy(blank, tmp_path / "opskit.db")
    with closing(Database.open(sqlite_url(tmp_path / "opskit.db"))) as database:
        yield Fleet(database, tmp_path, clock, monkeypatch)
