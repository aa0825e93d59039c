"""A heartbeat: a cron job or a backup calls in when it should, and says that it went well."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from opskit.core.clock import HOUR, SECOND, Duration, Instant
from opskit.monitor.beating import Calls, Due, judged
from opskit.monitor.kinds import Around, Beats, Fact, LookKind, Sight
from opskit.monitor.model import Seen
from opskit.monitor.settings import Cron, Name, ProbeSettings
from opskit.outside import cron
from opskit.outside.fields import Span, Zone


class HeartbeatProbe(ProbeSettings):
    """A job that calls in; down once it is late beyond its grace, or says that it failed."""

    kind: Literal["heartbeat"]
    beat: Name = Field(description="the name it calls in under", examples=["nightly-backup"])
    every: Span | None = Field(
        default=None, description="how often it calls in, at least", examples=["1d"]
    )
    schedule: Cron | None = Field(
        default=None, description="when it is due, as cron has it", examples=["30 2 * * *"]
    )
    timezone: Zone = Field(
        default=ZoneInfo("UTC"),
        description="IANA zone of the schedule",
        json_schema_extra={"default": "UTC"},
    )
    grace: Span = Field(
        default=HOUR,
        description="how late it may be; with a schedule, its usual length is part of that",
        json_schema_extra={"default": "1h"},
    )
    max_runtime: Span | None = Field(
        default=None, description="how long after its start it must end; grace if left out"
    )

    @model_validator(mode="after")
    def _is_due(self) -> HeartbeatProbe:
        if (self.every is None) is (self.schedule is None):
            message = "say every or schedule, one of the two"
            raise ValueError(message)
        if self.every is not None and self.every < SECOND:
            message = "every is too short; use 1s or more"
            raise ValueError(message)
        return self


def look(probe: HeartbeatProbe, around: Around) -> Sight:
    """Judge by what called in."""
    if around.beats is None:
        return Sight(Seen.UNKNOWN, "nothing takes heartbeats here: opskit serve does")
    now = around.clock.now()
    calls = _calls(around.beats, probe.beat, now)
    due = _due(probe)
    longest = Duration(probe.grace if probe.max_runtime is None else probe.max_runtime)
    sight = judged(calls, due, Duration(probe.grace), longest, now)
    return Sight(sight.seen, sight.reason, facts=_facts(calls, due))


def _calls(beats: Beats, name: str, now: Instant) -> Calls | None:
    """Return the calls of a job; one from the future, after a clock was set back, came just now."""
    last, ended = beats.last(name), beats.ended(name)
    if last is None:
        return None
    at = None if ended is None else min(ended[0], now)
    return Calls(min(last[0], now), last[1], at, ended is not None and ended[1] == "ok")


def _due(probe: HeartbeatProbe) -> Due:
    schedule, every = probe.schedule, probe.every or 0
    if schedule is None:
        return lambda ended: Instant(ended + every)
    return lambda ended: cron.next_due(schedule, probe.timezone, ended)


def _facts(calls: Calls | None, due: Due) -> tuple[Fact, ...]:
    if calls is None:
        return ()
    last = Fact("opskit_probe_heartbeat_last_timestamp_seconds", calls.last / SECOND)
    if calls.ended is None:
        return (last,)
    return (last, Fact("opskit_probe_heartbeat_due_timestamp_seconds", due(calls.ended) / SECOND))


KIND = LookKind(HeartbeatProbe, look)
