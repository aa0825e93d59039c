"""`fleet check`: look at every host, change nothing."""

from __future__ import annotations

from opskit.core.transcript import Mode
from opskit.fleet.execute import execute
from opskit.fleet.model import Run
from opskit.fleet.workplace import Request, Workplace
from opskit.outside.ansible.door import Listener


def check(place: Workplace, request: Request, listen: Listener) -> Run:
    """Return what differs from the standard on each host; see `execute` for what it raises."""
    return execute(place, request, Mode.CHECK, listen)
