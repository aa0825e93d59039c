r"""Real sshd hosts for tests: each with its own network, processes, name and overlay of /.

    with Fleet(names=("web1", "db1"), directory=tmp_path) as fleet:
        fleet["web1"].write("/etc/motd", "hello\n")
        fleet["web1"].ssh("cat", "/etc/motd")

Nothing is installed and nothing stays: a host is a process tree, and what it writes is
in memory. The hosts reach this machine and each other, and nothing else. When this
process ends, even by SIGKILL, so do its hosts.

OPSKIT_TEST_ROOT names another directory than / to lay them over, such as what debootstrap
makes of another release, with sshd, python3 and iproute2 in it.
"""

import functools
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.rig import network
from tests.rig.command import (
    ENVIRONMENT,
    RigError,
    first_reason,
    is_root,
    missing,
    one_line,
    run,
)
from tests.rig.leader import CONTENT, booted
from tests.rig.login import Login
from tests.rig.network import Link, sweep_stale

__all__ = ["Fleet", "Host", "RigError", "available", "sweep_stale"]

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_SPACES = ("--mount", "--uts", "--ipc", "--net", "--pid")
_ANSWERS_WITHIN = 10.0
_ROOT_VARIABLE = "OPSKIT_TEST_ROOT"
_NEEDED_IN_ROOT = ("usr/sbin/sshd", "usr/bin/python3")
_TOOLS = {
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "pivot_root": "util-linux",
    "mount": "mount",
    "hostname": "hostname",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "/usr/sbin/sshd": "openssh-server",
    "/usr/bin/python3": "python3-minimal",
}


@dataclass(frozen=True)
class Host:
    """One host of a fleet."""

    name: str
    link: Link
    pid: int
    login: Login

    @property
    def address(self) -> str:
        """The host's address, as reached from this machine."""
        return self.link.address

    @property
    def root(self) -> Path:
        """The host's / as seen from outside, to look at.

        Beware of absolute symbolic links in it: they lead to this machine's own files.
        `read`, `write` and `exists` follow them inside the host.
        """
        return Path(f"/proc/{self.pid}/root")

    def run(self, argv: Sequence[str], stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run ARGV as root on the host, switched on or off, without going through sshd."""
        enter = ("nsenter", "--target", str(self.pid), *_SPACES)
        return run((*enter, "sh", "/etc/rig/confined", *argv), stdin)

    def ssh(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run ARGV as root on the host through ssh, as an operator would."""
        return run((*self.login.command(self.address), shlex.join(argv)))

    def write(self, path: str, text: str) -> None:
        """Write TEXT to PATH on the host; directories are made as needed."""
        script = 'mkdir -p "$(dirname "$1")" && cat >"$1"'
        self._must(("sh", "-c", script, "sh", path), text)

    def read(self, path: str) -> str:
        """Return the text in PATH on the host."""
        return self._must(("cat", path))

    def exists(self, path: str) -> bool:
        """Tell whether PATH exists on the host."""
        return self.run(("test", "-e", path)).returncode == 0

    def switch_off(self) -> None:
        """End every process of the host and take its cable out."""
        self.login.hang_up(self.address)
        self._must(("sh", "/etc/rig/switch", "off"))
        self.link.pull()

    def switch_on(self) -> None:
        """Put the cable back and start sshd; return when it answers."""
        self.link.insert()
        self._must(("sh", "/etc/rig/switch", "on"))
        _wait_for_sshd(self)

    def replace_host_key(self) -> None:
        """Give the host a key that is not the one in the fleet's `known_hosts`."""
        self.login.hang_up(self.address)
        self._must(("sh", "/etc/rig/switch", "rekey"))

    def _must(self, argv: Sequence[str], stdin: str = "") -> str:
        done = self.run(argv, stdin)
        if done.returncode:
            raise RigError(f"{shlex.join(argv)} on {self.name}: {one_line(done.stderr)}")
        return done.stdout


def _chosen_root() -> Path:
    return Path(os.environ.get(_ROOT_VARIABLE) or "/").resolve()


@dataclass(frozen=True, eq=False)
class Fleet:
    """Some hosts on one network, with what it takes to log in to them.

    Under what each of them writes lies ROOT, which stays as it is.
    """

    names: tuple[str, ...]
    directory: Path
    root: Path = field(default_factory=_chosen_root)
    _hosts: dict[str, Host] = field(default_factory=dict, init=False, repr=False)
    _stack: ExitStack = field(default_factory=ExitStack, init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse names that a host, a directory or an inventory cannot have, and bare roots."""
        distinct = len(set(self.names)) == len(self.names)
        if not distinct or not all(map(_NAME.fullmatch, self.names)):
            raise RigError(f"not host names, or not distinct: {' '.join(self.names)}")
        absent = [path for path in _NEEDED_IN_ROOT if not (self.root / path).exists()]
        if absent:
            raise RigError(f"{self.root} cannot be the root of a host: it has no {absent[0]}")

    @property
    def inventory(self) -> Path:
        """An Ansible inventory of the hosts."""
        return self.directory / "inventory.ini"

    @property
    def known_hosts(self) -> Path:
        """The hosts' real keys."""
        return self.directory / "known_hosts"

    @property
    def key(self) -> Path:
        """The private key that root on every host accepts."""
        return self.directory / "id_ed25519"

    def __enter__(self) -> Self:
        """Start all hosts; when one fails, leave nothing behind."""
        with ExitStack() as stack:
            self._start(stack)
            self._stack.push(stack.pop_all())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all hosts and remove their network."""
        self._hosts.clear()
        self._stack.close()

    def __getitem__(self, name: str) -> Host:
        """Return the host called NAME."""
        return self._hosts[name]

    def __iter__(self) -> Iterator[Host]:
        """Go through the hosts in the order of their names as given."""
        return iter(self._hosts.values())

    def _start(self, stack: ExitStack) -> None:
        net = stack.enter_context(network.opened())
        links = {name: net.link(index) for index, name in enumerate(self.names)}
        login = Login(self.key, self.known_hosts, net.runtime)
        _prepare(self.directory, login, links)
        pids = stack.enter_context(booted(self.root, self.directory, links))
        stack.callback(login.hang_up)
        hosts = {name: Host(name, links[name], pids[name], login) for name in links}
        self._hosts.update(hosts)
        addresses = {name: link.address for name, link in links.items()}
        self.inventory.write_text(login.inventory(addresses))


@functools.cache
def available() -> str | None:
    """Say in one line why this machine cannot run a fleet, or return None if it can."""
    return first_reason(check() for check in (_lacks_root, _lacks_tools, _fails_to_start))


def _lacks_root() -> str | None:
    return None if is_root() else "hosts need root: run the tests as root"


def _lacks_tools() -> str | None:
    return missing(_TOOLS)


def _fails_to_start() -> str | None:
    try:
        with tempfile.TemporaryDirectory() as directory, Fleet(("trial",), Path(directory)):
            return None
    except RigError as error:
        return f"hosts need namespaces, overlay mounts and bridges permitted, and sshd: {error}"


def _prepare(directory: Path, login: Login, links: Mapping[str, Link]) -> None:
    """Lay out what goes over the /etc of each host, and know their keys."""
    for name in links:
        _prepare_host(directory / name, links)
    keys = {name: directory / name / "etc/ssh/ssh_host_ed25519_key" for name in links}
    _generate([login.key, *keys.values()])
    for name in links:
        shutil.copy(_public(login.key), directory / name / "etc/rig/authorized_keys")
    known = (_known_host(links[name], name, key) for name, key in keys.items())
    login.known_hosts.write_text("".join(known))


def _prepare_host(directory: Path, links: Mapping[str, Link]) -> None:
    (directory / "disk").mkdir(parents=True)
    etc = directory / "etc"
    shutil.copytree(CONTENT / "etc", etc)
    (etc / "machine-id").write_text(f"{uuid.uuid4().hex}\n")
    (etc / "hostname").write_text(f"{directory.name}\n")
    known = "".join(f"{link.address} {name}\n" for name, link in links.items())
    (etc / "hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n{known}")


def _known_host(link: Link, name: str, key: Path) -> str:
    kind, value, *_ = _public(key).read_text().split()
    return f"{link.address},{name} {kind} {value}\n"


def _public(key: Path) -> Path:
    return key.with_name(f"{key.name}.pub")


def _generate(keys: Sequence[Path]) -> None:
    """Generate all KEYS side by side."""
    command = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "opskit-rig", "-f")
    running = [subprocess.Popen((*command, str(key)), env=ENVIRONMENT) for key in keys]
    statuses = [process.wait() for process in running]
    if any(statuses):
        raise RigError("ssh-keygen failed")


def _wait_for_sshd(host: Host) -> None:
    deadline = time.monotonic() + _ANSWERS_WITHIN
    while not _answers(host.address):
        if time.monotonic() > deadline:
            raise RigError(f"{host.name} does not answer on {host.address}")
        time.sleep(0.02)


def _answers(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=0.2):
            return True
    except OSError:
        return False
