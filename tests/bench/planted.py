"""Outages planted in real servers, and what opskit says of them afterwards.

    python -m tests.bench.planted [MINUTES]

`opskit serve` looks at ten services by its own rhythm while their servers refuse, answer with an
error, say nothing, or come and go too quickly to count. It is killed and started again in between,
and work is announced on one of them. At the end each service's downtime must be the planted one
within the edges that opskit itself states; each planted outage that could be confirmed must be
there, and nothing else. Ends with 1 where that is not so.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.monitor.servers import Server, page, silence

SECOND = 1_000_000
INTERVALS = (2, 5, 10)
CONFIRM, TIMEOUT = 1, 1
Span = tuple[int, int]


def certain(interval: int) -> int:
    """Return how long an outage must be so that looks so far apart always confirm it."""
    return (interval + CONFIRM + TIMEOUT + 1) * SECOND


@dataclass
class Planted:
    """A service, its server, and when it was really down."""

    name: str
    interval: int
    server: Server
    chance: random.Random
    down: list[Span] = field(default_factory=list)
    since: int | None = None
    blip: bool = False
    next_at: float = 0.0

    def turn(self, now: float) -> None:
        """Go down or come back when it is time."""
        if now < self.next_at:
            return
        if self.since is None:
            self._fall()
            # A third is over before anybody can confirm it: that is no outage.
            self.blip = self.chance.random() < 1 / 3
            least = certain(self.interval) / SECOND
            length = self.chance.uniform(0.2, 0.9) if self.blip else self.chance.uniform(least, 90)
        else:
            self.rise()
            length = self.chance.uniform(20, 150)
        self.next_at = now + length

    def _fall(self) -> None:
        way = self.chance.choice(("refuse", "error", "silence"))
        self.since = _now()
        if way == "refuse":
            self.server.stop()
        else:
            self.server.answer = page("no", "500 No") if way == "error" else silence

    def rise(self) -> None:
        """Be well again."""
        if self.since is None:
            return
        self.server.answer = page()
        self.server.start()
        if not self.blip:
            self.down.append((self.since, _now()))
        elif _now() - self.since >= CONFIRM * SECOND:
            print(f"{self.name}: this machine made a blip too long: {self.since}", file=sys.stderr)
        self.since = None


def _now() -> int:
    return time.time_ns() // 1_000


def lay_out(root: Path, planted: Sequence[Planted]) -> None:
    """Write the repository: each service, and one that is made of others."""
    services: dict[str, Any] = {
        one.name: {
            "owner": "web",
            "probes": [
                {
                    "kind": "http", "url": f"http://{one.server.address}/",
                    "interval": f"{one.interval}s", "timeout": f"{TIMEOUT}s",
                    "confirm_after": f"{CONFIRM}s",
                }
            ],
        }
        for one in planted
    }  # fmt: skip
    services["shop"] = {"owner": "web", "made_of": ["s0", {"any_of": ["s1", "s2"]}]}
    (root / "services.yaml").write_text(json.dumps({"services": services}))
    settings = {"services": "services.yaml", "serve": {"listen": "127.0.0.1:0"}}
    (root / "opskit.yaml").write_text(json.dumps(settings))


def opskit(root: Path, *arguments: str) -> str:
    """Run a command and return what it printed."""
    argv = [sys.executable, "-m", "opskit", *arguments]
    return subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False).stdout


def announce(root: Path) -> subprocess.Popen[bytes]:
    """Announce work on a service, beside all else."""
    words = ("monitor", "maintenance", "open", "s4", "--for", "2m", "--reason", "disks")
    return subprocess.Popen(
        [sys.executable, "-m", "opskit", *words], cwd=root, stdout=subprocess.DEVNULL
    )


def serving(root: Path) -> subprocess.Popen[bytes]:
    """Start serving."""
    argv = [sys.executable, "-m", "opskit", "serve"]
    return subprocess.Popen(argv, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def live(root: Path, planted: Sequence[Planted], seconds: float) -> list[Span]:
    """Let it all happen; return when nobody looked.

    Twice it is killed, once to come back at once and once a minute later.
    """
    dead: list[Span] = []
    process = serving(root)
    start = time.monotonic()
    kills = {seconds * 0.35: 0.0, seconds * 0.6: 60.0}
    work: float | None = seconds * 0.2
    again: float | None = None
    killed = 0
    announced: subprocess.Popen[bytes] | None = None
    for one in planted:
        one.next_at = start + one.chance.uniform(15, 60)
    while (now := time.monotonic()) - start < seconds:
        for one in planted:
            one.turn(now)
        if work is not None and now - start > work:
            # Waiting for it would make a blip an outage.
            announced = announce(root)
            work = None
        for at in [at for at in kills if now - start > at]:
            process.kill()
            process.wait()
            killed, again = _now(), now + kills.pop(at)
        if again is not None and now >= again:
            dead.append((killed, _now()))
            process, again = serving(root), None
        time.sleep(0.02)
    for one in planted:
        one.rise()
    time.sleep(2 * max(INTERVALS) + 3)
    process.terminate()
    process.wait(20)
    if announced is None or announced.wait(20):
        message = "the work could not be announced"
        raise RuntimeError(message)
    return dead


def stretches(told: dict[str, Any], *states: str) -> list[Span]:
    """Return when a service was in one of some states, by what opskit says."""
    return joined(
        [(one["start"], one["end"]) for one in told["intervals"] if one["state"] in states]
    )


def joined(spans: Sequence[Span]) -> list[Span]:
    """Return spans in order, those that touch as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def both(first: Sequence[Span], second: Sequence[Span]) -> list[Span]:
    """Return the time that is in both."""
    pairs = ((max(a, c), min(b, d)) for a, b in first for c, d in second)
    return joined([(start, end) for start, end in pairs if start < end])


def without(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Return the time that is in the first and not in the others."""
    ends = [0, *(at for one in others for at in one), 2**62]
    return both(spans, list(zip(ends[::2], ends[1::2], strict=True)))


def length(spans: Sequence[Span]) -> int:
    """Return how long spans are, all together."""
    return sum(end - start for start, end in spans)


@dataclass(frozen=True)
class Verdict:
    """What was planted and what was told of a service."""

    name: str
    true: int
    told: int
    edge: int
    unknown: int
    outages: int
    missed: int
    invented: int
    vouched: int

    @property
    def ok(self) -> bool:
        """Return whether it told the truth."""
        wrong = self.missed or self.invented or self.vouched
        return abs(self.true - self.told) <= self.edge and not wrong

    def __str__(self) -> str:
        """Return a line of the table."""
        words = [f"{value / SECOND:9.2f}" for value in (self.true, self.told, self.edge)]
        off = f"{(self.told - self.true) / SECOND:+7.2f}"
        rest = f"{self.unknown / SECOND:8.1f} {self.outages:8d} {self.missed:7d} {self.invented:9d}"
        return f"{self.name:6} {' '.join(words)} {off} {rest} {'yes' if self.ok else 'NO':>4}"


def judged(
    name: str, true: Sequence[Span], told: dict[str, Any], interval: int, dead: Sequence[Span]
) -> Verdict:
    """Compare what was planted with what is told, where somebody looked.

    What is seen holds for 2.5 intervals: beyond that nobody vouches for the time in which opskit
    was dead, and within it an outage may begin or end unseen.
    """
    known, down = stretches(told, "up", "down", "degraded"), stretches(told, "down")
    hold = interval * SECOND * 5 // 2
    beyond = [(start + hold, end) for start, end in dead if start + hold < end]
    around = [(start - interval * SECOND, end + hold + 10 * SECOND) for start, end in dead]
    looked = without(known, joined(around))
    real, said = both(true, looked), both(down, looked)
    whole = [one for one in true if both([one], looked) == [one]]
    return Verdict(
        name,
        length(real),
        length(said),
        told["edge"],
        length(stretches(told, "unknown")),
        len(down),
        # What two services share may be too short to be seen in both.
        sum(not both([one], down) for one in whole if one[1] - one[0] >= certain(interval)),
        # Whole ones: what is cut off may be the edge of one that was planted.
        sum(not both([one], true) for one in down if both([one], looked)),
        length(both(known, beyond)),
    )


def main() -> int:
    """Plant, wait, compare, print."""
    seconds = float(sys.argv[1] if len(sys.argv) > 1 else 21) * 60
    chance = random.Random(20_261_122)
    planted = [
        Planted(f"s{n}", INTERVALS[n % 3], Server(page()), random.Random(chance.random()))
        for n in range(10)
    ]
    for one in planted:
        one.server.start()
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        lay_out(root, planted)
        since = datetime.fromtimestamp(time.time()).astimezone().isoformat()
        dead = live(root, planted, seconds)
        told = {
            name: json.loads(opskit(root, "monitor", "explain", name, "--from", since, "--json"))
            for name in (*(one.name for one in planted), "shop")
        }
        chain = opskit(root, "ledger", "verify")
    true = {one.name: joined(one.down) for one in planted}
    true["shop"] = joined([*true["s0"], *both(true["s1"], true["s2"])])
    intervals = {**{one.name: one.interval for one in planted}, "shop": max(INTERVALS)}
    found = [judged(name, true[name], told[name], intervals[name], dead) for name in told]
    print("name        true      told      edge     off  unknown  outages  missed  invented   ok")
    for verdict in found:
        print(verdict)
        for start, end in both(stretches(told[verdict.name], "down"), [(0, 2**62)]):
            if not both([(start, end)], true[verdict.name]):
                print(f"  told and not planted: {start} to {end}, {end - start} us")
    print(chain.strip())
    return 0 if all(one.ok for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
