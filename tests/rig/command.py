"""Run the tools the rig is built from, and say plainly what is missing or failed."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterable, Mapping, Sequence

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT: Mapping[str, str] = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8"}
PATIENCE = 60.0


class RigError(RuntimeError):
    """A part of the rig could not be set up."""


def run(argv: Sequence[str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run ARGV in a clean environment; its exit status is the caller's business."""
    return subprocess.run(
        tuple(argv),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env=ENVIRONMENT,
    )


def must(argv: Sequence[str], stdin: str = "") -> str:
    """Run ARGV and return what it printed; a failure becomes a RigError."""
    done = run(argv, stdin)
    if done.returncode:
        raise RigError(f"{argv[0]} failed: {one_line(done.stderr)}")
    return done.stdout


def one_line(text: str) -> str:
    """Return a tool's complaint TEXT as one line."""
    return " ".join(text.split())[:300] or "no message"


def missing(tools: Mapping[str, str]) -> str | None:
    """Name the first of TOOLS (tool: Debian package) this machine lacks."""
    absent = (tool for tool in tools if shutil.which(tool, path=PATH) is None)
    return next((f"{tool} is missing: apt-get install {tools[tool]}" for tool in absent), None)


def first_reason(reasons: Iterable[str | None]) -> str | None:
    """Return the first reason there is; reasons after it are not evaluated."""
    return next((reason for reason in reasons if reason), None)


def is_root() -> bool:
    """Tell whether this process may create namespaces and change users."""
    return os.geteuid() == 0


def free_port() -> int:
    """Return a loopback port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
