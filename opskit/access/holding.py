"""Who works on a place, by a name that tells whether they still do.

A process that was killed cannot give back what it held; the next one on the same machine sees that
it is gone, and need not wait for the end of its lease.
"""

from __future__ import annotations

import os
import platform
import re
import uuid

from opskit.outside.process import ProcessIdentity

_NAME = re.compile(r".* \(process ([0-9]+) since ([0-9.]+) on (.*), [0-9a-f]{8}\)")


def name(actor: str) -> str:
    """Return a name for what this process holds now; no two are alike."""
    own = ProcessIdentity.of(os.getpid())
    started = own.started if own else 0.0
    where = f"process {os.getpid()} since {started:.2f} on {platform.node()}"
    return f"{actor} ({where}, {uuid.uuid4().hex[:8]})"


def is_gone(holder: str) -> bool:
    """Return whether a holder was a process of this machine that runs no more."""
    found = _NAME.fullmatch(holder)
    if found is None or found[3] != platform.node():
        return False
    return not ProcessIdentity(int(found[1]), float(found[2])).alive
