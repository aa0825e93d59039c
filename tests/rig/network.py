"""A private network for one fleet: a bridge in this namespace, a cable per host.

A network has a number N between 1 and 254: bridge `opskitN`, cables `opskitN-1`,
`opskitN-2`, ..., addresses 10.203.N.0/24, and `/run/opskitN` for sockets. Whoever
holds the abstract Unix socket `opskit-rig-N` owns all of that. The kernel hands the
socket to one process only and frees it when that process ends, however it ends;
what exists under a number that nobody holds is stale.
"""

import os
import re
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.rig.command import RigError, must, run

NUMBERS = 254
FIRST_HOST = 10
HOSTS = 240
_RUNTIME = Path("/run")
_OURS = re.compile(r"opskit(\d+)(?:-\d+)?")
_QUICK_UNREACHABLE = "50"


@dataclass(frozen=True)
class Network:
    """The network with one number."""

    number: int

    @property
    def bridge(self) -> str:
        """Name of the bridge, which is also this machine's interface."""
        return f"opskit{self.number}"

    @property
    def runtime(self) -> Path:
        """Directory for sockets; short, because socket paths must be."""
        return _RUNTIME / self.bridge

    @property
    def addresses(self) -> str:
        """The network's addresses."""
        return f"10.203.{self.number}.0/24"

    @property
    def gateway(self) -> str:
        """The machine's own address on the network."""
        return f"10.203.{self.number}.1"

    def link(self, index: int) -> "Link":
        """Return the cable for the host with this index."""
        if index >= HOSTS:
            raise RigError(f"a fleet has at most {HOSTS} hosts")
        address = f"10.203.{self.number}.{FIRST_HOST + index}"
        return Link(self.bridge, f"{self.bridge}-{index + 1}", address)


@dataclass(frozen=True)
class Link:
    """One host's cable: its end on this machine, and the host's address."""

    bridge: str
    interface: str
    address: str

    def plug(self, pid: int) -> str:
        """Return the command that runs the cable to the namespace of process PID."""
        return (
            f"link add name {self.interface} up master {self.bridge} "
            f"type veth peer name eth0 netns {pid}"
        )

    def pull(self) -> None:
        """Take the cable out: no carrier, and no remembered neighbor."""
        batch(
            f"link set {self.interface} down",
            f"neigh flush to {self.address} dev {self.bridge}",
        )

    def insert(self) -> None:
        """Put the cable back in."""
        batch(f"link set {self.interface} up")


def batch(*commands: str) -> None:
    """Run several `ip` commands in one process."""
    must(("ip", "-batch", "-"), "\n".join(commands) + "\n")


@contextmanager
def opened() -> Iterator[Network]:
    """Bring up a network nobody else uses, and take it down in the end."""
    sweep_stale()
    network, lock = _claim()
    with lock:
        try:
            _bring_up(network)
            yield network
        finally:
            _remove(network)


def sweep_stale() -> tuple[str, ...]:
    """Remove networks whose owner is gone; return the names of what was removed."""
    return tuple(name for number in sorted(_numbers_in_use()) for name in _sweep(number))


def _sweep(number: int) -> Sequence[str]:
    lock = _lock(number)
    if lock is None:
        return ()
    with lock:
        return _remove(Network(number))


def _numbers_in_use() -> set[int]:
    names = [name for _, name in socket.if_nameindex()]
    names += [path.name for path in _RUNTIME.glob("opskit*")]
    return {int(found[1]) for name in names if (found := _OURS.fullmatch(name))}


def _claim() -> tuple[Network, socket.socket]:
    for step in range(NUMBERS):
        number = (os.getpid() + step) % NUMBERS + 1
        lock = None if _is_routed(number) else _lock(number)
        if lock is not None:
            return Network(number), lock
    raise RigError("all of 10.203.0.0/16 is taken")


def _lock(number: int) -> socket.socket | None:
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        lock.bind(f"\0opskit-rig-{number}")
    except OSError:
        lock.close()
        return None
    return lock


def _is_routed(number: int) -> bool:
    routes = must(("ip", "-4", "route", "show", "match", f"10.203.{number}.{FIRST_HOST}"))
    return any(not route.startswith("default") for route in routes.splitlines())


def _bring_up(network: Network) -> None:
    network.runtime.mkdir(mode=0o700)
    batch(
        f"link add name {network.bridge} type bridge stp_state 0 forward_delay 0",
        f"addr add {network.gateway}/24 dev {network.bridge}",
        f"link set {network.bridge} up",
        f"route replace {network.addresses} dev {network.bridge} scope link quickack 1",
        *_keep_carrier(network.bridge),
    )
    with suppress(OSError):  # without this a host that is off takes 3 s to notice
        _retransmission(network).write_text(_QUICK_UNREACHABLE)


def _keep_carrier(bridge: str) -> Sequence[str]:
    """Return commands for a cable that is always in.

    A bridge whose last cable is pulled forgets the packets it holds, and whoever sent
    them learns nothing until TCP tries again, a second later.
    """
    ends = (f"{bridge}-{NUMBERS}", f"{bridge}-{NUMBERS + 1}")
    return (
        f"link add name {ends[0]} up master {bridge} type veth peer name {ends[1]}",
        f"link set {ends[1]} up",
    )


def _retransmission(network: Network) -> Path:
    return Path("/proc/sys/net/ipv4/neigh", network.bridge, "retrans_time_ms")


def _remove(network: Network) -> Sequence[str]:
    shutil.rmtree(network.runtime, ignore_errors=True)
    names = [name for _, name in socket.if_nameindex() if _belongs(name, network)]
    for name in names:
        run(("ip", "link", "delete", "dev", name))  # a cable may go with its host
    return names


def _belongs(name: str, network: Network) -> bool:
    found = _OURS.fullmatch(name)
    return found is not None and int(found[1]) == network.number
