"""A disk fills up: it is foreseen, routed by rota, escalates, is taken in hand, and is over.

The disk, its exporter, the probes, the rules that come with opskit and the receivers are real; only
the time is not: five minutes pass from one look to the next.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from opskit.alerts.engine import Engine, Page
from opskit.alerts.routing.matchers import parsed
from opskit.app import App
from opskit.core.clock import DAY, HOUR, MINUTE, Duration, FrozenClock, Instant
from opskit.core.interval import Interval
from opskit.monitor.store import samples
from opskit.monitor.store.samples import Metric
from opskit.outside.config import load
from tests.monitor.probes.wells import Ground, scrape
from tests.outside.servers import Server, body, plain
from tests.rig.plugin import require

SHIPPED = Path(__file__).parents[2] / "alerts/opskit/service.yaml"
ROUTES = """\
route:
  receiver: duty
  group_by: [alertname, target]
  group_wait: 0s
  group_interval: 5m
  repeat_interval: 12h
  escalation: up
receivers: [{name: duty, rota: primary}, {name: lead, channels: [ben-phone]}]
escalations: [{name: up, steps: [{after: 15m, receiver: lead}]}]
rotas:
  - {name: primary, zone: UTC, layers: [{people: [ada], start: 2026-01-05T09:00, turn: 7d}]}
contacts: {ada: [ada-phone]}
"""
SIZE = 64 * 1024**2
STEP = Duration(5 * MINUTE)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small file system of its own."""
    require(None if shutil.which("mkfs.ext4") else "mkfs.ext4 is missing")
    image, place = tmp_path / "image", tmp_path / "disk"
    with image.open("wb") as stream:
        stream.truncate(SIZE)
    place.mkdir()
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
    done = subprocess.run(
        ["mount", "-o", "loop", image, place], capture_output=True, text=True, check=False
    )
    require(done.stderr.strip() or None if done.returncode else None)
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@dataclass
class World:
    """opskit in one process, its people's telephones, and the time."""

    app: App
    clock: FrozenClock
    disk: Path
    engine: Engine
    phones: dict[str, Server]
    told: list[tuple[Duration, str]] = field(default_factory=list)
    size: int = 0

    def steps(self, hours: float, growth: int) -> Iterator[Duration]:
        """Let hours pass, in each of which GROWTH bytes come onto the disk."""
        end = self.clock.now() + int(hours * HOUR)
        while self.clock.now() < end:
            more = growth * STEP // HOUR
            with (self.disk / "log").open("ab") as stream:
                stream.write(b"\1" * more)
            self.size += more
            self.step()
            yield self.clock.elapsed

    def step(self) -> None:
        self.app.prober(self.app.catalogue.targets()).once(lambda _: None)
        page = Page(self.app.families(), self.app.gatherer.hides)
        self.app.alerting.watcher.look(self.engine, page)
        before = {name: len(one.requests) for name, one in self.phones.items()}
        self.app.deliver()
        for name, one in self.phones.items():
            for request in one.requests[before[name] :]:
                notice = json.loads(body(request))
                said = notice["notice"]
                text = f"{name}: {said['status']}, {said['title']}"
                self.told.append((self.clock.elapsed, text.replace(str(self.disk), "DISK")))
        self.clock.advance(STEP)


@pytest.fixture
def world(
    ops: Path, disk: Path, tmp_path: Path, clock: FrozenClock, request: pytest.FixtureRequest
) -> Iterator[World]:
    require(
        None if shutil.which("prometheus-node-exporter") else "prometheus-node-exporter is missing"
    )
    place = f'mountpoint="{disk}"'
    keep = [
        f"node_filesystem_{name}{{{place}}}"
        for name in ("avail_bytes", "size_bytes", "files", "files_free")
    ]
    phones = {name: Server(plain(b"ok")) for name in ("ada-phone", "ben-phone")}
    with scrape(Ground(tmp_path, request)) as settings, phones["ada-phone"], phones["ben-phone"]:
        probe = {"kind": "scrape", "url": settings["url"], "keep": keep, "interval": "5m"}
        services = {"shop": {"owner": "web", "probes": [probe]}}
        (ops / "services.yaml").write_text(json.dumps({"services": services}))
        (ops / "secret").write_text("whsec_" + "A" * 32)
        (ops / "secret").chmod(0o600)
        channels = {
            name: {
                "kind": "webhook", "url": one.url, "secret_file": "secret", "gets": "routed",
                "allow_private": True,
            }
            for name, one in phones.items()
        }  # fmt: skip
        with (ops / "opskit.yaml").open("a") as stream:
            stream.write(f"channels: {json.dumps(channels)}\n")
        (ops / "alerts/opskit").mkdir(parents=True)
        shutil.copy(SHIPPED, ops / "alerts/opskit")
        (ops / "alerts/routes.yaml").write_text(ROUTES)
        app = App(load(ops / "opskit.yaml", {}, ops), {}, clock)
        yield World(app, clock, disk, app.alerting.ready(), phones)
        app.database.close()


def calm_days(world: World) -> None:
    """Plant four days in which the disk held what it holds now, as looks had seen it."""
    disk = Metric("shop/scrape", "disk_used_ratio", (("mountpoint", str(world.disk)),))
    usage = shutil.disk_usage(world.disk)
    now = Instant(world.clock.now() - STEP)
    with world.app.database.write() as connection:
        for number in range(4 * DAY // STEP, 0, -1):
            at = Instant(now - number * STEP)
            samples.insert(connection, at, {disk: usage.used / usage.total})


def test_a_filling_disk_is_foreseen_and_somebody_takes_it_in_hand(world: World) -> None:
    world.step()
    calm_days(world)
    capacity = shutil.disk_usage(world.disk).total
    hourly = capacity // 16
    for _ in world.steps(1, 0):
        assert world.told == []

    warned = next(at for at in world.steps(15, hourly) if world.told)
    ((_, first),) = world.told
    assert first.startswith("ada-phone: firing, DISK of shop/scrape is full in 11h")
    hours_left = (capacity - world.size) / hourly
    assert hours_left > 10, "it is told hours before"

    escalated = next(at for at in world.steps(1, hourly) if len(world.told) > 1)
    assert escalated - warned == 15 * MINUTE
    assert world.told[1][1].startswith("ben-phone: firing, DISK of shop/scrape is full in")

    responses = world.app.alerting.responses
    (alert,) = responses.matching(parsed("alertname=DiskFillsUp"), ())
    responses.acknowledge((alert,), Duration(12 * HOUR), "cleaning up")
    world.step()
    taken = [text for _, text in world.told[2:]]
    assert [text.partition(", ")[0] for text in taken] == [
        "ada-phone: acknowledged",
        "ben-phone: acknowledged",
    ]
    assert all(text.endswith(f"{world.app.user} has it in hand") for text in taken)
    for _ in world.steps(2, hourly):
        assert len(world.told) == 4, "nobody is told again while somebody has it in hand"

    with world.app.maintained(("shop",), "the log goes"):
        (world.disk / "log").unlink()
    for _ in world.steps(8, 0):
        if len(world.told) > 4:
            break
    assert [text.partition(", ")[0] for _, text in world.told[4:]] == [
        "ada-phone: resolved",
        "ben-phone: resolved",
    ]
    assert responses.open() == ()

    world.clock.advance(5 * HOUR)
    now = world.clock.now()
    rules = world.app.reviewing.rules(Interval(Instant(now - DAY), now))
    (worth,) = (one for one in rules if one.rule == "opskit-ahead/DiskFillsUp")
    assert (worth.firings, worth.decided, worth.acted) == (1, 1, 1)
    assert worth.answered == 20 * MINUTE
