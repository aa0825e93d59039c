"""What may hold a rollout back between two batches: a command, or a service's own probes."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opskit.core.errors import ConfigError
from opskit.core.text import shorten
from opskit.outside.process import run

if TYPE_CHECKING:
    from opskit.monitor.catalogue import Catalogue, Target
    from opskit.monitor.prober import Prober

_SECONDS = 300.0


@dataclass(frozen=True)
class CommandGate:
    """Open while a command ends with 0."""

    argv: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str]

    @classmethod
    def parse(cls, command: str, directory: Path, environment: Mapping[str, str]) -> CommandGate:
        """Return the gate that a command line names.

        Raises:
            ConfigError: it is none.
        """
        try:
            argv = tuple(shlex.split(command))
        except ValueError as error:
            raise ConfigError(f"--gate: {error}", hint="quote the command once") from error
        if not argv:
            raise ConfigError("--gate: the command is empty", hint="--gate 'check-it --all'")
        return cls(argv, directory, environment)

    def closed(self) -> str:
        """Return why the next batch may not start; empty if it may."""
        command = shlex.join(self.argv)
        done = run(
            self.argv, timeout=_SECONDS, environment=self.environment, directory=self.directory
        )
        if done.timed_out:
            return f"the gate did not answer within {_SECONDS:.0f} s: {command}"
        if done.status == 0:
            return ""
        told = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        return shorten(f"the gate is shut ({done.status}): {command} {' '.join(told)}", 300)


@dataclass(frozen=True)
class ServiceGate:
    """Open while the probes of a service, and of what it is made of, say that it is up.

    What they see is written like any other.
    """

    catalogue: Catalogue
    service: str
    prober: Callable[[Sequence[Target]], Prober]

    def closed(self) -> str:
        """Return why the next batch may not start; empty if it may."""
        from opskit.monitor.dependence import not_up  # noqa: PLC0415
        from opskit.monitor.model import Seen  # noqa: PLC0415
        from opskit.monitor.windows import parts  # noqa: PLC0415

        names = parts(self.catalogue, self.service)
        bad: dict[str, str] = {}
        for one in self.prober(self.catalogue.targets(names)).once(lambda _: None):
            if one.seen is not Seen.UP:
                service = one.target.partition("/")[0]
                bad.setdefault(service, f"{one.target} is {one.seen}: {one.reason}")
        return not_up(self.catalogue, self.service, bad)
