"""Silences as the API of Alertmanager writes them, and opskit's for the same. Pure."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, Field, model_validator

from opskit.alerts.alertmanager.messages import LONGEST_NAME, Name, Tolerant
from opskit.alerts.routing.matchers import LONGEST, Matcher, Operator, all_hold, parsed
from opskit.alerts.routing.verdicts import Silence
from opskit.alerts.store.said import Noted
from opskit.core.clock import Instant, from_datetime, to_datetime
from opskit.core.interval import Interval
from opskit.core.text import clean, clean_block

_OPERATORS = {
    (False, True): Operator.IS,
    (False, False): Operator.IS_NOT,
    (True, True): Operator.LIKE,
    (True, False): Operator.UNLIKE,
}
_WRITTEN = {operator: pair for pair, operator in _OPERATORS.items()}


class MatcherBody(Tolerant):
    """One condition on one label."""

    name: Name
    value: str = Field(max_length=LONGEST - LONGEST_NAME)
    is_regex: bool = Field(alias="isRegex")
    is_equal: bool = Field(default=True, alias="isEqual")

    @property
    def matcher(self) -> Matcher:
        """Return it as opskit has it; `parsed` says whether it can be one."""
        return Matcher(self.name, _OPERATORS[self.is_regex, self.is_equal], self.value)

    @model_validator(mode="after")
    def _can_be_read(self) -> MatcherBody:
        parsed(str(self.matcher))
        return self


class SilenceBody(Tolerant):
    """What is sent to make a silence; with the id of another one it takes its place."""

    id: str = Field(default="", max_length=100)
    matchers: tuple[MatcherBody, ...] = Field(min_length=1, max_length=100)
    starts_at: AwareDatetime = Field(alias="startsAt")
    ends_at: AwareDatetime = Field(alias="endsAt")
    created_by: str = Field(alias="createdBy", min_length=1, max_length=250)
    comment: str = Field(min_length=1, max_length=5_000)

    @model_validator(mode="after")
    def _for_some(self) -> SilenceBody:
        if self.ends_at <= self.starts_at:
            message = "it ends before it begins"
            raise ValueError(message)
        if all_hold((one.matcher for one in self.matchers), {}):
            message = "it would silence what has none of these labels"
            raise ValueError(message)
        return self

    def noted(self, now: Instant) -> Noted:
        """Return it as a silence; it begins now at the earliest."""
        starts = max(from_datetime(self.starts_at), now)
        interval = Interval(starts, max(from_datetime(self.ends_at), starts))
        matchers = tuple(one.matcher for one in self.matchers)
        by, comment = clean(self.created_by), clean_block(self.comment)
        return Noted(Silence(self.id, matchers, interval, by, comment), now)


def posted(one: Noted) -> dict[str, Any]:
    """Return a silence as it is sent."""
    own = one.silence
    return {
        "matchers": [_matcher(each) for each in own.matchers],
        "startsAt": stamp(own.interval.start),
        "endsAt": stamp(own.interval.end),
        "createdBy": own.by,
        "comment": own.comment,
    }


def shown(one: Noted, now: Instant) -> dict[str, Any]:
    """Return a silence as it is read."""
    interval = one.silence.interval
    state = "expired" if interval.end <= now else "active"
    state = "pending" if interval.start > now else state
    updated = {"updatedAt": stamp(interval.end if interval.end <= now else one.created_at)}
    return {"id": one.silence.id, "status": {"state": state}, **updated, **posted(one)}


def stamp(at: Instant) -> str:
    """Return an instant as Alertmanager writes it."""
    return to_datetime(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _matcher(one: Matcher) -> dict[str, Any]:
    is_regex, is_equal = _WRITTEN[one.operator]
    return {"name": one.name, "value": one.value, "isRegex": is_regex, "isEqual": is_equal}
