"""Roles beside their use: unused only with full coverage, and a patch that means exactly that."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from opskit.access.model import Roles
from opskit.access.rightsizing import MOST_EXACT, Sized, Verdict, changes, rightsize
from opskit.access.rules.dormant import DORMANT
from opskit.access.shrinking import shrunk
from opskit.core.clock import DAY, HOUR, MINUTE, Duration, FrozenClock
from opskit.core.errors import ConfigError
from opskit.outside.database import Database
from opskit.outside.models import read
from tests.access.used import COMMANDS, granted, logged, office, write
from tests.access.world import Obedient, World

RESTART, STATUS, CAT = COMMANDS


@pytest.fixture
def world(database: Database, clock: FrozenClock) -> World:
    return World(database, clock, Obedient(clock), office())


def sized(world: World, days: int = 90) -> Sized:
    return rightsize(world.as_("bob"), ("nginx-operator",), Duration(days * DAY))[0]


def verdicts(world: World) -> dict[str, str]:
    return {one.what: one.verdict.value for one in sized(world).rights}


def used_for_two_hours(
    world: World, clock: FrozenClock, *, hosts: tuple[str, ...] = ("web1", "web2"), upto: int = 120
) -> None:
    """Let alice restart nginx, and look at it in two ways, and read the logs of some hosts."""
    start = granted(world).provisioned_at or 0
    clock.advance(3 * HOUR)
    ran = [(1, RESTART), (2, "/usr/bin/systemctl status nginx"), (3, RESTART)]
    ran += [(4, "/bin/systemctl status nginx --no-pager")]
    for host in hosts:
        events = [(start + at * MINUTE, what) for at, what in ran] if host == "web1" else []
        logged(world, start - HOUR, start + upto * MINUTE, host=host, ran=events)


def test_what_was_not_used_while_all_was_seen_is_unused(world: World, clock: FrozenClock) -> None:
    used_for_two_hours(world, clock)
    found = sized(world)
    by_name = {one.what: one for one in found.rights}
    assert {name: one.verdict for name, one in by_name.items()} == {
        "login": Verdict.UNUSED, RESTART: Verdict.USED, STATUS: Verdict.USED, CAT: Verdict.UNUSED,
    }  # fmt: skip
    assert (by_name[RESTART].times, by_name[STATUS].times) == (2, 2)
    assert by_name[STATUS].narrower == (
        "/bin/systemctl status nginx --no-pager", "/usr/bin/systemctl status nginx",
    )  # fmt: skip
    assert (found.grants, found.coverage, found.standing_hours) == (1, 1.0, 4.0)
    assert found.removable_hours == 4.0  # one command, two hours, two hosts


def test_where_a_host_or_an_hour_is_missing_nobody_can_tell(
    world: World, clock: FrozenClock
) -> None:
    used_for_two_hours(world, clock, hosts=("web1",))
    found = sized(world)
    (cat,) = [one for one in found.rights if one.what == CAT]
    assert (cat.verdict, cat.blind) == (Verdict.UNKNOWN, ("web2",))
    assert found.coverage == 0.5
    assert found.removable_hours == 0
    (status,) = [one for one in found.rights if one.what == STATUS]
    assert (status.verdict, status.narrower) == (Verdict.USED, ())
    logged(world, clock.now() - 4 * HOUR, clock.now() - 2 * HOUR, host="web2")
    assert verdicts(world)[CAT] == "cannot tell"
    logged(world, clock.now() - 2 * HOUR, clock.now(), host="web2")
    assert verdicts(world)[CAT] == "unused"


def test_a_role_that_nobody_had_was_not_unused(world: World) -> None:
    found = sized(world)
    assert {one.verdict for one in found.rights} == {Verdict.UNKNOWN}
    assert (found.grants, found.coverage, found.unused) == (0, None, ())


def test_a_right_the_grant_did_not_give_is_not_judged_by_it(
    database: Database, clock: FrozenClock
) -> None:
    world = World(database, clock, Obedient(clock), office((RESTART,)))
    used_for_two_hours(world, clock)
    later = World(database, clock, world.kind, office((RESTART, CAT)))
    assert verdicts(later)[CAT] == "cannot tell"


def test_groups_and_memberships_stand_in_no_log(database: Database, clock: FrozenClock) -> None:
    files = office(linux={"groups": ["adm"], "login": "key"})
    world = World(database, clock, Obedient(clock), files)
    used_for_two_hours(world, clock)
    assert verdicts(world) == {"login": "unused", "adm": "cannot tell"}


def test_what_was_used_before_the_window_does_not_count(world: World, clock: FrozenClock) -> None:
    used_for_two_hours(world, clock)
    clock.advance(30 * DAY)
    assert sized(world, days=10).grants == 0
    assert sized(world, days=60).grants == 1


def test_a_role_that_is_not_there(world: World) -> None:
    with pytest.raises(ConfigError, match="no role 'nginx-oprator'"):
        rightsize(world.as_("bob"), ("nginx-oprator",), Duration(DAY))


# Dormant grants


def dormant(world: World) -> list[str]:
    return [one.message for one in sized(world, days=200).findings]


def test_a_grant_that_lies_unused_is_told_only_when_all_was_seen(
    database: Database, clock: FrozenClock
) -> None:
    world = World(database, clock, Obedient(clock), office(max_duration="200d"))
    start = granted(world, duration=Duration(150 * DAY)).provisioned_at or 0
    clock.advance(100 * DAY)
    assert dormant(world) == []
    logged(world, start, clock.now(), host="web1")
    assert dormant(world) == []
    logged(world, start, clock.now(), host="web2")
    assert dormant(world) == ["g1 (nginx-operator) was not used for 100 d"]
    logged(world, clock.now(), clock.now() + HOUR, host="web2", ran=[(clock.now() + 1, RESTART)])
    clock.advance(HOUR)
    logged(world, clock.now() - HOUR, clock.now(), host="web1")
    assert dormant(world) == []


def test_the_rule_says_why_it_matters_and_what_to_do() -> None:
    (rule,) = DORMANT.rules
    for part in ("\nWhy: ", "\nFix: ", "\nBad:", "\nGood:"):
        assert part in rule.documentation


# The patch

FILE = """---
# The catalogue.
roles:
  nginx-operator:
    purpose: Restart nginx.
    owners: [platform]
    targets: [web, staging]
    linux:
      sudo:
        # One command a line.
        - commands:
            - /usr/bin/systemctl restart nginx   # after a certificate
            # How it does:
            - /usr/bin/systemctl status *  # any unit
            - '/usr/bin/cat /var/log/nginx/error.log'
          password: false
        - {run_as: www-data, commands: [/usr/bin/id, "/usr/bin/cat *", /usr/bin/touch /tmp/x]}
        - run_as: postgres
          commands:
            - /usr/bin/psql

  # The rest.
  other:
    purpose: Other.
    owners: [platform]
    targets: [web]
    linux: {groups: [adm]}
"""

CASES: dict[str, dict[tuple[int, int], tuple[str, ...]]] = {
    "a line of a list": {(0, 2): ()},
    "the first of a list": {(0, 0): ()},
    "any arguments become two": {
        (0, 1): ("/usr/bin/systemctl status nginx", "/usr/bin/systemctl status a,b: c"),
    },
    "within brackets": {(1, 0): (), (1, 1): ("/usr/bin/cat /etc/motd, x",)},
    "the last within brackets": {(1, 2): ()},
    "a whole entry": {(2, 0): ()},
    "the first entry": {(0, 0): (), (0, 1): (), (0, 2): ()},
    "all but one": {(0, 0): (), (0, 1): (), (1, 0): (), (1, 1): (), (1, 2): (), (2, 0): ()},
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_patch_takes_out_exactly_what_was_meant(name: str, tmp_path: Path) -> None:
    path = tmp_path / "access" / "roles.yaml"
    path.parent.mkdir()
    before = read(write(path, FILE), Roles).roles
    wanted = CASES[name]

    found = shrunk(path, "access/roles.yaml", {"nginx-operator": wanted})

    assert (found.changed, found.left) == (("nginx-operator",), ())
    done = subprocess.run(
        ["git", "apply", "-"], cwd=tmp_path, input=found.diff, text=True, check=False,
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    after = read(path, Roles).roles
    assert after["other"] == before["other"]
    linux, was = after["nginx-operator"].linux, before["nginx-operator"].linux
    assert linux is not None
    assert was is not None
    expected = [
        new
        for at, right in enumerate(was.sudo)
        for index, command in enumerate(right.commands)
        for new in wanted.get((at, index), (command,))
    ]
    assert [command for right in linux.sudo for command in right.commands] == expected
    for comment in ("# The catalogue.", "# One command a line.", "# The rest.", "# How it does:"):
        assert (comment in path.read_text()) or name == "the first entry"


FOLDED = FILE.replace("- /usr/bin/psql", "- >-\n              /usr/bin/psql\n              -l")
OVER_LINES = FILE.replace("commands: [/usr/bin/id,", "commands: [/usr/bin/id,\n         ")


@pytest.mark.parametrize(
    ("text", "wanted", "why"),
    [
        (FOLDED, {(2, 0): ("/usr/bin/psql -l",)}, "laid out"),
        (OVER_LINES, {(1, 0): ()}, "laid out"),
        (FILE, {(at, index): () for at in range(3) for index in range(3)}, "nothing would be left"),
        (FILE, {(0, 1): ("/usr/bin/cat x*",)}, "cannot be written"),
        (FILE.replace("nginx-operator:", "nginx:"), {(0, 1): ()}, "does not stand"),
    ],
)  # fmt: skip
def test_a_role_that_cannot_be_edited_for_certain_is_left(
    text: str, wanted: dict[tuple[int, int], tuple[str, ...]], why: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "roles.yaml", text)
    found = shrunk(path, "access/roles.yaml", {"nginx-operator": wanted})
    assert (found.diff, found.changed) == ("", ())
    assert why in found.left[0][1]


def test_a_file_without_a_last_newline_gives_a_patch_that_applies(tmp_path: Path) -> None:
    path = write(tmp_path / "roles.yaml", FILE.rstrip() + "  # end")
    found = shrunk(path, "roles.yaml", {"nginx-operator": {(2, 0): ()}})
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=found.diff, text=True, check=True)
    assert "psql" not in path.read_text()


def test_what_was_used_in_few_ways_becomes_these(world: World, clock: FrozenClock) -> None:
    used_for_two_hours(world, clock)
    role = world.files.roles.roles["nginx-operator"]
    assert changes(sized(world), role) == {
        (0, 1): ("/bin/systemctl status nginx --no-pager", "/usr/bin/systemctl status nginx"),
        (0, 2): (),
    }


def test_what_was_used_in_many_ways_stays_as_it_is(world: World, clock: FrozenClock) -> None:
    start = granted(world).provisioned_at or 0
    clock.advance(3 * HOUR)
    many = [(start + at, f"/usr/bin/systemctl status s{at}") for at in range(MOST_EXACT + 1)]
    logged(world, start, start + 2 * HOUR, ran=many)
    logged(world, start, start + 2 * HOUR, host="web2")
    (status,) = [one for one in sized(world).rights if one.what == STATUS]
    assert (status.verdict, status.times, status.blind) == (Verdict.USED, MOST_EXACT + 1, ())
    assert status.narrower == ()
