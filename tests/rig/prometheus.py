"""A throwaway Prometheus for tests, on a loopback port, with samples of a test's own making."""

import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.rig.command import ENVIRONMENT, RigError, free_port, missing, must, one_line

__all__ = ["Prometheus", "available"]

_STARTS_WITHIN = 60.0
_ENDS_WITHIN = 10.0
_TOOLS = {"prometheus": "prometheus", "promtool": "prometheus"}
# As long as a block can be; promtool reads the whole file again for each.
_LONG_BLOCKS = "--max-block-duration=486h"


def available() -> str | None:
    """Say in one line why this machine cannot run Prometheus, or return None if it can."""
    return missing(_TOOLS)


@dataclass(frozen=True, eq=False)
class Prometheus:
    """One server; it holds SAMPLES, lines of the OpenMetrics text format.

    It scrapes nothing and has no rules, unless CONFIG says so.
    """

    directory: Path
    samples: Iterable[str] = field(repr=False)
    config: str = field(default="scrape_configs: []\n", repr=False)
    port: int = field(default_factory=free_port)
    _stack: ExitStack = field(default_factory=ExitStack, init=False, repr=False)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Write the samples as blocks and start the server; return when it is ready."""
        if self.samples:
            self._import()
        (self.directory / "prometheus.yml").write_text(self.config)
        with ExitStack() as stack:
            process = stack.enter_context(_served(self))
            _wait_until_ready(self, process)
            self._stack.push(stack.pop_all())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self._stack.close()

    def _import(self) -> None:
        text = self.directory / "samples.om"
        with text.open("w") as stream:
            stream.writelines(f"{line}\n" for line in (*self.samples, "# EOF"))
        data = str(self.directory / "data")
        must(
            ("promtool", "tsdb", "create-blocks-from", _LONG_BLOCKS, "openmetrics", str(text), data)
        )
        text.unlink()


@contextmanager
def _served(server: Prometheus) -> Iterator[subprocess.Popen[bytes]]:
    program = shutil.which("prometheus", path=ENVIRONMENT["PATH"])
    if program is None:
        raise RigError("there is no prometheus")
    with (server.directory / "log").open("wb") as log:
        process = subprocess.Popen(
            (
                *("setpriv", "--pdeathsig", "TERM", program),
                f"--config.file={server.directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={server.directory / 'data'}",
                "--storage.tsdb.retention.time=100y",
                f"--web.listen-address=127.0.0.1:{server.port}",
            ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**ENVIRONMENT, "GOMAXPROCS": str(os.cpu_count() or 1)},
            start_new_session=True,
        )
    with process:
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()


def _wait_until_ready(server: Prometheus, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while not _is_ready(server.url):
        if process.poll() is not None or time.monotonic() > deadline:
            log = (server.directory / "log").read_text()
            raise RigError(f"Prometheus did not start: {one_line(log[-600:])}")
        time.sleep(0.02)


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=5) as answer:
            return int(answer.status) == 200
    except (urllib.error.URLError, OSError):
        return False
