"""The process a run lives in: `python -m opskit.outside.ansible.child DIRECTORY PARENT`.

ansible-runner copies the caller's environment and takes over its signals, so it gets a process
of its own. It writes no event to disk through runner; what runner saw is counted and left in
`runner.json`. If opskit itself (process PARENT) is gone, the run is interrupted and its directory
removed: nothing is left behind, and no secret.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any

import ansible_runner
import psutil

from opskit.outside.ansible import remains

_COUNTED = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_skipped": "skipped",
    "runner_on_unreachable": "unreachable",
}
# After an interrupt Ansible gets this long to end by itself.
_GRACE_SECONDS = 15.0
_OUTPUT_LINES = 60
# Ansible may be told to ask, and nobody is there: nothing is answered, so that it says what it
# could not open instead of waiting for ever.
_NO_ANSWER = {r"[Vv]ault password \([^)\n]*\):\s*$": ""}


class _Observer:
    """Counts runner's events and keeps the last lines of output for an error message."""

    def __init__(self, parent: int) -> None:
        self.counts: dict[str, Counter[str]] = {}
        self.output: deque[str] = deque(maxlen=_OUTPUT_LINES)
        self._parent = parent
        self._orphaned_at: float | None = None

    def handle(self, event: dict[str, Any]) -> bool:
        """Take one event; `False` keeps runner from writing it to disk."""
        word = _COUNTED.get(event.get("event", ""))
        if word is not None:
            host = str(event["event_data"].get("host", ""))
            self.counts.setdefault(host, Counter())[word] += 1
        elif event.get("event") in {"verbose", "error", "warning"} and event.get("stdout"):
            self.output.append(str(event["stdout"])[:500])
        return False

    def orphaned(self) -> bool:
        """Interrupt Ansible once opskit is gone; return whether to give up waiting for it."""
        if os.getppid() == self._parent:
            return False
        if self._orphaned_at is None:
            self._orphaned_at = time.monotonic()
            for process in psutil.Process().children():
                process.send_signal(signal.SIGINT)
        return time.monotonic() - self._orphaned_at > _GRACE_SECONDS

    def clear_up(self, directory: Path) -> None:
        """Leave nothing running if opskit is gone: modules go on without the Ansible they lost.

        Only the callback's redacted lines stay: the next command books what was left undone.
        """
        if os.getppid() == self._parent:
            return
        remains.end(directory)
        remains.clear(directory)


def main(directory: Path, parent: int) -> None:
    """Run the job described in `job.json` and leave `runner.json`."""
    job = json.loads((directory / "job.json").read_text(encoding="utf-8"))
    observer = _Observer(parent)
    result = ansible_runner.run(
        private_data_dir=str(directory / "runner"),
        ident="run",
        project_dir=job["project"],
        playbook=job["playbook"],
        cmdline=job["cmdline"],
        settings={
            "pexpect_timeout": 1,
            "suppress_output_file": True,
            "suppress_ansible_output": True,
        },
        # Else runner writes the facts of every host, its environment among them, to a file.
        fact_cache_type="memory",
        passwords=_NO_ANSWER,
        event_handler=observer.handle,
        cancel_callback=observer.orphaned,
        quiet=True,
    )
    summary = {
        "status": result.status,
        "rc": result.rc,
        "counts": observer.counts,
        "output": "\n".join(observer.output),
    }
    partial = directory / "runner.json.part"
    partial.write_text(json.dumps(summary), encoding="utf-8")
    partial.rename(directory / "runner.json")
    observer.clear_up(directory)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), int(sys.argv[2]))
    except OSError as error:  # runner does not expect a disk to be full
        sys.exit(str(error.strerror or error))
