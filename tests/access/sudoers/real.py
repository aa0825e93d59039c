"""The sudo of this machine as something to ask, and cases made up by chance to ask it about."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import yaml

from opskit.access.hosts.model import Account, File, Group, HostState, Line
from opskit.access.sudoers.decide import Answer, may
from opskit.access.sudoers.policy import load
from opskit.core.clock import Instant
from tests.conftest import CASES

HOST = "web1.example.org"
NOW = Instant(1_795_000_000_000_000)
PASSWD = {
    "root": (0, 0), "alice": (1001, 1001), "bob": (1002, 1002), "carol": (1003, 1003),
    "deploy": (1004, 20), "ALLEY": (1005, 1005),
}  # fmt: skip
GROUPS: dict[str, tuple[int, tuple[str, ...]]] = {
    "root": (0, ()), "disk": (6, ()), "wheel": (10, ("alice",)), "web": (20, ("bob",)),
    "ops": (30, ("alice", "bob")), "alice": (1001, ()), "bob": (1002, ()), "carol": (1003, ()),
}  # fmt: skip
NOWHERE = Line("", 0, "")


@dataclass(frozen=True)
class Wish:
    """Who wants to run what, as whom."""

    user: str
    words: tuple[str, ...]
    run_as: str = ""
    group: str = ""


@dataclass(frozen=True)
class Case:
    """Files of a host and wishes."""

    sudoers: str
    included: dict[str, str] = field(default_factory=dict)
    wishes: tuple[Wish, ...] = ()

    def state(self) -> HostState:
        """Return the host as opskit would have read it."""
        texts = {"/etc/sudoers": self.sudoers}
        texts |= {f"/etc/sudoers.d/{name}": text for name, text in self.included.items()}
        files = {path: File(path, text, mode=0o440, uid=0, gid=0) for path, text in texts.items()}
        accounts = tuple(
            Account(name, uid, gid, "", "/", "/bin/sh", NOWHERE)
            for name, (uid, gid) in PASSWD.items()
        )
        groups = tuple(
            Group(name, gid, members, NOWHERE) for name, (gid, members) in GROUPS.items()
        )
        return HostState(HOST, files, accounts, groups, sudo_version="1.9.13p3")

    def answers(self) -> list[Answer]:
        """Return what opskit says."""
        state = self.state()
        sudoers = load(state)
        return [
            may(
                sudoers, state, one.user, one.words,
                run_as=one.run_as or None, run_as_group=one.group or None, now=NOW,
            )
            for one in self.wishes
        ]  # fmt: skip


def _payload(case: Case) -> str:
    def ids(name: str) -> dict[str, Any]:
        uid, gid = PASSWD[name]
        return {
            "uid": uid, "gid": gid,
            "gids": [g for g, members in GROUPS.values() if name in members],
        }  # fmt: skip

    passwd = "".join(f"{n}:x:{u}:{g}::/:/bin/sh\n" for n, (u, g) in PASSWD.items())
    group = "".join(f"{n}:x:{g}:{','.join(m)}\n" for n, (g, m) in GROUPS.items())
    wishes = [
        {"words": list(one.words), "run_as": one.run_as, "group": one.group, **ids(one.user)}
        for one in case.wishes
    ]
    return json.dumps({
        "sudoers": case.sudoers, "included": case.included, "passwd": passwd, "group": group,
        "wishes": wishes,
    })  # fmt: skip


class RealSudo:
    """Asks sudo itself."""

    def __init__(self, stdin: IO[str], stdout: IO[str]) -> None:
        self._stdin, self._stdout = stdin, stdout

    def ask(self, case: Case) -> list[str]:
        """Return what sudo does for each wish, in the words of `Outcome`."""
        self._stdin.write(_payload(case) + "\n")
        self._stdin.flush()
        found: list[str] = json.loads(self._stdout.readline())
        return found


@contextmanager
def real_sudo(root: Path) -> Iterator[RealSudo]:
    """Start it in a mount and a host name of its own; the machine's /etc stays as it is."""
    child = Path(__file__).with_name("real_child.py")
    argv = ["unshare", "--mount", "--uts", "--propagation", "private", sys.executable, str(child)]
    with subprocess.Popen(
        [*argv, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield RealSudo(process.stdin, process.stdout)
        process.stdin.close()
        process.wait(timeout=30)


USERS = ("alice", "bob", "carol", "deploy", "ALLEY")
WORDS: dict[str, list[Any]] = yaml.safe_load(
    (CASES / "access" / "sudoers" / "vocabulary.yaml").read_text()
)
RUNAS = ("root", "bob", "deploy", "%web", "ALL")


def _some(rng: random.Random, choices: Sequence[str], most: int) -> str:
    items = [
        rng.choice(("",) * 9 + ("!",)) + rng.choice(choices) for _ in range(rng.randint(1, most))
    ]
    return rng.choice((", ", ",", " , ")).join(items)


def _rule(rng: random.Random) -> str:
    parts = []
    for _ in range(1 if rng.random() < 0.85 else 2):
        specs = []
        for _ in range(rng.choice((1, 1, 2, 3))):
            words = [
                rng.choice(WORDS["run_as"]),
                rng.choice(WORDS["options"]),
                rng.choice(WORDS["tags"]),
            ]
            words.append(rng.choice(("",) * 6 + ("!",)) + rng.choice(WORDS["commands"]))
            specs.append(" ".join(one for one in words if one))
        parts.append(f"{_some(rng, WORDS['hosts'], 2)} = {', '.join(specs)}")
    return f"{_some(rng, WORDS['users'], 3)} {' : '.join(parts)}"


def _aliases(rng: random.Random) -> list[str]:
    users = WORDS["users"]
    return [
        f"User_Alias TEAM = {_some(rng, users, 3)} : CREW = {_some(rng, users, 2)}",
        "User_Alias LOOP = LOOP, carol",
        f"Runas_Alias OPS = {_some(rng, RUNAS, 3)}",
        f"Runas_Alias WEBG = {_some(rng, ('web', 'disk', 'bob', 'wheel'), 2)}",
        f"Host_Alias FARM = {_some(rng, ('web1', 'db1', 'ALL', 'web*'), 2)}",
        f"Cmnd_Alias TOOLS = {_some(rng, WORDS['commands'], 4)}",
        "Cmnd_Alias NOTLS = !/opt/bin/ls",
        f"Cmd_Alias SHELLS = {_some(rng, WORDS['commands'], 3)}",
    ]


def made_up(seed: int) -> Case:
    """Return a case of that number: files, rules, wishes."""
    rng = random.Random(seed)
    lines = [*_aliases(rng), *(_rule(rng) for _ in range(rng.randint(1, 7)))]
    lines += [rng.choice(WORDS["defaults"]) for _ in range(rng.randint(0, 3))]
    lines += [rng.choice(WORDS["broken"]) for _ in range(rng.randint(0, 2))]
    rng.shuffle(lines)
    included = {}
    if rng.random() < 0.4:
        lines.insert(
            rng.randint(0, len(lines)),
            rng.choice(("@includedir /etc/sudoers.d", "#includedir sudoers.d")),
        )
        names = ("10-a", "20_b", "dot.ted", "old~", "9z")
        included = {one: _rule(rng) + "\n" for one in rng.sample(names, 2)}
    text = "\n".join(lines) + rng.choice(("\n", "", "\n\n"))
    return Case(text, included, tuple(_wish(rng) for _ in range(12)))


def _wish(rng: random.Random) -> Wish:
    run_as = rng.choice(("", "", "", "root", "bob", "deploy", "alice", "#1002"))
    group = rng.choice(("", "", "", "", "disk", "web", "wheel", "#20"))
    return Wish(rng.choice(USERS), tuple(rng.choice(WORDS["asked"])), run_as, group)
