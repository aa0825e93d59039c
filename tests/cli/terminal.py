"""A terminal of a given width: run a command on it and see what it shows."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import Finished

# The one kind of escape sequence that opskit itself may send: colors and weight.
STYLE = re.compile(r"\x1b\[[0-9;]*m")


def on_terminal(
    *arguments: str, cwd: Path, width: int, environment: Mapping[str, str] | None = None
) -> Finished:
    """Run `opskit ARGUMENTS` on a terminal; both its streams come back as one text in `out`."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    own = {**os.environ, "TERM": "xterm-256color", **(environment or {})}
    # The width must come from the terminal.
    own.pop("COLUMNS", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "opskit", *arguments],
        cwd=cwd, env=own, stdin=side, stdout=side, stderr=side, start_new_session=True,
    )  # fmt: skip
    os.close(side)
    shown = bytearray()
    # Linux says EIO when the last process has closed the terminal.
    with contextlib.suppress(OSError):
        while chunk := os.read(main, 65_536):
            shown.extend(chunk)
    os.close(main)
    text = shown.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    return Finished(process.wait(timeout=60), text, "")
