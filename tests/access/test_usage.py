"""Logs of sshd and sudo joined to grants: what counts, what does not, and what is known of when."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings, strategies as st

from opskit.access.attribution import allows
from opskit.access.logfiles import read_files, read_logs
from opskit.access.loglines import (
    Ran,
    Stamps,
    Unclear,
    journal_line,
    line_of,
    of_json,
    said,
    stamp,
    unfolded,
)
from opskit.access.store import usage as stored
from opskit.access.targets.kinds import Logs
from opskit.access.usage import read_hosts, record
from opskit.core.clock import DAY, HOUR, MINUTE, SECOND, FrozenClock, Instant, iso
from opskit.core.errors import ConfigError
from opskit.core.interval import Interval
from opskit.outside.database import Database
from tests.access.used import LOGS, fingerprint, granted, logged, office, uses, write
from tests.access.world import Obedient, World

EXPECTED: dict[str, Any] = yaml.safe_load((LOGS / "expected.yaml").read_text())
NOON = 1_790_856_000 * SECOND
LATER = Stamps(Instant(NOON + 5 * HOUR), ZoneInfo("UTC"))


@pytest.fixture
def world(database: Database, clock: FrozenClock) -> World:
    return World(database, clock, Obedient(clock), office())


@pytest.mark.parametrize("name", EXPECTED)
def test_a_log_is_read_as_its_programs_meant_it(world: World, name: str) -> None:
    granted(world)
    expected = EXPECTED[name]
    done = record(world.as_("bob"), [read_files([LOGS / name], "web1", LATER)])[0]
    assert uses(world) == {("web1", what): times for what, times in expected["used"].items()}
    assert done.denied == expected["denied"]
    assert done.by_no_grant == expected["by_no_grant"]
    assert done.unclear == expected["unclear"]
    if "why" in expected:
        assert done.interval is None
        assert expected["why"] in done.why
    else:
        assert done.interval is not None
        assert [iso(done.interval.start), iso(done.interval.end)] == [
            f"{one:%Y-%m-%dT%H:%M:%SZ}" for one in expected["covered"]
        ]
    assert "usage.read" in world.kinds_of_entries()


def test_every_file_of_the_cases_is_expected() -> None:
    assert {path.name for path in LOGS.iterdir() if path.suffix in {".log", ".json"}} == {*EXPECTED}


def test_the_same_log_read_twice_counts_once(world: World) -> None:
    granted(world)
    for name in ("debian12-auth.log", "debian12-auth.log", "sudo-own.log", "sudo-own.log"):
        record(world.as_("bob"), [read_files([LOGS / name], "web1", LATER)])
    assert uses(world)["web1", "/usr/bin/systemctl restart nginx"] == 1
    with world.database.read() as connection:
        assert len(stored.covered(connection, "web1")) == 1


def test_what_happened_on_another_host_or_before_and_after_is_nobodys(world: World) -> None:
    granted(world)
    read = read_files([LOGS / "debian12-auth.log"], "stage1", LATER)
    assert record(world.as_("bob"), [read])[0].by_no_grant == 5
    assert uses(world) == {}


def test_rotated_files_are_one_time_and_others_are_not(world: World, tmp_path: Path) -> None:
    granted(world)
    lines = (LOGS / "debian12-auth.log").read_text().splitlines(keepends=True)
    packed = tmp_path / "auth.log.2.gz"
    packed.write_bytes(gzip.compress("".join(lines[:7]).encode()))
    files = [
        write(tmp_path / "auth.log", "".join(lines[13:])),
        packed,
        write(tmp_path / "auth.log.1", "".join(lines[7:13])),
    ]
    read = read_files(files, "web1", LATER)
    assert read.interval is not None
    assert read.interval.length > 3 * HOUR
    torn = read_files([files[0], files[1]], "web1", LATER)
    assert torn.interval is not None
    assert torn.interval.start > NOON  # what lies between is not known
    assert len(torn.events) > 4


def test_a_file_that_cannot_be_unpacked_is_told(tmp_path: Path) -> None:
    whole = gzip.compress((LOGS / "debian12-auth.log").read_bytes())
    for name, raw in (
        ("a.gz", whole[:200]),
        ("b.gz", b"no gzip"),
        ("c.gz", whole[:40] + b"x" * 99),
    ):
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(ConfigError, match=f"{name} cannot be unpacked"):
            read_files([tmp_path / name], "web1", LATER)


def test_a_log_of_many_hosts_gives_only_the_lines_of_one(tmp_path: Path) -> None:
    text = (LOGS / "debian12-auth.log").read_text()
    both = write(tmp_path / "all.log", text + text.replace(" web1 ", " db1.example.org "))
    assert len(read_files([both], "db1", LATER).events) == 8
    with pytest.raises(ConfigError, match="none is mail: db1"):
        read_files([both], "mail", LATER)


def test_a_line_without_end_or_meaning_only_makes_a_hole(world: World, tmp_path: Path) -> None:
    granted(world)
    text = (LOGS / "debian12-auth.log").read_bytes().splitlines(keepends=True)
    endless = text[5].rstrip() + b" " + b"x" * 10_000_000 + b"\n"
    log = tmp_path / "auth.log"
    log.write_bytes(
        b"".join([*text[:5], endless, b"\xff\xfe\x00\n", b"{" * 9999, b"\n", *text[6:]])
    )
    done = record(world.as_("bob"), [read_files([log], "web1", LATER)])[0]
    assert done.unclear == 1
    assert ("web1", "/usr/bin/systemctl restart nginx") not in uses(world)
    with world.database.read() as connection:
        spans = stored.covered(connection, "web1")
    assert len(spans) == 2  # it is not known what was run in that instant
    assert spans[0].end + 1 == spans[1].start


def test_what_separates_lines_for_others_does_not_here(tmp_path: Path) -> None:
    forged = (
        "2026-10-01T12:01:01+00:00 web1 sudo: alice : TTY=x ; PWD=/ ; USER=root ; COMMAND=/bin/a"
    )
    for sign in ("\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\r"):
        log = write(
            tmp_path / "x.log", f"2026-10-01T12:00:00+00:00 web1 app: hello{sign}{forged}\n"
        )
        assert read_files([log], "web1", LATER).events == []


ACCEPTED = (
    "2026-10-01T12:00:00Z web1 sshd[1]: Accepted publickey for root from ::1 port 2 ssh2: "
    f"ED25519 {fingerprint()}"
)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([], "no login was logged"),
        ([ACCEPTED], "sudo wrote nothing"),
        (["{}"], "an entry that cannot be read"),
    ],
)  # fmt: skip
def test_logs_that_do_not_show_that_they_are_whole_cover_nothing(
    lines: list[str], why: str
) -> None:
    logs = Logs(tuple(lines), Instant(NOON), Instant(NOON + HOUR))
    read = read_logs("web1", logs, LATER)
    assert read.interval is None
    assert why in read.why


class Giving(Obedient):
    """Targets that give logs: what of a journal is newer than asked."""

    def logs(self, since: dict[str, Instant]) -> dict[str, Logs]:
        self.asked = since
        lines = tuple((LOGS / "journal.json").read_text().splitlines())
        now = self.clock.now()
        return {
            host: Logs(lines, Instant(max(at, NOON)), now)
            if host == "web1"
            else Logs((), at, at, "no route to host")
            for host, at in since.items()
        }


def test_a_host_is_asked_for_what_is_new_and_one_that_is_away_covers_nothing(
    database: Database, clock: FrozenClock
) -> None:
    kind = Giving(clock)
    world = World(database, clock, kind, office())
    granted(world)
    clock.advance(HOUR)
    work = world.as_("bob")
    one, away = record(work, read_hosts(work, ["web1", "web2"]))
    assert kind.asked["web1"] == clock.now() - 90 * DAY
    assert one.interval == Interval(Instant(NOON), clock.now())
    assert (away.interval, away.why) == (None, "no route to host")
    assert uses(world)["web1", "login"] == 1
    clock.advance(HOUR)
    record(work, read_hosts(work, ["web1", "web2"]))
    assert kind.asked["web1"] == clock.now() - HOUR
    assert uses(world)["web1", "login"] == 1
    with pytest.raises(ConfigError, match="gives logs"):
        read_hosts(World(database, clock, Obedient(clock), office()).as_("bob"), ["web1"])


def test_coverage_is_written_once_however_often_a_time_is_read(world: World) -> None:
    for start, end in ((0, 10), (20, 30), (5, 25), (0, 40), (0, 40)):
        logged(world, NOON + start * MINUTE, NOON + end * MINUTE)
    with world.database.read() as connection:
        spans = stored.covered(connection, "web1")
    assert sum(one.length for one in spans) == 40 * MINUTE


@pytest.mark.parametrize(
    ("written", "run", "allowed"),
    [
        ("ALL", "/bin/anything at all", True),
        ("/usr/bin/id", "/usr/bin/id", True),
        ("/usr/bin/id", "/usr/bin/id -u", False),
        ("/usr/bin/id *", "/usr/bin/id", True),
        ("/usr/bin/id *", "/bin/id -u root", True),
        ("/usr/bin/systemctl restart nginx", "/usr/bin/systemctl restart nginx2", False),
        ("/usr/bin/systemctl status *", "/usr/bin/systemctl status", False),
        ("/usr/bin/systemctl status *", "/usr/bin/systemctl restart status x", False),
        ("/opt/bin/id", "/usr/bin/id", False),
    ],
)
def test_a_command_is_the_one_of_a_role_as_sudoers_takes_it(
    written: str, run: str, allowed: bool
) -> None:
    assert allows(written, run) is allowed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Oct  1 12:00:00", "2026-10-01T12:00:00Z"),
        ("Oct  2 16:00:00", "2026-10-02T16:00:00Z"),  # a clock that is ahead
        ("Oct  3 12:00:00", "2025-10-03T12:00:00Z"),
        ("Dec 31 23:59:60", "2026-01-01T00:00:00Z"),
        ("Feb 29 12:00:00", None),
        ("Oct  1 12:00:00 2020", "2020-10-01T12:00:00Z"),
        ("2026-10-01T14:00:00.123456789+02:00", "2026-10-01T12:00:00Z"),
        ("2026-13-01T14:00:00Z", None),
    ],
)
def test_a_stamp_is_the_last_time_it_can_be(text: str, expected: str | None) -> None:
    at = stamp(text, LATER)
    assert (None if at is None else iso(at)) == expected


NASTY = st.text(
    st.sampled_from([*" ;:=#\\\"{}[]()'\n\r\x00\x1b\u2028/", *"aXU0"]), max_size=60
) | st.sampled_from(
    [" ; COMMAND=/bin/x", " ; USER=root", '"accept": {', " (serial 1) CA X SHA256:"]
)


@settings(max_examples=200)
@given(NASTY, NASTY, NASTY)
def test_what_a_user_chooses_never_becomes_another_command(
    directory: str, arguments: str, tail: str
) -> None:
    """A directory and arguments of the user's own: either exactly what was run, or unclear."""
    path = "/usr/bin/systemctl"
    message = f"alice : TTY=pts/0 ; PWD=/{directory} ; USER=bob ; COMMAND={path} {arguments}{tail}"
    line = line_of(f"2026-10-01T12:00:00Z web1 sudo: {message}", LATER)
    assert line is not None
    found = said(line)
    assert isinstance(found, Ran | Unclear)
    if isinstance(found, Ran):
        assert (found.account, found.run_as) == ("alice", "bob")
        assert found.command == f"{path} {arguments}{tail}"


@settings(max_examples=200)
@given(st.text(max_size=200) | NASTY)
def test_no_line_breaks_a_reader(text: str) -> None:
    line = line_of(text, LATER)
    assert line is None or isinstance(line.message, str)
    list(of_json(text))
    journal_line(text)
    assert "".join(unfolded([text])).startswith(text)


@settings(max_examples=100)
@given(NASTY, NASTY)
def test_json_says_what_was_run_whatever_its_values_hold(cwd: str, argument: str) -> None:
    value = {
        "submitcwd": cwd, "server_time": {"seconds": 1}, "submituser": "alice",
        "command": "/bin/id", "runuser": "root", "runargv": ["id", argument],
    }  # fmt: skip
    for text in (json.dumps({"accept": value}), json.dumps({"accept": value}, indent=4)):
        assert [*of_json(text)] == [Ran(Instant(SECOND), "alice", "root", f"/bin/id {argument}")]
