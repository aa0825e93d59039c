"""OpenSLO v1: promises written for many tools, read as opskit's objectives, and written. Pure.

What opskit measures is the share of time in which a service was well. Where an SLO counts
something else, it is refused by name: a promise that is read as another one is worse than none.
(Specification: github.com/OpenSLO/OpenSLO, version v1.)
"""

from __future__ import annotations

from opskit.monitor.openslo.reading import Promises, merged, promises
from opskit.monitor.openslo.writing import Written, written

__all__ = ["Promises", "Written", "merged", "promises", "written"]
