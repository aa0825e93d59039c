"""Messages about alerts, as they come in: of Alertmanager's webhook, and of its API. Pure.

Sources: Alertmanager documentation, "Configuration", section "webhook_config" (version 4), and
its OpenAPI document of the API, version 2. What is not known is left out, as both grow; what is
too much is refused before it is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, FailFast, Field

from opskit.alerts.incoming import Posted, Told
from opskit.core.clock import MINUTE, Instant, from_datetime
from opskit.core.text import clean, clean_block
from opskit.outside.models import Model

MOST_ALERTS = 2_000
MOST_LABELS = 100
LONGEST_NAME = 250
LONGEST_VALUE = 5_000
# Without an end an alert of the API lasts so long: `resolve_timeout` of Alertmanager.
LASTS = 5 * MINUTE
# Go writes the year 1 for a time that is not set.
_FIRST_YEAR, _LAST_YEAR = 1970, 9_998


Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Value = Annotated[str, Field(max_length=LONGEST_VALUE)]
Labels = Annotated[dict[Name, Value], Field(max_length=MOST_LABELS)]
Time = AwareDatetime


class Tolerant(Model):
    """A message of a program that may say more than is known here."""

    model_config = ConfigDict(extra="ignore")


class WebhookAlert(Tolerant):
    """One alert of a webhook's message."""

    status: Literal["firing", "resolved"]
    labels: Labels
    annotations: Labels = Field(default_factory=dict)
    starts_at: Time = Field(alias="startsAt")
    ends_at: Time | None = Field(default=None, alias="endsAt")

    def told(self, now: Instant) -> Told:
        """Return it as a word about an alert."""
        ended = None if self.status == "firing" else _instant(self.ends_at) or now
        since = _instant(self.starts_at) or now
        return Told(_labels(self.labels), _notes(self.annotations), since, ended)


class WebhookMessage(Tolerant):
    """A message of version 4."""

    version: Literal["4"]
    # One mistake is enough: of a million each would be looked at.
    alerts: Annotated[tuple[WebhookAlert, ...], FailFast(), Field(max_length=MOST_ALERTS)]
    truncated: int = Field(default=0, ge=0, le=1_000_000_000, alias="truncatedAlerts")


class PostedAlert(Tolerant):
    """One alert of `POST /api/v2/alerts`."""

    labels: Labels = Field(min_length=1)
    annotations: Labels = Field(default_factory=dict)
    starts_at: Time | None = Field(default=None, alias="startsAt")
    ends_at: Time | None = Field(default=None, alias="endsAt")

    def posted(self, now: Instant) -> Posted:
        """Return it as a word about an alert; what it does not say as Alertmanager takes it."""
        ends = _instant(self.ends_at)
        since = _instant(self.starts_at) or min(ends or now, now)
        until = Instant(now + LASTS) if ends is None else max(ends, since)
        return Posted(_labels(self.labels), _notes(self.annotations), since, until)


def _instant(moment: Any) -> Instant | None:  # noqa: ANN401  # a datetime or nothing
    if moment is None or not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return None
    return from_datetime(moment)


def _labels(given: Mapping[str, str]) -> Mapping[str, str]:
    """Return labels as they are kept; an empty one is none."""
    return {clean(name): clean(value) for name, value in given.items() if value}


def _notes(given: Mapping[str, str]) -> Mapping[str, str]:
    return {clean(name): clean_block(value) for name, value in given.items() if value}
