"""What is sent to hosts for access: it runs on old ones, says what it is, and fails in one line."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from opskit.outside.files import content_root
from tests.rig.hosts import Fleet

NAMES = ("web1",)
ROLE = content_root() / "playbooks" / "opskit_access"
SENT = sorted((*ROLE.glob("library/*.py"), *ROLE.glob("module_utils/*.py")))
# What came after 3.8 and the grammar does not show.
LATER = {"removeprefix", "removesuffix", "pairwise", "UTC", "is_relative_to", "readlink", "cache"}


@pytest.mark.parametrize("path", SENT, ids=lambda path: path.stem)
def test_it_is_python_that_old_hosts_have(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert "strict" not in {word.arg for call in calls for word in call.keywords}
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    named = {node.attr for node in attributes if not _is_os(node.value)}
    assert not named & LATER
    imported = {
        (node.module or "").split(".")[0] if isinstance(node, ast.ImportFrom) else name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    own = {"ansible", *(path.stem for path in SENT)}
    assert imported <= sys.stdlib_module_names | own


def _is_os(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "os"


@pytest.mark.parametrize("path", sorted(ROLE.glob("library/*.py")), ids=lambda path: path.stem)
def test_its_documentation_names_its_options(path: Path) -> None:
    text = path.read_text()
    told = dict(
        re.findall(
            r'^(DOCUMENTATION|EXAMPLES|RETURN) = r"""\n(.*?)"""', text, re.MULTILINE | re.DOTALL
        )
    )
    options = yaml.safe_load(told["DOCUMENTATION"])["options"]
    assert yaml.safe_load(told["EXAMPLES"])
    assert "opskit_told" in yaml.safe_load(told["RETURN"])
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    words = {word.arg: word.value for call in calls for word in call.keywords}
    assert set(options) == set(ast.literal_eval(words["argument_spec"]))


def test_a_host_whose_memory_is_broken_is_left_alone(own_fleet: Fleet, tmp_path: Path) -> None:
    host = own_fleet["web1"]
    host.write("/etc/opskit/access.json", "{ torn")
    order = {
        "present": [], "absent": [], "end_sessions": [], "administrators": ["root"],
        "remove": [], "krl": "",
    }  # fmt: skip
    variables = {
        "opskit_access_orders": {"web1": order},
        "opskit_access_rollback_seconds": 60,
        "opskit_access_seconds": 60,
    }
    done = subprocess.run(
        (
            str(Path(sys.executable).with_name("ansible-playbook")),
            *("-i", str(own_fleet.inventory), "-e", json.dumps(variables)),
            str(ROLE / "apply.yml"),
        ),
        env={**os.environ, "ANSIBLE_HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2
    assert "/etc/opskit/access.json cannot be read" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert host.read("/etc/opskit/access.json") == "{ torn"
