"""`fleet check`: look at every host, change nothing."""

from __future__ import annotations

from opskit.fleet import incremental
from opskit.fleet.model import Run
from opskit.fleet.workplace import Request, Workplace
from opskit.outside.ansible.door import Listener


def check(place: Workplace, request: Request, listen: Listener, *, full: bool = False) -> Run:
    """Return what differs from the standard on each host; see `execute` for what it raises.

    Hosts that have not moved since a full check are proven by their fingerprint, unless `full`.
    """
    return incremental.check(place, request, listen, full=full)
