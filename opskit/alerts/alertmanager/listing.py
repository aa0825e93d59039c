"""The alerts that fire, as the API of Alertmanager shows them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opskit.alerts.alertmanager.messages import LASTS
from opskit.alerts.alertmanager.silences import stamp
from opskit.alerts.firing import Firing, State
from opskit.alerts.routing.matchers import Matcher, all_hold, parsed
from opskit.alerts.routing.router import Router
from opskit.alerts.routing.verdicts import Alert, Silence
from opskit.alerts.store.said import Noted
from opskit.core.clock import Instant

# Who is told where there are no routes.
NOBODY = "opskit"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts are asked for: by how they stand, their labels and who is told."""

    active: bool = True
    silenced: bool = True
    inhibited: bool = True
    matchers: tuple[Matcher, ...] = ()
    receiver: str = ""

    @classmethod
    def of(cls, queries: Sequence[tuple[str, str]]) -> Wanted:
        """Return what a query asks for.

        Raises:
            ValueError: it cannot be read.
        """
        given = dict(queries)
        for name in ("active", "silenced", "inhibited", "unprocessed"):
            if given.get(name, "true") not in {"true", "false"}:
                message = f"{name} is true or false"
                raise ValueError(message)
        receiver = given.get("receiver", "")
        try:
            re.compile(receiver)
        except re.error as error:
            message = "receiver is no regular expression"
            raise ValueError(message) from error
        shown = {
            one: given.get(one, "true") == "true" for one in ("active", "silenced", "inhibited")
        }
        return cls(**shown, matchers=matchers(queries), receiver=receiver)


def matchers(queries: Sequence[tuple[str, str]]) -> tuple[Matcher, ...]:
    """Return the matchers of a query's `filter`s.

    Raises:
        ValueError: one is none.
    """
    return tuple(one for name, text in queries if name == "filter" for one in parsed(text))


@dataclass(frozen=True)
class Board:
    """All that fires, what silences it and who is told; without routes everybody is one."""

    firings: Sequence[Firing]
    silences: Sequence[Noted]
    router: Router | None
    now: Instant

    def alerts(self, wanted: Wanted) -> tuple[dict[str, Any], ...]:
        """Return the alerts that are asked for; one that several tell of is one."""
        found: dict[str, dict[str, Any]] = {}
        for one in self._firing():
            told = self._receivers(one.labels)
            status = self._status(one)
            if _is_wanted(one, status, told, wanted) and one.fingerprint not in found:
                found[one.fingerprint] = _shown(one, status, told, self.now)
        return tuple(found[name] for name in sorted(found))

    def _firing(self) -> Iterator[Firing]:
        return (one for one in self.firings if one.state(self.now) is State.FIRING)

    def _receivers(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        if self.router is None:
            return (NOBODY,)
        return tuple(dict.fromkeys(one.receiver for one in self.router.ends(labels)))

    def _status(self, one: Firing) -> dict[str, Any]:
        silenced = [each.id for each in self._silences() if each.holds(one.labels, self.now)]
        inhibited = sorted(self._inhibiting(one))
        state = "suppressed" if silenced or inhibited else "active"
        return {"state": state, "silencedBy": silenced, "inhibitedBy": inhibited}

    def _silences(self) -> Iterator[Silence]:
        return (one.silence for one in self.silences)

    def _inhibiting(self, one: Firing) -> set[str]:
        target = _alert(one)
        rules = self.router.inhibitions if self.router else ()
        return {
            source.fingerprint
            for rule in rules
            if all_hold(rule.targets, one.labels)
            for source in self._firing()
            if rule.keeps(target, _alert(source))
        }


def _alert(one: Firing) -> Alert:
    return Alert(one.fingerprint, one.labels, one.annotations, one.starts_at or one.since)


def _is_wanted(one: Firing, status: Mapping[str, Any], told: Sequence[str], wanted: Wanted) -> bool:
    return (
        all_hold(wanted.matchers, one.labels)
        and (wanted.active or status["state"] != "active")
        and (wanted.silenced or not status["silencedBy"])
        and (wanted.inhibited or not status["inhibitedBy"])
        and (not wanted.receiver or any(re.fullmatch(wanted.receiver, name) for name in told))
    )


def _shown(
    one: Firing, status: Mapping[str, Any], told: Sequence[str], now: Instant
) -> dict[str, Any]:
    begun = one.starts_at or one.since
    return {
        "fingerprint": one.fingerprint,
        "labels": dict(one.labels),
        "annotations": dict(one.annotations),
        "startsAt": stamp(begun),
        "endsAt": stamp(one.ends_at or Instant(now + LASTS)),
        "updatedAt": stamp(begun),
        "receivers": [{"name": name} for name in told],
        "status": dict(status),
    }
