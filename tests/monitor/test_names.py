"""Names that nobody resolves: each look ends in time, and nothing else is called down for them."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.monitor.live import PATIENCE, rows
from tests.rig.command import is_root
from tests.rig.plugin import require

# Takes every question and answers none; a service that is well listens beside it.
SILENT = """
import os, socket, sys
asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asked.bind(("127.0.0.1", 53))
well = socket.create_server(("127.0.0.1", 8000), backlog=1000)
for one in (asked, well):
    one.set_inheritable(True)
os.execv(sys.executable, [sys.executable, "-m", "opskit", "monitor", "probe", "--for", "2500ms"])
"""
QUICK = {"interval": "700ms", "timeout": "300ms", "confirm_after": "100ms"}


def probe(kind: str, host: str) -> dict[str, object]:
    where = {"url": f"http://{host}:8000/"} if kind == "http" else {"address": f"{host}:8000"}
    return {"owner": "web", "probes": [{"kind": kind, **where, **QUICK}]}


@pytest.fixture
def network(ops: Path) -> str:
    """Return the shell commands for a network whose resolver never says a word."""
    require(None if is_root() else "a resolver of one's own needs root")
    (ops / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (ops / "hosts").write_text("127.0.0.1 well.test\n")
    mounts = [
        f"mount --bind {shlex.quote(str(ops / one))} /etc/{one}" for one in ("resolv.conf", "hosts")
    ]
    return "; ".join(["set -e", "ip link set lo up", *mounts])


def test_names_that_hang_make_nothing_else_down(ops: Path, network: str) -> None:
    lost = {f"lost{n}": probe(("http", "tcp")[n % 2], f"lost{n}.test") for n in range(60)}
    services = {**lost, "named": probe("tcp", "well.test"), "numbered": probe("tcp", "127.0.0.1")}
    (ops / "services.yaml").write_text(json.dumps({"services": services}))
    run = f"{network}; exec {shlex.join([sys.executable, '-c', SILENT])}"
    done = subprocess.run(
        ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", run],
        cwd=ops, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (ops / ".opskit").exists(), done.stderr
    seen: dict[str, set[str]] = {}
    for target, how in rows(
        ops,
        "SELECT target, seen FROM monitor_series UNION"
        " SELECT target, s.seen FROM monitor_spells s JOIN monitor_series m ON s.series = m.id",
    ):
        seen.setdefault(str(target).partition("/")[0], set()).add(str(how))
    assert seen.pop("numbered") == {"up"}
    # It may have stood in line behind those that hang: then it is not known, and not down.
    assert not seen.pop("named", set()) & {"down", "suspect"}
    assert len(seen) == 60
    assert "up" not in set().union(*seen.values())
