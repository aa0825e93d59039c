"""What sshd and sudo of a real host log of a grant in use, joined to that grant."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from opskit.access.rightsizing import rightsize
from opskit.access.targets.linux import LinuxKind
from opskit.access.usage import read_hosts, record
from opskit.core.clock import DAY, Duration, Instant, SystemClock
from opskit.outside.database import Database
from tests.access.targets.deputy import Deputy, Key, grant, now, rules
from tests.access.targets.test_linux import render
from tests.access.used import granted, office, uses
from tests.access.world import Obedient, World
from tests.rig.hosts import Fleet, Host

NAMES = ("web1",)
ID, DATE = "/usr/bin/id -u", "/usr/bin/date"
# A host of the rig has no journal; this is what takes in what programs give to syslog(3).
LOGGER = """
import os, re, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
os.chmod("/dev/log", 0o666)
log = open("/var/log/auth.log", "ab", 0)
log.write(time.strftime("%b %e %H:%M:%S", time.localtime(time.time() - 60)).encode())
log.write(b" web1 kernel: it is up\\n")
if os.fork():
    sys.exit()
while True:
    said = re.sub(rb"^<[0-9]+>", b"", s.recv(65536)).rstrip(b"\\n\\0")
    log.write(said[:15] + b" web1 " + said[16:] + b"\\n")
"""
# The rig has sshd write to a file of its own; here it is to write where it usually does.
AS_USUAL = """
python3 /root/logger.py
kill "$(cat /run/sshd.pid)"
while [ -e /run/sshd.pid ]; do :; done
/usr/sbin/sshd
"""


class Reading(Obedient):
    """Targets in memory whose logs are those of a real host."""

    def __init__(self, real: LinuxKind) -> None:
        super().__init__(SystemClock())
        self.real = real

    def logs(self, since: dict[str, Instant]) -> object:
        return self.real.logs(since)


@pytest.fixture
def kind(own_fleet: Fleet, tmp_path: Path) -> LinuxKind:
    return LinuxKind(
        inventory=(own_fleet.inventory,), project=tmp_path, runs=tmp_path / "runs",
        environment={**os.environ, "HOME": str(tmp_path)}, clock=SystemClock(), render_grant=render,
    )  # fmt: skip


def test_a_login_and_a_command_of_a_grant_are_found_in_the_logs_of_its_host(
    host: Host, deputy: Deputy, key: Key, kind: LinuxKind, database: Database, tmp_path: Path
) -> None:
    world = World(database, SystemClock(), Reading(kind), office((ID, DATE), key=key.public))
    given = granted(world)
    host.write("/root/logger.py", LOGGER)
    host.run(("sh", "-c", f"({AS_USUAL}) >/dev/null 2>&1 </dev/null"))
    sudo = rules("alice", f'{ID}, {DATE} ""', now() + 3600)
    deputy.apply([grant(given.name, "alice", keys=[key.public], sudo=sudo)])
    assert deputy.ssh(key, "alice", f"sudo -n {ID}").stdout == "0\n"
    other = Key.made(tmp_path / "other")
    assert deputy.ssh(other, "alice", "true").returncode == 255
    time_is_over = now() + 3
    while now() < time_is_over:  # what was written in the last two seconds is read the next time
        time.sleep(0.2)

    work = world.as_("bob")
    (done,) = record(work, read_hosts(work, ["web1"]))

    assert uses(world) == {("web1", "login"): 1, ("web1", ID): 1}
    assert done.why == ""
    assert done.interval is not None
    assert given.provisioned_at is not None
    assert done.interval.start < given.provisioned_at < done.interval.end
    assert (done.denied, done.unclear) == (1, 0)
    assert "opskit-g1" in host.run(("ls", "/etc/sudoers.d")).stdout
    (sized,) = rightsize(work, ("nginx-operator",), Duration(DAY))
    verdicts = {one.what: (one.verdict.value, one.blind) for one in sized.rights}
    assert verdicts[ID] == ("used", ("web2",))
    assert verdicts[DATE] == ("cannot tell", ("web2",))
