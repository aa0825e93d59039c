"""What every test may ask for: an ops repository, a command line, a frozen clock."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from opskit.core.clock import FrozenClock, Instant, from_datetime
from opskit.outside.database import Database, sqlite_url

pytest_plugins = ("tests.rig.plugin",)

# No stopwatch: a busy machine must not fail a property.
# Enough to find what is wrong sooner or later, in a time that is spent gladly each time; more by
# OPSKIT_TEST_EXAMPLES.
EXAMPLES = int(os.environ.get("OPSKIT_TEST_EXAMPLES", "25"))
settings.register_profile("calm", settings.default, deadline=None, max_examples=EXAMPLES)
settings.load_profile("calm")

CASES = Path(__file__).parent / "cases"
# Tests that could not run on this machine for want of a server or a right. CI asserts the number.
DOCUMENTED_SKIPS_IN_CI = 0

# A job in the background of a shell starts with Ctrl-C ignored, and so would all it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

LOCAL = 'ansible_connection=local ansible_python_interpreter="{{ ansible_playbook_python }}"'


@dataclass(frozen=True)
class Finished:
    """A command that ran to its end."""

    code: int
    out: str
    err: str


Opskit = Callable[..., Finished]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a home of its own, and no settings of the caller's."""
    directory = tmp_path / "home"
    directory.mkdir()
    for name in [name for name in os.environ if name.startswith(("OPSKIT_", "ANSIBLE_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(directory))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")
    return directory


@pytest.fixture
def ops(tmp_path: Path, home: Path) -> Path:
    """Lay out the least ops repository: one standard with one file, two local hosts."""
    root = tmp_path / "ops"
    for name in ("playbooks", "inventory", "managed"):
        (root / name).mkdir(parents=True)
    (root / "opskit.yaml").write_text(
        "standard: playbooks/standard.yml\ninventory: [inventory/hosts.ini]\n"
    )
    (root / "inventory" / "hosts.ini").write_text(f"web1 {LOCAL}\nweb2 {LOCAL}\n")
    (root / "playbooks" / "standard.yml").write_text(
        "- hosts: all\n"
        "  gather_facts: false\n"
        "  tasks:\n"
        "    - name: The banner is shown\n"
        "      ansible.builtin.copy:\n"
        f"        dest: {root}/managed/{{{{ inventory_hostname }}}}.txt\n"
        '        content: "authorized use only\\n"\n'
        '        mode: "0644"\n'
        "      tags: [control:OPS-BAN-01, severity:low]\n"
    )
    return root


@pytest.fixture
def opskit(ops: Path) -> Opskit:
    """Run opskit in the ops repository, as a process of its own."""

    def run(
        *arguments: str, cwd: Path | None = None, stdin: str = "", timeout: float = 120
    ) -> Finished:
        done = subprocess.run(
            [sys.executable, "-m", "opskit", *arguments],
            cwd=cwd or ops,
            input=stdin,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=timeout,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def clock() -> FrozenClock:
    """Stop the time at noon, 1 October 2026, UTC."""
    from datetime import UTC, datetime

    return FrozenClock(Instant(from_datetime(datetime(2026, 10, 1, 12, tzinfo=UTC))))


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate one SQLite database, to be copied: the migrations have tests of their own."""
    path = tmp_path_factory.mktemp("migrated") / "opskit.db"
    Database.open(sqlite_url(path)).close()
    return path


@pytest.fixture
def database(tmp_path: Path, migrated: Path) -> Iterator[Database]:
    """Open an empty, migrated SQLite database."""
    from opskit.access.store import tables as _access  # noqa: F401  # every table must be known
    from opskit.alerts.store import tables as _alerts  # noqa: F401
    from opskit.fleet import store as _fleet  # noqa: F401
    from opskit.history import store as _history  # noqa: F401
    from opskit.monitor import store as _monitor  # noqa: F401
    from opskit.records import waivers as _waivers  # noqa: F401

    path = tmp_path / "state" / "opskit.db"
    path.parent.mkdir(mode=0o700)
    shutil.copy(migrated, path)
    opened = Database.open(sqlite_url(path))
    yield opened
    opened.close()


# What waits for Ansible, hosts and leases takes longest: begun first, it leaves no worker alone at
# the end.
SLOW = ("tests/playbooks/", "tests/fleet/", "tests/demo/", "tests/outside/ansible/", "tests/serve/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow tests first; what is in one file stays in its order."""
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a CI session whose skips are not the documented ones: a skip must not hide."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or os.environ.get("CI") != "true":
        return
    skipped = len(reporter.stats.get("skipped", ()))
    if skipped != DOCUMENTED_SKIPS_IN_CI and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"{skipped} skipped, documented are {DOCUMENTED_SKIPS_IN_CI}", red=True)
