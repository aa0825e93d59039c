"""The process tree that is one host, seen from this machine."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.rig import network
from tests.rig.command import ENVIRONMENT, RigError, one_line
from tests.rig.network import Link

CONTENT = Path(__file__).with_name("host")
_CHECKOUT = Path(__file__).resolve().parents[2]
_UNSHARE = ("unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child")
_ENDS_WITHIN = 10.0


@dataclass(frozen=True)
class Leader:
    """The `unshare` in front of a host's first process."""

    process: subprocess.Popen[str]
    log: Path

    def expect(self) -> str:
        """Return the next line the host says while it starts."""
        line = _pipe(self.process.stdout).readline().strip()
        if not line:
            raise RigError(f"{self.log.stem} did not start: {one_line(self.log.read_text())}")
        return line

    def proceed(self) -> None:
        """Tell the host that its cable is there."""
        pipe = _pipe(self.process.stdin)
        pipe.write("\n")
        pipe.flush()

    def end(self) -> None:
        """Kill the host's first process; the kernel then kills all others of the host."""
        first = self._first()
        for pid in first:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not first:
            self.process.kill()

    def gone(self) -> None:
        """Wait until nothing of the host runs."""
        with self.process:
            self.process.wait(_ENDS_WITHIN)

    def _first(self) -> tuple[int, ...]:
        if self.process.poll() is not None:
            return ()
        pid = self.process.pid
        return tuple(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@contextmanager
def booted(root: Path, directory: Path, links: Mapping[str, Link]) -> Iterator[Mapping[str, int]]:
    """Start all hosts side by side, and end them side by side.

    What comes out is the number of each host's first process. DIRECTORY/NAME/etc is
    what goes over the /etc of the host called NAME, which it has from ROOT.
    """
    with ExitStack() as waits, ExitStack() as ends:
        leaders = {}
        for name, link in links.items():
            leaders[name] = leader = _launch(root, directory / name, link)
            waits.callback(leader.gone)
            ends.callback(leader.end)
        yield _connect(leaders, links)


def _launch(root: Path, directory: Path, link: Link) -> Leader:
    log = directory / f"{directory.name}.log"
    arguments = (directory.name, link.address, str(directory), str(_CHECKOUT), str(root))
    with log.open("w") as stderr:
        process = subprocess.Popen(
            (*_UNSHARE, "sh", str(CONTENT / "boot"), *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=ENVIRONMENT,
            start_new_session=True,
        )
    return Leader(process, log)


def _connect(leaders: Mapping[str, Leader], links: Mapping[str, Link]) -> Mapping[str, int]:
    pids = {name: int(leader.expect()) for name, leader in leaders.items()}
    network.batch(*(links[name].plug(pid) for name, pid in pids.items()))
    for leader in leaders.values():
        leader.proceed()
    for leader in leaders.values():
        leader.expect()
    return pids


def _pipe(end: IO[str] | None) -> IO[str]:
    if end is None:
        raise RigError("a host was started without pipes")
    return end
