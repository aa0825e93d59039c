"""Matchers of alerts, as they are typed on a command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opskit.core.errors import ConfigError

if TYPE_CHECKING:
    from opskit.alerts.routing.matchers import Matcher


def matchers_of(texts: tuple[str, ...]) -> tuple[Matcher, ...]:
    """Return matchers; what has no operator is the name of an alert.

    Raises:
        ConfigError: one is none.
    """
    from opskit.alerts.routing.matchers import Matcher, Operator, parsed  # noqa: PLC0415

    found: list[Matcher] = []
    for text in texts:
        if not set(text) & set("=!~{"):
            found.append(Matcher("alertname", Operator.IS, text))
            continue
        try:
            found += parsed(text)
        except ValueError as error:
            raise ConfigError(str(error), hint="opskit alerts list 'service=~shop|web'") from error
    return tuple(found)
