"""Which commit a directory is at: what a result depended on."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from opskit.outside.process import run


def commit_of(directory: Path, environment: Mapping[str, str]) -> str:
    """Return the short commit of a checkout, `+` where files differ from it; empty if none."""
    git = shutil.which("git", path=environment.get("PATH"))
    if git is None:
        return ""
    # A repository of somebody else's may name programs for git to run: do not let it.
    safe = [
        git,
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.hooksPath=/dev/null",
        "-C",
        str(directory),
    ]
    own = {name: environment[name] for name in ("PATH", "HOME") if name in environment}
    own["GIT_OPTIONAL_LOCKS"] = "0"  # to look is not to write the index
    described = run([*safe, "rev-parse", "--short=12", "HEAD"], timeout=5, environment=own)
    if described.status != 0:
        return ""
    status = run(
        [*safe, "status", "--porcelain", "--untracked-files=no"], timeout=10, environment=own
    )
    return described.stdout.strip() + ("+" if status.stdout.strip() or status.status else "")
