"""What was told otherwise before, of the same period. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from opskit.report.inputs import Issue
from opskit.report.model import Figure, Restatement

_NO_LONGER = "no longer told"


def restated(previous: Issue | None, by_id: Mapping[str, Figure]) -> tuple[Restatement, ...]:
    """Return the figures whose value is not what the issue before said, in its order."""
    if previous is None:
        return ()
    told = []
    for one in previous.figures:
        now = by_id.get(one.figure)
        if now is None:
            told.append(Restatement(one.figure, one.title, one.display, _NO_LONGER))
        elif now.value != one.value:
            # Rounded alike, they would look the same.
            alike = now.display == one.display
            before, after = (one.value, now.value) if alike else (one.display, now.display)
            told.append(Restatement(one.figure, now.title, before, after))
    return tuple(told)
