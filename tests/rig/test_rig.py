"""The rig is real, keeps to itself, and leaves nothing behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import sqlalchemy

from tests.rig import hosts, leader, network
from tests.rig.browser import dump_dom, screenshot
from tests.rig.hosts import Fleet, RigError, sweep_stale
from tests.rig.plugin import NAMES, require
from tests.rig.postgres import Postgres

CHECKOUT = Path(__file__).resolve().parents[2]
SOON = 5.0
ANSWER = 42
PNG = b"\x89PNG"
FAILING = '[ "$1" != two ] || { echo "no disk" >&2; exit 1; }\n'
OWNER = """
import sys, time
from pathlib import Path
from tests.rig.hosts import Fleet
with Fleet(("lost",), Path(sys.argv[1])) as fleet:
    print(fleet["lost"].pid, fleet["lost"].link.bridge, flush=True)
    time.sleep(60)
"""


def ansible(fleet: Fleet, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `ansible` on the fleet, checking host keys."""
    command = (str(Path(sys.executable).with_name("ansible")), "-i", str(fleet.inventory))
    checking = {"ANSIBLE_HOME": str(home), "ANSIBLE_HOST_KEY_CHECKING": "True"}
    return subprocess.run(
        (*command, *words),
        env={**os.environ, **checking},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def traces(directory: Path, bridge: str) -> set[str]:
    """Return what there is on this machine of a fleet in DIRECTORY whose network is BRIDGE.

    Other fleets may run at the same time.
    """
    interfaces = [name for _, name in socket.if_nameindex() if _is_of(name, bridge)]
    runtime = [str(path) for path in Path("/run").glob("opskit*") if path.name == bridge]
    lines = [
        " ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])
    ]
    ours = (f"{directory}/", f"/run/{bridge}/")
    processes = [line for line in lines if any(place in f"{line}/" for place in ours)]
    mounts = Path("/proc/mounts").read_text().splitlines()
    return {*interfaces, *runtime, *processes, *(one for one in mounts if str(directory) in one)}


def _is_of(interface: str, bridge: str) -> bool:
    return interface == bridge or interface.startswith(f"{bridge}-")


def soon(condition: Callable[[], bool]) -> bool:
    """Tell whether CONDITION comes true within a few seconds."""
    deadline = time.monotonic() + SOON
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_every_host_answers_as_itself(fleet: Fleet) -> None:
    assert [host.ssh("hostname").stdout.strip() for host in fleet] == list(NAMES)


def test_ansible_reaches_every_host_with_its_key_checked(fleet: Fleet, tmp_path: Path) -> None:
    done = ansible(fleet, tmp_path, "all", "-m", "ansible.builtin.ping")
    assert done.stdout.count('"pong"') == len(NAMES), done.stdout + done.stderr


def test_hosts_reach_each_other(fleet: Fleet) -> None:
    there = f"exec 3<>/dev/tcp/{fleet['db1'].address}/22; head -c 4 <&3"
    assert fleet["web1"].run(("bash", "-c", there)).stdout == "SSH-"


def test_what_a_host_writes_stays_on_it(fresh_fleet: Fleet) -> None:
    web1 = fresh_fleet["web1"]
    web1.write("/etc/opskit-rig/here", "only\n")
    web1.write("/var/run/here", "through a link\n")
    assert web1.read("/etc/opskit-rig/here") == "only\n"
    assert (web1.root / "run/here").read_text() == "through a link\n"
    assert not fresh_fleet["web2"].exists("/etc/opskit-rig/here")
    assert not Path("/etc/opskit-rig").exists()
    assert not Path("/run/here").exists()


def test_a_host_cannot_touch_the_machine(fleet: Fleet) -> None:
    db1 = fleet["db1"]
    assert not db1.exists(str(CHECKOUT / "tests"))
    assert not db1.exists(str(fleet.key))
    assert db1.run(("sh", "-c", "echo 1 >/proc/sys/vm/swappiness")).returncode
    assert db1.run(("date", "--set", "2020-01-01")).returncode
    assert db1.run(("mknod", "/root/disk", "b", "8", "0")).returncode


def test_a_host_that_is_off_is_unreachable_until_it_is_on(
    fresh_fleet: Fleet, tmp_path: Path
) -> None:
    web1 = fresh_fleet["web1"]
    ansible(fresh_fleet, tmp_path, "web1", "-m", "ansible.builtin.ping")
    web1.switch_off()
    web1.switch_off()
    done = ansible(fresh_fleet, tmp_path, "web1", "-m", "ansible.builtin.ping")
    assert "UNREACHABLE" in done.stdout
    assert "No route to host" in done.stdout
    assert not fresh_fleet["web2"].ssh("true").returncode
    web1.switch_on()
    assert not web1.ssh("true").returncode


def test_a_replaced_host_key_is_refused(fresh_fleet: Fleet, tmp_path: Path) -> None:
    fresh_fleet["web1"].replace_host_key()
    done = ansible(fresh_fleet, tmp_path, "web1", "-m", "ansible.builtin.ping")
    assert "UNREACHABLE" in done.stdout
    assert "Host key verification failed" in done.stdout


def test_nothing_is_left_when_a_fleet_ends(tmp_path: Path) -> None:
    require(hosts.available())
    with Fleet(("one", "two"), tmp_path / "fleet") as fleet:
        bridge = fleet["one"].link.bridge
        ansible(fleet, tmp_path / "home", "all", "-m", "ansible.builtin.ping")
        assert list(Path("/run", bridge).iterdir()), "no connection was kept"
        assert len(traces(tmp_path, bridge)) > len(("one", "two", "the bridge", "its directory"))
    assert soon(lambda: not traces(tmp_path, bridge))


def test_nothing_is_left_when_a_host_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require(hosts.available())
    content = shutil.copytree(leader.CONTENT, tmp_path / "content")
    (content / "boot").write_text(FAILING + (content / "boot").read_text())
    monkeypatch.setattr(leader, "CONTENT", content)
    bridges: list[str] = []
    bring_up = network._bring_up

    def noted(one: network.Network) -> None:
        bridges.append(one.bridge)
        bring_up(one)

    monkeypatch.setattr(network, "_bring_up", noted)
    with pytest.raises(RigError, match="two did not start: no disk"):
        Fleet(("one", "two", "three"), tmp_path / "fleet").__enter__()
    (bridge,) = bridges
    assert not traces(tmp_path, bridge)


@pytest.mark.parametrize("names", [("-x",), ("Web",), ("a/b",), ("one", "one")])
def test_bad_names_are_refused(names: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(RigError, match="not host names"):
        Fleet(names, tmp_path)


def test_a_directory_that_no_host_can_run_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RigError, match="it has no usr/sbin/sshd"):
        Fleet(("one",), tmp_path / "fleet", root=tmp_path)


def test_hosts_end_with_their_owner_and_the_next_fleet_sweeps_up(tmp_path: Path) -> None:
    require(hosts.available())
    command = (sys.executable, "-c", OWNER, str(tmp_path))
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid, bridge = owner.stdout.readline().split()
        assert bridge not in sweep_stale(), "it is still in use"
        owner.send_signal(signal.SIGKILL)
    assert soon(lambda: not psutil.pid_exists(int(pid)))
    sweep_stale()
    assert soon(lambda: not traces(tmp_path, bridge))


def test_postgres_answers_over_tcp_and_socket(postgres: Postgres) -> None:
    for url in (postgres.url, postgres.socket_url):
        engine = sqlalchemy.create_engine(url)
        with engine.connect() as connection:
            assert connection.scalar(sqlalchemy.text("SELECT 40 + 2")) == ANSWER
        engine.dispose()


@pytest.mark.usefixtures("browser")
def test_the_browser_shows_pages_and_runs_their_scripts(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>a</p><script>document.body.append('made ' + 'here')</script>")
    assert "made here" in dump_dom(page)
    screenshot(page, tmp_path / "page.png", 320, 200)
    assert (tmp_path / "page.png").read_bytes().startswith(PNG)
