"""What the looks that talk for themselves have in common: how their failures are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from opskit.core.clock import Duration, format_duration
from opskit.core.errors import ConfigError
from opskit.monitor.kinds import Around, Sight
from opskit.monitor.model import Seen
from opskit.monitor.settings import ProbeSettings
from opskit.outside.dial import DialError

P = TypeVar("P", bound=ProbeSettings)


def talk(look: Callable[[P, Around], Sight]) -> Callable[[Any, Around], Sight]:
    """Return a look that says how long it took, and what went wrong in words that stay the same.

    Who does not answer is down. What is wrong with the settings, a file that is not there above
    all, tells nothing of the target.
    """

    def looked(probe: P, around: Around) -> Sight:
        began = around.clock.monotonic()
        try:
            sight = look(probe, around)
        except DialError as error:
            sight = Sight(Seen.DOWN, told(error, probe))
        except ConfigError as error:
            sight = Sight(Seen.UNKNOWN, error.message)
        return replace(sight, took=Duration(around.clock.monotonic() - began))

    return looked


def told(error: DialError, probe: ProbeSettings) -> str:
    """Return why a conversation failed."""
    return f"no answer within {format_duration(probe.timeout)}" if error.late else error.reason
