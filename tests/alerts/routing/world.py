"""A small world for the router: alerts begin and end, time passes, messages arrive."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from opskit.alerts.routing.groups import Notice
from opskit.alerts.routing.matchers import parsed
from opskit.alerts.routing.plan import Plan, planned
from opskit.alerts.routing.router import Memory, Situation
from opskit.alerts.routing.settings import Routes
from opskit.alerts.routing.verdicts import Acknowledgement, Alert, Silence
from opskit.core.clock import MINUTE, Instant, iso, parse_duration, parse_instant
from opskit.core.interval import Interval
from opskit.outside.models import read

UTC = ZoneInfo("UTC")
NOON = parse_instant("2026-11-23T12:00", UTC)  # a Monday
ROUTES = """\
route:
  receiver: ops
  group_by: [alertname]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 4h
"""


def plan(text: str, tmp_path: Path) -> Plan:
    path = tmp_path / "routes.yaml"
    path.write_text(text)
    return planned(read(path, Routes))


@dataclass
class World:
    """Turns the router once for every step of time; `heard` is all that was said, with when."""

    plan: Plan
    now: Instant = NOON
    memory: Memory = field(default_factory=Memory)
    alerts: dict[str, Alert] = field(default_factory=dict)
    silences: list[Silence] = field(default_factory=list)
    acknowledged: dict[str, Acknowledgement] = field(default_factory=dict)
    upstream: dict[str, str] = field(default_factory=dict)
    heard: list[tuple[Instant, Notice]] = field(default_factory=list)

    def fire(self, name: str, **labels: str) -> None:
        given = {"alertname": name.partition("/")[0], **labels}
        self.alerts[name] = Alert(name, given, {}, self.now)

    def end(self, name: str) -> None:
        self.alerts[name] = replace(self.alerts[name], ends_at=self.now)

    def ack(self, name: str, length: str, by: str = "ada") -> None:
        until = Instant(self.now + parse_duration(length))
        self.acknowledged[name] = Acknowledgement(name, by, self.now, until)

    def silence(self, matchers: str, length: str) -> None:
        until = Instant(self.now + parse_duration(length))
        interval = Interval(self.now, until)
        self.silences.append(Silence("s1", parsed(matchers), interval, "ada", "work"))

    def situation(self) -> Situation:
        return Situation(
            self.now,
            tuple(self.alerts.values()),
            tuple(self.silences),
            self.acknowledged,
            self.upstream,
        )

    def turn(self) -> None:
        self.memory, notices = self.plan.router.turn(
            self.memory,
            self.situation(),
            lambda receiver: self.plan.recipients(receiver, self.now),
        )
        self.heard += [(self.now, one) for one in notices]

    def passes(self, length: str, step: int = MINUTE // 2) -> None:
        """Let time pass, with a turn at each step."""
        end = self.now + parse_duration(length)
        while self.now < end:
            self.turn()
            self.now = Instant(self.now + step)
        self.turn()

    def told(self) -> list[str]:
        """Return what was said: when since noon, why, to whom, of what begins and of what ends."""
        return [told(when, one) for when, one in self.heard]


def told(when: Instant, one: Notice) -> str:
    names = [
        *(f"+{alert.fingerprint}" for alert in one.firing),
        *(f"-{alert.fingerprint}" for alert in one.resolved),
    ]
    to = ",".join(sorted(one.to))
    return f"{iso(when, UTC)[11:19]} {one.occasion} {to}: {' '.join(names)}"
