"""A throwaway Alertmanager for tests, on a loopback port."""

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.rig.command import ENVIRONMENT, RigError, free_port, missing, one_line

_WITHIN = 30.0
_PROGRAM = "prometheus-alertmanager"
_TOOLS = {_PROGRAM: "prometheus-alertmanager", "amtool": "prometheus-alertmanager"}


def available() -> str | None:
    """Say in one line why this machine cannot run Alertmanager, or return None if it can."""
    return missing(_TOOLS)


@dataclass(frozen=True)
class Alertmanager:
    """One server, alone."""

    directory: Path
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self, config: str) -> Iterator["Alertmanager"]:
        """Run it with this CONFIG until the block ends."""
        program = shutil.which(_PROGRAM, path=ENVIRONMENT["PATH"])
        if program is None:
            raise RigError(f"there is no {_PROGRAM}")
        (self.directory / "alertmanager.yml").write_text(config)
        argv = (
            *("setpriv", "--pdeathsig", "KILL", program),
            f"--config.file={self.directory / 'alertmanager.yml'}",
            f"--storage.path={self.directory / 'state'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        )
        with (self.directory / "am.log").open("wb") as log:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT
            )
        with process:
            try:
                self._wait_until_ready(process)
                yield self
            finally:
                process.terminate()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _WITHIN
        while not self._is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                log = (self.directory / "am.log").read_text()
                raise RigError(f"Alertmanager did not start: {one_line(log[-600:])}")
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
                return int(answer.status) == 200
        except (urllib.error.URLError, OSError):
            return False
