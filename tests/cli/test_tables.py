"""Tables fit the terminal, color is for terminals, and nothing on them is lost."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from opskit.core.clock import HOUR, MINUTE, SECOND, FrozenClock, Instant, SystemClock, iso
from opskit.core.errors import ExitCode
from opskit.monitor.catalogue import Catalogue
from opskit.monitor.model import Observation, Seen
from opskit.monitor.record import Recorder
from opskit.outside.database import Database, sqlite_url
from opskit.records.ledger import Ledger
from opskit.records.outbox import Outbox
from tests.cli.inside import Inside
from tests.cli.terminal import STYLE, on_terminal

# Minutes back from now: from, to, and how both services were.
PAST = ((60, 31, Seen.UP), (30, 20, Seen.DOWN), (19, 3, Seen.UP), (2, 1, Seen.DOWN))
LONG = "a-service-whose-name-is-as-long-as-a-name-may-be-which-is-63-ch"
REASON = "Failed to connect to 127.0.0.1:8080 after 0 ms: Could not connect to server"
COMMANDS = [
    ("monitor", "status"),
    ("monitor", "uptime", "--last", "2h"),
    ("monitor", "explain", LONG, "--last", "2h"),
    ("config", "show"),
    ("check",),
]


def plant(root: Path) -> None:
    """Write a catalogue and an hour of observations, one outage in it."""
    probe = {"kind": "tcp", "address": "127.0.0.1:1", "timeout": "100ms", "confirm_after": "100ms"}
    service = {
        "owner": "the-team-that-owns-it",
        "objective": {"availability": "99.999%"},
        "probes": [probe],
    }
    services = json.dumps({"services": {LONG: service, "shop": service}})
    (root / "services.yaml").write_text(services)
    now = SystemClock().now()
    clock = FrozenClock(Instant(now - HOUR))
    database = Database.open(sqlite_url(root / ".opskit" / "opskit.db"))
    recorder = Recorder(database, Ledger(clock, "test"), Outbox(database, clock))
    recorder.begin(Catalogue.model_validate_json(services, strict=True))
    for first, last, seen in PAST:
        reason = REASON if seen is Seen.DOWN else ""
        recorder.record([
            Observation(f"{name}/tcp", Instant(now - back * MINUTE), seen, reason, SECOND, MINUTE)
            for name in (LONG, "shop")
            for back in range(first, last - 1, -1)
        ])  # fmt: skip
    recorder.seal(now)
    database.close()


@pytest.fixture
def planted(ops: Path) -> Path:
    """Return an ops repository that has seen something."""
    plant(ops)
    # Ansible's part of `check` says nothing of tables, and takes its time.
    (ops / "playbooks" / "standard.yml").unlink()
    (ops / "inventory" / "hosts.ini").unlink()
    return ops


def widest(text: str) -> int:
    return max(len(STYLE.sub("", line)) for line in text.splitlines())


@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_line_of_a_table_is_wider_than_the_terminal(
    planted: Path,
    inside: Inside,
    monkeypatch: pytest.MonkeyPatch,
    width: int,
    arguments: Sequence[str],
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    out = inside(*arguments).out
    assert out
    table = out.partition("\n\n")[0]  # a sentence below it is the terminal's to wrap
    assert widest(table) <= width


@pytest.mark.parametrize("width", [60, 80, 140])
@pytest.mark.parametrize("arguments", COMMANDS[:3], ids=" ".join)
def test_a_narrow_table_still_says_everything(
    planted: Path,
    inside: Inside,
    monkeypatch: pytest.MonkeyPatch,
    width: int,
    arguments: Sequence[str],
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    out = inside(*arguments).out
    spared = out.partition("a wider terminal also shows: ")[2].strip().split(", ")
    shown = Counter("".join(out.split()))
    wanted = Counter("".join("".join(said(inside, arguments, spared)).split()))
    # Letter by letter, since a cell may be folded and stand beside others.
    assert wanted
    assert wanted - shown == Counter()


def said(inside: Inside, arguments: Sequence[str], spared: Sequence[str]) -> Iterator[str]:
    """Yield each text that a command gives to machines and owes to people."""
    data = json.loads(inside(*arguments, "--json").out)
    for row in data.get("targets", ()):
        yield from (row["target"], row["state"], row["reason"])
        yield "" if "owner" in spared else row["owner"]
    for row in data.get("services", ()):
        yield from (row["service"], "99.999 %", "missed") if "sufficient" in row else ()
    for row in data.get("intervals", ()):
        yield from (row["state"], row["reason"])
    # The first one begins where the window does, which has moved on between the two commands.
    yield from (iso(row["start"]) for row in data.get("intervals", ())[1:])


@pytest.mark.parametrize("width", [80, 140])
def test_the_width_is_the_terminal_s_own(planted: Path, width: int) -> None:
    shown = on_terminal("monitor", "status", cwd=planted, width=width)
    assert shown.code == ExitCode.FINDINGS
    assert "shop/tcp" in shown.out
    assert width // 2 < widest(shown.out) <= width


def test_colors_are_for_terminals(
    planted: Path, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b" not in inside("monitor", "status").out
    shown = on_terminal("monitor", "status", cwd=planted, width=120)
    assert STYLE.search(shown.out)
    assert "\x1b" not in STYLE.sub("", shown.out)


def test_no_color_is_honored(planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    shown = on_terminal("monitor", "status", cwd=planted, width=120)
    # Bold is no color; anything from 30 to 49 and from 90 to 107 is.
    assert not re.search(r"\x1b\[(?:\d+;)*(?:[34]\d|9\d|10[0-7])\b", shown.out)


def test_a_dumb_terminal_gets_plain_text(planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR")
    shown = on_terminal("monitor", "status", cwd=planted, width=120, environment={"TERM": "dumb"})
    assert "\x1b" not in shown.out
