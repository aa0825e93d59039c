"""What a host is exposed to: found, kept while it could not be read, and gone when it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from opskit.core.clock import DAY, Instant, iso
from opskit.core.errors import ConfigError
from opskit.core.transcript import HostFacts, Outcome
from opskit.fleet import history
from opskit.fleet.posture import Posture, findings, listening
from tests.fleet.test_episodes import Story, empty, story
from tests.fleet.transcripts import transcript

__all__ = ["empty", "story"]

NOW = Instant(1_790_000_000_000_000)
FINE: dict[str, Any] = {
    "updates": {"pending": 3, "security": 0, "packages": []},
    "reboot": {"required": False},
    "certificates": {"items": []},
    "ports": {"items": []},
}


def day(number: int) -> str:
    return iso(Instant(NOW + number * DAY))


def said(parts: Mapping[str, Any], declared: frozenset[str] | None = None) -> list[str]:
    posture = Posture("web1", NOW, {**FINE, **parts}, ports=declared)
    return [f"{one.severity} {one.subject}: {one.message}" for one in findings(posture)]


def certificate(end: str | None) -> Mapping[str, Any]:
    return {"items": [{"path": "/etc/tls.pem", "subject": "CN=a", "not_after": end}]}


def test_a_host_with_nothing_to_say_has_no_finding() -> None:
    assert said({}) == []


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (
            {"updates": {"security": 2, "packages": [{"published_at": day(-9)}, {}]}},
            ["high updates: 2 security updates not installed, the oldest out for 9 d"],
        ),
        ({"updates": {"security": 1}}, ["high updates: 1 security update not installed"]),
        (
            {"reboot": {"required": True, "since": day(-2)}},
            ["medium reboot: a restart is needed for installed updates to count, for 2 d"],
        ),
        (
            {"certificates": certificate(day(-1))},
            ["high /etc/tls.pem: the certificate ended 1 d ago"],
        ),
        (
            {"certificates": certificate(day(20))},
            ["medium /etc/tls.pem: the certificate ends in 20 d"],
        ),
        ({"certificates": certificate(day(22))}, []),
        ({"certificates": certificate(None)}, []),
        ({"certificates": certificate("soon")}, []),
    ],
)
def test_what_is_exposed_is_a_finding(parts: dict[str, Any], expected: list[str]) -> None:
    assert said(parts) == expected


LISTENING = {
    "items": [
        {"proto": "tcp", "address": "0.0.0.0", "port": 22, "process": "sshd"},
        {"proto": "tcp6", "address": "::", "port": 8080, "process": None},
        {"proto": "tcp", "address": "127.0.0.1", "port": 5432, "process": "postgres"},
        {"proto": "udp6", "address": "::1", "port": 53, "process": None},
        "garbage",
    ]
}


def test_a_port_that_others_can_reach_is_to_be_declared() -> None:
    declared = frozenset({"22/tcp"})
    assert said({"ports": LISTENING}, declared) == [
        "medium port 8080/tcp: it listens and is not declared"
    ]


def test_where_no_ports_are_declared_none_is_held_against_a_host() -> None:
    assert said({"ports": LISTENING}) == []
    assert listening(Posture("web1", NOW, {"ports": LISTENING})) == {
        "22/tcp": "sshd",
        "8080/tcp": "",
    }


@pytest.mark.parametrize("facts", [{}, {"updates": []}, {"updates": {"unknown": "no apt\x1b[31m"}}])
def test_a_part_that_could_not_be_read_is_unknown_and_no_finding(facts: dict[str, Any]) -> None:
    posture = Posture("web1", NOW, {**{k: v for k, v in FINE.items() if k != "updates"}, **facts})
    assert findings(posture) == ()
    assert list(posture.unknown) == ["updates"]
    assert "\x1b" not in posture.unknown["updates"]


def read(story: Story, facts: Mapping[str, Any]) -> None:
    """Check web1, which says FACTS of itself."""
    told = transcript({"web1": {("A", ""): Outcome.OK}})
    posture = HostFacts("web1", {**FINE, **facts}, "team:web")
    story.check(replace(told, posture=(posture,)))


def test_a_finding_is_gone_when_it_is_seen_gone_and_not_when_nobody_could_look(
    story: Story,
) -> None:
    with pytest.raises(ConfigError, match="no posture is known"):
        history.posture(story.place, ())
    read(story, {"updates": {"security": 2}})
    read(story, {"updates": {"security": 1}})
    read(story, {"updates": {"unknown": "it took too long"}})
    assert story.said("exposure.found", "exposure.gone") == ["exposure.found web1"]
    (known,), (open_,) = history.posture(story.place, ("web1",))
    assert (known.owner, open_.subject) == ("team:web", "updates")
    read(story, {})
    assert story.said("exposure.gone") == ["exposure.gone web1"]
    assert history.posture(story.place, ())[1] == ()


def test_what_was_read_stays_with_the_run(story: Story) -> None:
    read(story, {"reboot": {"required": True}})
    (known,), _ = history.posture(story.place, ())
    assert json.loads(json.dumps(known.facts))["reboot"] == {"required": True}
    with pytest.raises(ConfigError, match="web9"):
        history.posture(story.place, ("web9",))
