"""A command pays only for what it uses."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = (
    "alembic", "ansible_runner", "cryptography", "jinja2", "psutil", "pycurl", "pydantic",
    "requests", "rich", "sqlalchemy", "urllib3", "yaml",
)  # fmt: skip
SLICES = ("opskit.access", "opskit.alerts", "opskit.fleet", "opskit.monitor", "opskit.report")
_REPORT = """
import json, sys
from opskit.cli.main import run
code = run(sys.argv[1:])
sys.stderr.write(json.dumps([int(code), sorted(sys.modules)]))
"""


def imported(*arguments: str) -> set[str]:
    """Return what a fresh interpreter had imported once a command was done."""
    done = subprocess.run(
        [sys.executable, "-c", _REPORT, *arguments], capture_output=True, text=True, check=True
    )
    code, modules = json.loads(done.stderr)
    assert code == 0
    return set(modules)


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("--version",), ("fleet", "--help"), ("monitor", "probe", "--help")],
    ids=" ".join,
)
def test_help_imports_nothing_heavy_and_no_slice(arguments: tuple[str, ...]) -> None:
    modules = imported(*arguments)
    assert modules.isdisjoint(HEAVY)
    assert modules.isdisjoint(SLICES)
    assert "opskit.app" not in modules


def test_listing_the_commands_imports_none_of_them() -> None:
    own = {name for name in imported("--help") if name.startswith("opskit.cli.")}
    assert own == {"opskit.cli.main", "opskit.cli.commands"}


def test_a_schema_needs_no_database_and_no_ansible() -> None:
    modules = imported("schema", "services")
    assert "pydantic" in modules
    assert modules.isdisjoint({"sqlalchemy", "alembic", "ansible_runner", "requests", "rich"})
