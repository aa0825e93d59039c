"""What an Alertmanager answers: its alerts and silences, as opskit has them. Pure.

What was taken by it is not judged again; only what cannot be understood is an error.
"""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from opskit.alerts.alertmanager.messages import Tolerant
from opskit.alerts.alertmanager.silences import MatcherBody
from opskit.alerts.firing import Firing, fingerprint
from opskit.alerts.routing.verdicts import Silence
from opskit.alerts.store.said import Noted
from opskit.core.clock import from_datetime
from opskit.core.interval import Interval
from opskit.core.text import clean, clean_block

# The source of alerts that were read there, and not sent by it.
SOURCE = "alertmanager"


class AlertRead(Tolerant):
    """An alert of `GET /alerts`."""

    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)
    starts_at: AwareDatetime = Field(alias="startsAt")
    ends_at: AwareDatetime = Field(alias="endsAt")

    def firing(self) -> Firing:
        """Return it as it fires, until its end unless it is sent again."""
        labels = {clean(name): clean(value) for name, value in self.labels.items()}
        begun = from_datetime(self.starts_at)
        return Firing(
            id=0, fingerprint=fingerprint(labels), source=SOURCE,
            rule=labels.get("alertname", ""), labels=labels,
            annotations={clean(name): clean_block(text) for name, text in self.annotations.items()},
            value=None, since=begun, starts_at=begun, ends_at=from_datetime(self.ends_at),
        )  # fmt: skip


class Standing(Tolerant):
    """How a silence stands: active, pending or expired."""

    state: str


class SilenceRead(Tolerant):
    """A silence of `GET /silences`."""

    id: str
    status: Standing
    matchers: tuple[MatcherBody, ...]
    starts_at: AwareDatetime = Field(alias="startsAt")
    ends_at: AwareDatetime = Field(alias="endsAt")
    updated_at: AwareDatetime = Field(alias="updatedAt")
    created_by: str = Field(default="", alias="createdBy")
    comment: str = ""

    def noted(self) -> Noted:
        """Return it as a silence."""
        starts = from_datetime(self.starts_at)
        interval = Interval(starts, max(from_datetime(self.ends_at), starts))
        matchers = tuple(one.matcher for one in self.matchers)
        by, comment = clean(self.created_by), clean_block(self.comment)
        silence = Silence(clean(self.id), matchers, interval, by, comment)
        return Noted(silence, from_datetime(self.updated_at))


class Made(Tolerant):
    """What is answered to a silence."""

    id: str = Field(alias="silenceID", min_length=1)
