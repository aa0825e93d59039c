"""The log a user never has to read: where the traceback of a bug goes."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from opskit import __version__
from opskit.core.redact import Redactor


def state_home(environment: Mapping[str, str]) -> Path:
    """Return the user's own directory for logs (XDG_STATE_HOME, or ~/.local/state)."""
    base = environment.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "opskit"


def write_crash(error: BaseException, environment: Mapping[str, str]) -> Path | None:
    """Write the traceback of a bug, redacted, to a file of its own; return its path.

    Returns nothing where not even that could be written: the caller then says so.
    """
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    trace = "".join(traceback.format_exception(error))
    text = f"opskit {__version__}, Python {sys.version}\nargv: {sys.argv[1:]}\n\n{trace}"
    try:
        directory = state_home(environment)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / f"crash-{moment}-{os.getpid()}.log"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(Redactor()(text))
    except (OSError, RuntimeError):  # the second: there is no home directory to be found
        return None
    return path
